//! What JavaScript does for this module.

use js_sys::JsString;
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The functions that the package's entry installs (`js/src/engine/host.ts`).
    pub type Host;

    /// Makes a `VaultError` of its facts.
    #[wasm_bindgen(method, catch)]
    pub(crate) fn error(this: &Host, facts: &JsValue) -> Result<JsValue, JsValue>;

    /// Makes a request of its parts: the JSON of its body is `head`, where there is one, then `value` as a JSON string,
    /// where there is one, then `tail`. Throws where that is too long.
    #[wasm_bindgen(method, catch)]
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn request(
        this: &Host,
        operation: u8,
        method: u8,
        target: &str,
        head: &str,
        value: &JsValue,
        tail: &str,
        repeatable: bool,
        bytes: bool,
    ) -> Result<JsValue, JsValue>;

    /// Standard base64, by whatever means is quickest.
    #[wasm_bindgen(method, js_name = toBase64)]
    pub(crate) fn to_base64(this: &Host, bytes: &JsValue) -> JsString;
}

thread_local! {
    static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
}

/// Sets what JavaScript does for this module. Called once by the package's entry.
#[wasm_bindgen]
pub fn install(host: Host) {
    HOST.with(|held| *held.borrow_mut() = Some(host));
}

/// Runs with what was installed; nothing before.
pub(crate) fn host<R>(run: impl FnOnce(&Host) -> R) -> Option<R> {
    HOST.with(|held| held.borrow().as_ref().map(run))
}
