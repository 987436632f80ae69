//! How an emulator behaves, from Rust or from JSON-like data.

#[cfg(doc)]
use crate::DEFAULT_API_KEY;
use crate::kms::{CustomerKey, Provider};
use vault_core::error::{Code, Error};
use vault_core::reader::Reader;
use vault_core::tree::{Kind, Tree, expected};

/// How an emulator behaves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Accepted API keys; [`DEFAULT_API_KEY`] where there is none.
    pub api_keys: Vec<String>,
    /// Organizations that exist. `None`: every one does.
    pub organizations: Option<Vec<String>>,
    /// Customer-managed keys by organization.
    pub customer_keys: Vec<CustomerKey>,
    /// How long a deleted object's name stays taken, in milliseconds.
    pub recovery_period_ms: u64,
}

/// The longest recovery period: a century, so that times stay far from overflow.
const RECOVERY_MAX_MS: u64 = 100 * 366 * 24 * 60 * 60 * 1000;

impl Options {
    /// From `{apiKeys?, organizations?, customerKeys?, recoveryPeriodMs?}`. Reports every problem at once; a
    /// name that is none of these is one, lest a typing error be taken for a default.
    pub fn from_tree(options: &impl Tree) -> Result<Self, Error> {
        let mut reader = Reader::options(options);
        reader.only(&["apiKeys", "organizations", "customerKeys", "recoveryPeriodMs"]);
        let absent = |name: &str| options.member(name).is_absent();
        let parsed = Options {
            api_keys: strings(&mut reader, "apiKeys").unwrap_or_default(),
            organizations: strings(&mut reader, "organizations"),
            customer_keys: if absent("customerKeys") {
                Vec::new()
            } else {
                reader.list("customerKeys", customer_key).unwrap_or_default()
            },
            recovery_period_ms: if absent("recoveryPeriodMs") {
                0
            } else {
                reader.whole("recoveryPeriodMs", 0, RECOVERY_MAX_MS).unwrap_or_default()
            },
        };
        if reader.problems.is_empty() {
            Ok(parsed)
        } else {
            Err(Error::invalid(Code::InvalidConfig, reader.problems))
        }
    }
}

fn strings<T: Tree>(reader: &mut Reader<'_, T>, name: &str) -> Option<Vec<String>> {
    let member = reader.member(name);
    if member.is_absent() {
        return None;
    }
    let texts = member.items().and_then(|items| items.iter().map(Tree::string).collect());
    if texts.is_none() {
        let got =
            if member.kind() == Kind::Array { Kind::Other("something else in it") } else { member.kind() };
        reader.problem(name, expected("a list of strings", got));
    }
    texts
}

fn customer_key<T: Tree>(reader: &mut Reader<'_, T>) -> Option<CustomerKey> {
    reader.only(&["organizationId", "provider", "accessible"]);
    let organization_id = reader.string("organizationId");
    let provider = reader.string("provider").and_then(|name| {
        let provider = Provider::parse(&name);
        if provider.is_none() {
            reader.problem("provider", "expected AWS_KMS, GCP_KMS or AZURE_KEY_VAULT");
        }
        provider
    });
    let accessible =
        if reader.member("accessible").is_absent() { Some(true) } else { reader.bool("accessible") };
    Some(CustomerKey { organization_id: organization_id?, provider: provider?, accessible: accessible? })
}
