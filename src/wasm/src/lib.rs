//! [`vault_core`] for JavaScript: what a call is to send, and the forms of envelopes and streams. Every function returns at
//! once, and passes text and bytes; what waits (for `fetch`, for WebCrypto, for a timer), and what is
//! read from JavaScript's objects, is TypeScript's (`js/src`), where it costs least.
//!
//! - `request`: requests and contexts, from what a caller gave
//! - `form`: where the parts of an envelope or a stream are
//! - `tree`: JavaScript's values, as core sees them; `failure`: errors on their way there

#![no_std]

extern crate alloc;

mod failure;
mod form;
#[cfg(all(feature = "module", target_arch = "wasm32"))]
mod module;
mod request;
mod tree;

pub use form::{frame, read_stream_header, readings, stream_header};
pub use request::{check_names, prepare, read_context};
pub use tree::{Host, install};
