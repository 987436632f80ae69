//! What can go wrong, as data: a stable code, and what is wrong where.

use crate::key_context;
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
    /// A limit, too: a context of too many items, for which the service has an answer of its own.
    Items,
    /// Outside the scope.
    Scope,
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
    /// A problem of some kind with a field.
    pub fn of(fault: Fault, field: &str, message: &str) -> Self {
        Problem { fault, field: field.into(), message: message.into() }
    }

    /// A problem with a field.
    pub fn new(field: &str, message: &str) -> Self {
        Self::of(Fault::Form, field, message)
    }

    /// A field beyond a limit.
    pub fn limit(field: &str, message: &str) -> Self {
        Self::of(Fault::Limit, field, message)
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

    /// Everything wrong with a call's input, under the code of the gravest. A context that is only too large has a code of
    /// its own.
    pub fn refused(problems: Vec<Problem>) -> Self {
        let of_context = |problem: &Problem| problem.field.starts_with(key_context::PATH);
        let code = if problems.iter().any(|problem| problem.fault == Fault::Scope) {
            Code::ContextMismatch
        } else if problems.iter().all(|problem| problem.fault == Fault::Items) {
            Code::KeyContextTooLarge
        } else if problems.iter().all(of_context) {
            Code::InvalidKeyContext
        } else {
            Code::InvalidRequest
        };
        Self::invalid(code, problems)
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
