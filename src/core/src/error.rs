//! What can go wrong, as data: a stable code, what happened, what to do.
//!
//! Local validation and the service's answers share the codes, so a caller handles each once.

use crate::http::{Answer, Operation};
use crate::tree::{Tree, decimal};

/// A stable name for what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The API key given to the client is missing or malformed. Found before any request.
    InvalidApiKey,
    /// Another setting of the client (base URL, client ID, time-out, header) is malformed.
    InvalidConfig,
    /// The key context breaks a rule; see the problems.
    InvalidKeyContext,
    /// More than ten items in the key context.
    KeyContextTooLarge,
    /// An argument breaks a rule, or the service answered 400.
    InvalidRequest,
    /// 401: the service does not accept the API key.
    Unauthorized,
    /// 403: the key may not do this.
    Forbidden,
    /// The context names an organization that does not exist.
    OrganizationNotFound,
    /// 404: no such object.
    NotFound,
    /// 409: another object has the name.
    NameConflict,
    /// 409: someone wrote in between.
    VersionMismatch,
    /// An update's answer was lost, and what was written since hides whether it took effect.
    OutcomeUnknown,
    /// The customer-managed key cannot be used.
    CustomerKeyInaccessible,
    /// The name belongs to a deleted object in its recovery period.
    ObjectPendingDeletion,
    /// 422: understood, but refused.
    ValidationFailed,
    /// 429: too many requests.
    RateLimited,
    /// 5xx.
    ServerError,
    /// No answer: DNS, TLS, connection refused or reset.
    NetworkError,
    /// No answer in time.
    Timeout,
    /// The caller's signal ended the call.
    Aborted,
    /// A scoped client met an object, or was given a context, outside its scope.
    ContextMismatch,
    /// An answer that is not what the API describes.
    MalformedResponse,
    /// Wrong key, wrong associated data, or changed ciphertext.
    DecryptionFailed,
    /// Not an envelope, or not the encoding asked for.
    MalformedEnvelope,
    /// A fault of this library.
    Internal,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub const ALL: [Code; 25] = [
        Code::InvalidApiKey,
        Code::InvalidConfig,
        Code::InvalidKeyContext,
        Code::KeyContextTooLarge,
        Code::InvalidRequest,
        Code::Unauthorized,
        Code::Forbidden,
        Code::OrganizationNotFound,
        Code::NotFound,
        Code::NameConflict,
        Code::VersionMismatch,
        Code::OutcomeUnknown,
        Code::CustomerKeyInaccessible,
        Code::ObjectPendingDeletion,
        Code::ValidationFailed,
        Code::RateLimited,
        Code::ServerError,
        Code::NetworkError,
        Code::Timeout,
        Code::Aborted,
        Code::ContextMismatch,
        Code::MalformedResponse,
        Code::DecryptionFailed,
        Code::MalformedEnvelope,
        Code::Internal,
    ];

    /// The code as JavaScript, logs and the command line see it.
    pub const fn as_str(self) -> &'static str {
        self.facts().0
    }

    /// Whether the same call, unchanged, can succeed when it is simply made again. Not so for a version
    /// mismatch (read first) or an inaccessible customer key (someone must act).
    pub const fn retryable(self) -> bool {
        matches!(self, Code::RateLimited | Code::ServerError | Code::NetworkError | Code::Timeout)
    }

    /// What to do about it.
    pub const fn recovery(self) -> &'static str {
        self.facts().1
    }

    const fn facts(self) -> (&'static str, &'static str) {
        match self {
            Code::InvalidApiKey => (
                "invalid_api_key",
                "Set WORKOS_API_KEY to a secret key from the dashboard's API Keys page; it starts with sk_.",
            ),
            Code::InvalidConfig => ("invalid_config", "Correct the option named in the message."),
            Code::InvalidKeyContext => (
                "invalid_key_context",
                "A key context is a flat map of 1 to 10 strings. Correct each entry listed in problems; turn other values into strings.",
            ),
            Code::KeyContextTooLarge => (
                "key_context_too_large",
                "Merge related fields into one value until at most 10 items are left, e.g. tenant: \"acme/eu/billing\".",
            ),
            Code::InvalidRequest => {
                ("invalid_request", "Correct each field listed in problems, or named in the message.")
            }
            Code::Unauthorized => (
                "unauthorized",
                "Check that the API key is complete, not revoked, and belongs to this environment.",
            ),
            Code::Forbidden => (
                "forbidden",
                "Check in the dashboard that Vault is enabled for the environment and that this key may use it.",
            ),
            Code::OrganizationNotFound => (
                "organization_not_found",
                "Create the organization in the dashboard, then use the ID it returns (org_...) as organization_id.",
            ),
            Code::NotFound => (
                "not_found",
                "Check the ID or name, and that the API key belongs to the environment that holds the object. It may have been deleted.",
            ),
            Code::NameConflict => (
                "name_conflict",
                "Choose another name, or read the existing object by this name and update it.",
            ),
            Code::VersionMismatch => (
                "version_mismatch",
                "Read the current version, apply the change to it again, and write with the new version; never send the old version again. modifyObject does all three.",
            ),
            Code::OutcomeUnknown => (
                "outcome_unknown",
                "Read the object and look whether your change is in it; write again only where it is not. modifyObject does so with the option applied.",
            ),
            Code::CustomerKeyInaccessible => (
                "customer_key_inaccessible",
                "Check the customer key's policy and region in their cloud account. IAM changes take up to 60 s to spread: wait, then try again.",
            ),
            Code::ObjectPendingDeletion => (
                "object_pending_deletion",
                "Use another name, or wait until the deleted object's recovery period is over.",
            ),
            Code::ValidationFailed => (
                "validation_failed",
                "Correct the field named in the message; the limits are in the documentation of this method.",
            ),
            Code::RateLimited => (
                "rate_limited",
                "Wait for retryAfterMs, then try again. Re-use data keys or cache reads to make fewer calls.",
            ),
            Code::ServerError => (
                "server_error",
                "Try again after a pause. If it lasts, give the requestId to WorkOS support.",
            ),
            Code::NetworkError => (
                "network_error",
                "Check that the base URL can be reached from here (DNS, proxy, firewall), then try again.",
            ),
            Code::Timeout => (
                "timeout",
                "Try again, or allow more time with timeoutMs. A write may have taken effect: read it back before repeating it.",
            ),
            Code::Aborted => (
                "aborted",
                "Nothing to do: the signal given to the call ended it. A write may have taken effect.",
            ),
            Code::ContextMismatch => (
                "context_mismatch",
                "This belongs to another tenant. Check which ID the code passed, or use a client scoped to the right one.",
            ),
            Code::MalformedResponse => (
                "malformed_response",
                "Check that the base URL is the API's and no proxy answers in its place. If so, give the requestId to WorkOS support.",
            ),
            Code::DecryptionFailed => (
                "decryption_failed",
                "Decrypt with the same associated data it was encrypted with, and check that the ciphertext was stored unchanged.",
            ),
            Code::MalformedEnvelope => (
                "malformed_envelope",
                "Pass the stored text whole and unchanged; it may have been cut off or was never encrypted.",
            ),
            Code::Internal => {
                ("internal", "This is a fault of workos-vault-edge. Please report it with the message.")
            }
        }
    }
}

/// Of which kind a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Missing, of the wrong type, or not of the form it must have.
    Form,
    /// Of the right form, but beyond a limit.
    Limit,
}

/// One thing that is wrong with the input: where, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Wrong in form, or beyond a limit.
    pub fault: Fault,
    /// The path of the field: `context.tier`, `limit`.
    pub field: String,
    /// What is wrong and what would be right, in a sentence fragment.
    pub message: String,
}

impl Problem {
    /// A problem with a field.
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self::made(Fault::Form, field, message.into())
    }

    // Whole, rather than in each of the many places that find something wrong.
    #[inline(never)]
    fn made(fault: Fault, field: &str, message: String) -> Self {
        Problem { fault, field: field.into(), message }
    }

    /// A field beyond a limit.
    pub fn limit(field: &str, message: impl Into<String>) -> Self {
        Self::made(Fault::Limit, field, message.into())
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The stable code.
    pub code: Code,
    /// What happened. Holds no API key, data key or value.
    pub message: String,
    /// Each thing wrong with the input, where that is the trouble.
    pub problems: Vec<Problem>,
    /// The HTTP status, where the service answered.
    pub status: Option<u16>,
    /// The service's `X-Request-ID`.
    pub request_id: Option<String>,
    /// How long the service asks to wait, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl Error {
    /// An error without further facts.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self::made(code, message.into())
    }

    #[inline(never)]
    fn made(code: Code, message: String) -> Self {
        Error { code, message, problems: Vec::new(), status: None, request_id: None, retry_after_ms: None }
    }

    /// One thing wrong with the input.
    #[inline(never)]
    pub fn about_field(code: Code, field: &str, message: &str) -> Self {
        Self::invalid(code, vec![Problem::new(field, message)])
    }

    /// Everything wrong with the input, in one error: `name: …; context.tier: …`.
    #[inline(never)]
    pub fn invalid(code: Code, problems: Vec<Problem>) -> Self {
        let mut message = String::new();
        for problem in &problems {
            if !message.is_empty() {
                message.push_str("; ");
            }
            message.push_str(&problem.field);
            message.push_str(": ");
            message.push_str(&problem.message);
        }
        Error { problems, ..Error::new(code, message) }
    }

    /// [`Code::retryable`].
    pub const fn retryable(&self) -> bool {
        self.code.retryable()
    }

    /// [`Code::recovery`].
    pub const fn recovery(&self) -> &'static str {
        self.code.recovery()
    }

    /// An answer that is not what the API describes.
    pub(crate) fn malformed<T>(answer: &Answer<T>, problems: Vec<Problem>) -> Self {
        let mut error = Error::invalid(Code::MalformedResponse, problems);
        error.message.insert_str(0, "the answer is not what the API describes: ");
        error.about(answer)
    }

    /// A success whose body is not JSON: broken off on its way, or another's answer.
    pub fn no_json<T>(answer: &Answer<T>) -> Self {
        Error::malformed(answer, vec![Problem::new("body", "it is not JSON")])
    }

    fn about<T>(mut self, answer: &Answer<T>) -> Self {
        self.status = Some(answer.status);
        self.request_id.clone_from(&answer.request_id);
        self.retry_after_ms = answer.retry_after_ms;
        self
    }

    /// Classifies an answer that is no success, from its status and its body (`{"error"}`, or `{"message"}`,
    /// or no JSON at all).
    pub fn from_answer<T: Tree>(operation: Operation, answer: &Answer<T>) -> Self {
        let said = answer.body.as_ref().and_then(|body| {
            let texts = ["error", "message", "error_description"].map(|name| body.member(name).string());
            texts.into_iter().flatten().find(|text| !text.trim().is_empty())
        });
        let code = classify(operation, answer.status, said.as_deref().unwrap_or_default());
        let redirect = (300..400).contains(&answer.status) || answer.status == 0;
        let said = match &said {
            Some(text) => text.trim(),
            _ if redirect => "the service answered with a redirect, which is never followed",
            _ if answer.body.is_none() => "the service answered with a body that is not JSON",
            _ => "the service gave no reason",
        };
        let status = decimal(u64::from(answer.status));
        let message = [operation.as_str(), ": ", said, " (status ", &status, ")"].concat();
        let problems = answer.body.as_ref().map(named_problems).unwrap_or_default();
        Error { problems, ..Error::new(code, message) }.about(answer)
    }
}

/// The `errors` of WorkOS's other body shape: texts, or objects that name a field and say what is wrong.
fn named_problems(body: &impl Tree) -> Vec<Problem> {
    let errors = body.member("errors").items().unwrap_or_default();
    let named = errors.iter().take(20).filter_map(|error| {
        let member = |name| error.member(name).string();
        let message = error.string().or_else(|| member("message")).or_else(|| member("code"))?;
        Some(Problem::new(&member("field").unwrap_or_default(), message))
    });
    named.collect()
}

/// Known sentences first, wherever the service puts them; then the status.
fn classify(operation: Operation, status: u16, said: &str) -> Code {
    const SENTENCES: [(&str, Code); 8] = [
        ("customer key not accessible", Code::CustomerKeyInaccessible),
        ("marked for deletion", Code::ObjectPendingDeletion),
        ("organization_id not found", Code::OrganizationNotFound),
        ("organization not found", Code::OrganizationNotFound),
        ("maximum key context size exceeded", Code::KeyContextTooLarge),
        ("invalid key context", Code::InvalidKeyContext),
        ("version mismatch", Code::VersionMismatch),
        ("item version", Code::VersionMismatch),
    ];
    let said = said.to_ascii_lowercase();
    let known = SENTENCES.iter().find(|(sentence, _)| {
        // What `str::contains` does it does faster, and in as much code as all of this file's.
        said.as_bytes().windows(sentence.len()).any(|window| window == sentence.as_bytes())
    });
    if let (400 | 402..=428 | 430..=499, Some((_, code))) = (status, known) {
        return *code;
    }
    match status {
        400 | 402 | 405..=407 | 410..=421 | 423..=428 | 431 => Code::InvalidRequest,
        401 => Code::Unauthorized,
        403 => Code::Forbidden,
        404 => Code::NotFound,
        408 => Code::Timeout,
        409 if operation == Operation::CreateObject => Code::NameConflict,
        409 => Code::VersionMismatch,
        422 => Code::ValidationFailed,
        429 => Code::RateLimited,
        500..=599 => Code::ServerError,
        _ => Code::MalformedResponse,
    }
}
