//! [`vault_core`] as a JavaScript client, over `fetch`. Thin: what a call means is core's, what its classes
//! look like is TypeScript's (`js/src`).
//!
//! - `client`: the operations
//! - `modify`: read, apply, write under a version lock
//! - `local`, `batch`, `stream`, `local_calls`: encryption outside the Vault, of one item, of many, and of data of any length
//! - `crypt`: the two ciphers
//! - `key_source`, `data_keys`, `keyring`: where data keys come from, and those that are used again
//! - `settings`: what a client is set up with
//! - `transport`: the only place that knows `fetch`; `hooks`: what is told of requests
//! - `update`: updates and deletions whose answer was lost
//! - `call`, `cut`: time-outs, `AbortSignal`s, Idempotency-Keys
//! - `context`: key contexts and their explanation
//! - `tree`, `output`, `failure`: JavaScript values in, out, and as errors

mod batch;
mod call;
mod client;
mod context;
mod crypt;
mod cut;
mod data_keys;
mod failure;
mod hooks;
mod key_source;
mod keyring;
mod local;
mod local_calls;
mod modify;
mod output;
mod settings;
mod stream;
mod transport;
mod tree;
mod update;

pub use client::CoreClient;
pub use context::{canonical_context, check_context, explain_context, extend_context, rotation_period_of};
pub use failure::install;
pub use keyring::CoreKeyring;
pub use stream::{CoreOpening, CoreSealing, CoreStream};
