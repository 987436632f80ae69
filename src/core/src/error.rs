//! What can go wrong, as data: a stable code, and what is wrong where.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// A stable name for what went wrong. The client has more of them, for what the service and the network do
/// (`js/src/errors.ts`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// An API key is malformed.
    InvalidApiKey,
    /// Another setting (base URL, client ID, header) is malformed.
    InvalidConfig,
    /// The key context breaks a rule; see the problems.
    InvalidKeyContext,
    /// More than ten items in the key context.
    KeyContextTooLarge,
    /// An argument breaks a rule.
    InvalidRequest,
    /// No such object.
    NotFound,
    /// A context is outside the scope.
    ContextMismatch,
    /// Wrong key, wrong associated data, or changed ciphertext.
    DecryptionFailed,
    /// A fault of this library.
    Internal,
}

impl Code {
    /// The code as JavaScript, logs and the command line see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Code::InvalidApiKey => "invalid_api_key",
            Code::InvalidConfig => "invalid_config",
            Code::InvalidKeyContext => "invalid_key_context",
            Code::KeyContextTooLarge => "key_context_too_large",
            Code::InvalidRequest => "invalid_request",
            Code::NotFound => "not_found",
            Code::ContextMismatch => "context_mismatch",
            Code::DecryptionFailed => "decryption_failed",
            Code::Internal => "internal",
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The stable code.
    pub code: Code,
    /// What happened, where that is no problem with the input.
    what: String,
    /// Each thing wrong with the input, where that is the trouble.
    pub problems: Vec<Problem>,
}

impl Error {
    /// An error without further facts.
    pub fn new(code: Code, what: impl Into<String>) -> Self {
        Error { code, what: what.into(), problems: Vec::new() }
    }

    /// One thing wrong with the input.
    #[inline(never)]
    pub fn about_field(code: Code, field: &str, message: &str) -> Self {
        Self::invalid(code, vec![Problem::new(field, message)])
    }

    /// Everything wrong with the input, in one error.
    pub fn invalid(code: Code, problems: Vec<Problem>) -> Self {
        Error { code, what: String::new(), problems }
    }

    /// What happened: `name: …; context.tier: …`. Holds no API key, data key or value.
    pub fn message(&self) -> String {
        let mut message = self.what.clone();
        for problem in &self.problems {
            if !message.is_empty() {
                message.push_str("; ");
            }
            message.push_str(&problem.field);
            message.push_str(": ");
            message.push_str(&problem.message);
        }
        message
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.message())
    }
}

impl core::error::Error for Error {}
