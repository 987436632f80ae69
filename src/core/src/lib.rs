//! What WorkOS Vault means, with no I/O, no clock, no randomness and no JavaScript.
//!
//! A binding makes a [`request::Request`] of its host's options; the emulator reads what arrives into, say, an
//! [`objects::CreateObject`]. What they need of their host (randomness, a way to look
//! into its data) comes in as an argument, so everything here is tested natively.
//!
//! - [`key_context`]: which keys encrypt what
//! - [`objects`], [`keys`]: the eleven operations; [`events`]: what they left in the audit log
//! - [`cipher`]: local encryption
//! - [`request`], [`http`], [`names`], [`tree`], [`reader`]: how requests travel, and how options are read
//! - [`config`]: API keys; [`error`]: what is wrong with any of it

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "json")]
extern crate std;

pub mod cipher;
pub mod config;
pub mod error;
pub mod events;
pub mod http;
#[cfg(feature = "json")]
pub mod json;
pub mod key_context;
pub mod keys;
pub mod names;
pub mod objects;
pub mod reader;
pub mod request;
#[cfg(feature = "json")]
pub mod time;
pub mod tree;

pub use error::{Code, Error, Problem};
pub use key_context::KeyContext;
