//! What WorkOS Vault means, with no I/O, no clock, no randomness and no JavaScript.
//!
//! Operations are values. A binding reads its host's options into, say, [`objects::CreateObject`], asks it
//! for a [`http::Request`], moves the bytes, and hands the answer back to be read or to be classified as an
//! [`Error`]. What the binding must supply (time, randomness, a way to look into the host's data) comes in
//! as an argument, so everything here is tested natively.
//!
//! - [`key_context`], [`strategy`], [`explain`]: which keys encrypt what
//! - [`objects`], [`keys`]: the eleven operations; [`events`]: what they left in the audit log
//! - [`envelope`], [`stream`], [`cipher`], [`keyring`], [`value`]: local encryption, and how values are stored
//! - [`http`], [`tree`], [`reader`]: how they travel
//! - [`error`], [`retry`]: what went wrong, and whether to try again
//! - [`config`]: API key, client ID, base URL

#![forbid(unsafe_code)]

pub mod cipher;
pub mod config;
pub mod envelope;
pub mod error;
pub mod events;
pub mod explain;
pub mod http;
#[cfg(feature = "json")]
pub mod json;
pub mod key_context;
pub mod keyring;
pub mod keys;
pub mod names;
pub mod objects;
pub mod reader;
pub mod retry;
pub mod scope;
pub mod strategy;
pub mod stream;
pub mod tree;
pub mod value;

pub use error::{Code, Error, Problem};
pub use key_context::KeyContext;
