//! [`vault_core`] for JavaScript: what a call is to send, what an answer means, and the cipher. Every function returns
//! at once; what waits (for `fetch`, for WebCrypto, for a timer) is TypeScript's (`js/src`), where waiting costs least.
//!
//! - `request`: operations and call options, from what a caller gave
//! - `answer`: answers that are not what they should be; whether to try again
//! - `key`, `stream`: data keys, and what is sealed and opened by them
//! - `settings`: what a client is set up with
//! - `context`: key contexts and their explanation
//! - `host`, `tree`, `failure`: JavaScript's part, JavaScript's values, and errors on their way there

mod answer;
mod context;
mod failure;
mod host;
mod key;
mod request;
mod settings;
mod stream;
mod tree;

pub use answer::{CoreRetry, check_answer, check_scope, may_have_landed, modify_pause, refusal};
pub use context::{canonical_context, check_context, explain_context, extend_context, rotation_period_of};
pub use failure::{fault, wrong};
pub use host::{Host, install};
pub use key::{CoreKey, decode_envelope, decode_value, encode, frame, readings, unwrap_request};
pub use request::{
    call_options, describe_operation, go_layout, modify_options, prepare, prepare_data_key, prepare_rekey,
    scope_of,
};
pub use settings::{keyring_bounds, read_settings};
pub use stream::CoreStream;
