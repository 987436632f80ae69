//! Ready-made key contexts for the usual encryption strategies and design patterns.
//!
//! Each step adds an item under one fixed name, so that every part of a system spells it the same way: a
//! name that differs in one letter is another key.

use crate::error::{Code, Error};
use crate::key_context::KeyContext;
use crate::tree::decimal;
use time::{Month, OffsetDateTime};

/// The item that selects a customer-managed key where the organization has one.
pub const ORGANIZATION_ID: &str = "organization_id";
/// The item for keys per user.
pub const USER_ID: &str = "user_id";
/// The item for keys per type of resource.
pub const RESOURCE_TYPE: &str = "resource_type";
/// The item for keys per tenant, where tenants are not WorkOS organizations.
pub const TENANT_ID: &str = "tenant_id";
/// The item for keys per environment (production, staging).
pub const ENVIRONMENT: &str = "environment";
/// The item for keys per service.
pub const SERVICE: &str = "service";
/// The item for keys per class of data (public, confidential, restricted).
pub const DATA_CLASSIFICATION: &str = "data_classification";
/// The item for keys that change with time.
pub const ROTATION_PERIOD: &str = "rotation_period";
/// The item for keys per place where data must stay.
pub const DATA_RESIDENCY: &str = "data_residency";
/// The item for keys per rule book (HIPAA, PCI-DSS).
pub const COMPLIANCE_FRAMEWORK: &str = "compliance_framework";

impl KeyContext {
    /// Keys per organization: `{organization_id}`. The usual choice, and the one under which a customer can
    /// bring a key of their own.
    pub fn for_organization(organization_id: &str) -> Result<Self, Error> {
        KeyContext::from_pairs([(ORGANIZATION_ID, organization_id)])
    }

    /// Keys per tenant of your own making, in an environment: `{tenant_id, environment}`.
    pub fn for_tenant(tenant_id: &str, environment: &str) -> Result<Self, Error> {
        KeyContext::from_pairs([(TENANT_ID, tenant_id), (ENVIRONMENT, environment)])
    }

    /// Keys from the top down: `{environment, service, data_classification}`.
    pub fn for_service(environment: &str, service: &str, data_classification: &str) -> Result<Self, Error> {
        KeyContext::from_pairs([
            (ENVIRONMENT, environment),
            (SERVICE, service),
            (DATA_CLASSIFICATION, data_classification),
        ])
    }

    /// Adds `user_id`.
    pub fn with_user(&self, user_id: &str) -> Result<Self, Error> {
        self.with(USER_ID, user_id)
    }

    /// Adds `resource_type`.
    pub fn with_resource_type(&self, resource_type: &str) -> Result<Self, Error> {
        self.with(RESOURCE_TYPE, resource_type)
    }

    /// Adds `environment`.
    pub fn with_environment(&self, environment: &str) -> Result<Self, Error> {
        self.with(ENVIRONMENT, environment)
    }

    /// Adds `service`.
    pub fn with_service(&self, service: &str) -> Result<Self, Error> {
        self.with(SERVICE, service)
    }

    /// Adds `data_classification`.
    pub fn with_classification(&self, data_classification: &str) -> Result<Self, Error> {
        self.with(DATA_CLASSIFICATION, data_classification)
    }

    /// Adds `rotation_period`, in the form [`rotation_period`] makes: `2024`, `2024-Q1` or `2024-01`. Another
    /// form is refused: a typing error here is a new key.
    pub fn with_rotation(&self, period: &str) -> Result<Self, Error> {
        if !is_rotation_period(period) {
            let field = ["key_context.", ROTATION_PERIOD].concat();
            let message = "expected a year, a quarter or a month: 2024, 2024-Q1 or 2024-01";
            return Err(Error::about_field(Code::InvalidKeyContext, &field, message));
        }
        self.with(ROTATION_PERIOD, period)
    }

    /// Adds `data_residency` and `compliance_framework`.
    pub fn with_compliance(&self, data_residency: &str, compliance_framework: &str) -> Result<Self, Error> {
        self.with(DATA_RESIDENCY, data_residency)?.with(COMPLIANCE_FRAMEWORK, compliance_framework)
    }
}

/// How often keys change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// `2024`.
    Year,
    /// `2024-Q1`.
    Quarter,
    /// `2024-01`.
    Month,
}

impl Rotation {
    /// `year`, `quarter` or `month`.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "year" => Rotation::Year,
            "quarter" => Rotation::Quarter,
            "month" => Rotation::Month,
            _ => return None,
        })
    }
}

/// The period, in UTC, that a moment falls in. `None` outside the years 0 to 9999.
pub fn rotation_period(unix_ms: i64, every: Rotation) -> Option<String> {
    let date = OffsetDateTime::from_unix_timestamp(unix_ms.div_euclid(1000)).ok()?.date();
    let year = u64::try_from(date.year()).ok()?;
    let mut text = pad(year, 4);
    match every {
        Rotation::Year => {}
        Rotation::Quarter => {
            text.push_str("-Q");
            text.push_str(&decimal(u64::from((month(date.month()) - 1) / 3 + 1)));
        }
        Rotation::Month => {
            text.push('-');
            text.push_str(&pad(u64::from(month(date.month())), 2));
        }
    }
    Some(text)
}

fn month(month: Month) -> u8 {
    month as u8
}

fn pad(number: u64, width: usize) -> String {
    let digits = decimal(number);
    let zeros = "0000".get(..width.saturating_sub(digits.len())).unwrap_or_default();
    [zeros, &digits].concat()
}

/// Whether a text is a rotation period: `2024`, `2024-Q1` to `Q4`, `2024-01` to `12`.
pub fn is_rotation_period(text: &str) -> bool {
    let (year, rest) = text.split_at_checked(4).unwrap_or((text, "-"));
    let year_fits = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
    let rest_fits = match rest.as_bytes() {
        [] => true,
        [b'-', b'Q', quarter] => (b'1'..=b'4').contains(quarter),
        [b'-', b'0', month] => (b'1'..=b'9').contains(month),
        [b'-', b'1', month] => (b'0'..=b'2').contains(month),
        _ => false,
    };
    year_fits && rest_fits
}
