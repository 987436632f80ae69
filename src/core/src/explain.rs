//! What a key context does, in words: which keys, which isolation, whose keys, and what looks like a slip.

use crate::key_context::{ITEMS_MAX, KeyContext};
use crate::strategy::{
    COMPLIANCE_FRAMEWORK, DATA_CLASSIFICATION, DATA_RESIDENCY, ENVIRONMENT, ORGANIZATION_ID, RESOURCE_TYPE,
    ROTATION_PERIOD, SERVICE, TENANT_ID, USER_ID, is_rotation_period,
};
use crate::tree::decimal;

/// How data is kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// `organization_id` alone.
    Organization,
    /// `organization_id` and `user_id`.
    OrganizationUser,
    /// `organization_id` and `resource_type`.
    OrganizationResource,
    /// `tenant_id`, without an organization.
    Tenant,
    /// `environment`, `service` or `data_classification`, without an organization or a tenant.
    Hierarchy,
    /// Anything else.
    Custom,
}

impl Isolation {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Isolation::Organization => "organization",
            Isolation::OrganizationUser => "organization_user",
            Isolation::OrganizationResource => "organization_resource",
            Isolation::Tenant => "tenant",
            Isolation::Hierarchy => "hierarchy",
            Isolation::Custom => "custom",
        }
    }
}

/// Whose key-encrypting keys are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// The organization's own key where one is set up (BYOK), else WorkOS's.
    CustomerIfConfigured,
    /// WorkOS's, always: without `organization_id` no customer key can apply.
    WorkOs,
}

impl KeyOwner {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            KeyOwner::CustomerIfConfigured => "customer_if_configured",
            KeyOwner::WorkOs => "workos",
        }
    }
}

/// How grave a [`Lint`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Very likely a mistake.
    Warning,
    /// Worth a look.
    Note,
}

impl Level {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// Something that is allowed and yet looks wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// How grave.
    pub level: Level,
    /// A stable name for the kind of lint.
    pub code: &'static str,
    /// Where: `key_context.organizationId`.
    pub field: String,
    /// What, and what to do.
    pub message: String,
}

/// A key-encrypting key that the context calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kek {
    /// The item's name.
    pub name: String,
    /// The item's value.
    pub value: String,
    /// Whether a customer-managed key can stand in for it.
    pub customer_key_can_apply: bool,
}

/// See [`explain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// One KEK an item, in canonical order.
    pub keks: Vec<Kek>,
    /// How data is kept apart.
    pub isolation: Isolation,
    /// Design patterns on top: `rotation`, `compliance`, `hierarchy`.
    pub patterns: Vec<&'static str>,
    /// Whose keys.
    pub key_owner: KeyOwner,
    /// What looks like a slip, gravest first.
    pub lints: Vec<Lint>,
}

/// Explains a context.
pub fn explain(context: &KeyContext) -> Explanation {
    let has = |name: &str| context.get(name).is_some();
    let isolation = if has(ORGANIZATION_ID) {
        match (has(USER_ID), has(RESOURCE_TYPE)) {
            (true, false) => Isolation::OrganizationUser,
            (false, true) => Isolation::OrganizationResource,
            (true, true) => Isolation::Custom,
            (false, false) => Isolation::Organization,
        }
    } else if has(TENANT_ID) {
        Isolation::Tenant
    } else if has(ENVIRONMENT) || has(SERVICE) || has(DATA_CLASSIFICATION) {
        Isolation::Hierarchy
    } else {
        Isolation::Custom
    };
    let mut patterns = Vec::new();
    if has(ROTATION_PERIOD) {
        patterns.push("rotation");
    }
    if has(DATA_RESIDENCY) || has(COMPLIANCE_FRAMEWORK) {
        patterns.push("compliance");
    }
    if [ENVIRONMENT, SERVICE, DATA_CLASSIFICATION].iter().filter(|name| has(name)).count() > 1 {
        patterns.push("hierarchy");
    }
    let keks = context
        .canonical()
        .into_iter()
        .map(|(name, value)| Kek {
            name: name.into(),
            value: value.into(),
            customer_key_can_apply: name == ORGANIZATION_ID,
        })
        .collect();
    let key_owner = if has(ORGANIZATION_ID) { KeyOwner::CustomerIfConfigured } else { KeyOwner::WorkOs };
    Explanation { keks, isolation, patterns, key_owner, lints: lints(context) }
}

/// Names that are spelled otherwise than [`crate::strategy`] does, squeezed to lower-case letters.
const SPELLINGS: [(&str, &[&str]); 6] = [
    (ORGANIZATION_ID, &["organizationid", "organisationid", "orgid", "organization", "organisation", "org"]),
    (USER_ID, &["userid", "user", "uid"]),
    (TENANT_ID, &["tenantid", "tenant"]),
    (RESOURCE_TYPE, &["resourcetype"]),
    (DATA_CLASSIFICATION, &["dataclassification", "classification"]),
    (ROTATION_PERIOD, &["rotationperiod", "rotation"]),
];

fn lints(context: &KeyContext) -> Vec<Lint> {
    let mut lints = Vec::new();
    for (name, value) in context.iter() {
        let mut add = |level, code, message: String| {
            lints.push(Lint { level, code, field: ["key_context.", name].concat(), message });
        };
        let squeezed: String =
            name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        for (right, wrong) in SPELLINGS {
            if name != right && wrong.contains(&squeezed.as_str()) {
                let consequence = if right == ORGANIZATION_ID {
                    " Under this name a customer's own key is silently not used."
                } else {
                    " Another name is another key."
                };
                add(Level::Warning, "misspelled_name", ["did you mean ", right, "?", consequence].concat());
            }
        }
        if name == ORGANIZATION_ID && !value.starts_with("org_") {
            add(
                Level::Note,
                "organization_id_form",
                "WorkOS organization IDs start with org_; the service answers \"organization_id not found\" to one it does not know".into(),
            );
        }
        if name == ROTATION_PERIOD && !is_rotation_period(value) {
            add(
                Level::Warning,
                "rotation_form",
                "expected a year, a quarter or a month: 2024, 2024-Q1 or 2024-01".into(),
            );
        }
        if looks_secret(value) {
            add(
                Level::Warning,
                "looks_secret",
                "the value looks like a secret; key contexts are stored and logged in the clear".into(),
            );
        } else if looks_personal(value) {
            add(
                Level::Warning,
                "looks_personal",
                "the value looks like a personal datum; use an opaque ID, as key contexts are stored and logged in the clear".into(),
            );
        }
        if value.is_empty() {
            add(Level::Note, "empty_value", "the value is empty; is a variable not set?".into());
        } else if value.trim() != value || name.trim() != name {
            add(
                Level::Note,
                "outer_space",
                "spaces at the ends count: this is another key than without them".into(),
            );
        }
    }
    if context.len() > 8 {
        let message =
            [&decimal(context.len() as u64), " of at most ", &decimal(ITEMS_MAX as u64), " items are in use"];
        lints.push(Lint {
            level: Level::Note,
            code: "near_item_limit",
            field: "key_context".into(),
            message: message.concat(),
        });
    }
    let (mut lints, notes): (Vec<_>, Vec<_>) = lints.into_iter().partition(|lint| lint.level != Level::Note);
    lints.extend(notes);
    lints
}

/// Prefixes of well-known credentials, private keys, tokens of three dotted parts.
fn looks_secret(value: &str) -> bool {
    const PREFIXES: [&str; 14] = [
        "sk_",
        "rk_",
        "sk-",
        "ghp_",
        "gho_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "xoxp-",
        "AKIA",
        "AIza",
        "-----BEGIN",
        "Bearer ",
    ];
    let token = value.starts_with("eyJ") && value.split('.').count() == 3 && value.len() > 40;
    let lower = value.to_ascii_lowercase();
    let says_so = ["password=", "passwd=", "secret=", "api_key="].iter().any(|word| lower.contains(word));
    token
        || says_so
        || PREFIXES.iter().any(|prefix| value.starts_with(prefix) && value.len() >= prefix.len() + 8)
}

/// An e-mail address, a US social security number, a card number, a telephone number.
fn looks_personal(value: &str) -> bool {
    if let Some((local, domain)) = value.split_once('@') {
        let plain = !value.contains(char::is_whitespace);
        if plain
            && !local.is_empty()
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
        {
            return true;
        }
    }
    let digits: Vec<u8> = value.bytes().filter(u8::is_ascii_digit).collect();
    let only = |allowed: &[u8]| value.bytes().all(|b| b.is_ascii_digit() || allowed.contains(&b));
    let social_security = value.len() == 11
        && value
            .bytes()
            .enumerate()
            .all(|(i, b)| if i == 3 || i == 6 { b == b'-' } else { b.is_ascii_digit() });
    let card = (13..=19).contains(&digits.len()) && only(b" -") && luhn(&digits);
    let telephone = value.starts_with('+') && (8..=15).contains(&digits.len()) && only(b"+ -()");
    social_security || card || telephone
}

/// The check digit of payment cards (ISO/IEC 7812-1, annex B).
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let digit = u32::from(digit - b'0') << (index % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}
