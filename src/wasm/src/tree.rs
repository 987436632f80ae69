//! JavaScript values as core sees them. They are looked at by the package's TypeScript, which catches whatever a getter, a
//! proxy or a foreign object throws: an exception that runs through Rust would leave a call without an end.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use js_sys::Array;
use vault_core::tree::{Kind, Tree};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The functions that the package's entry installs (`js/src/engine/host.ts`).
    pub type Host;

    /// Of which kind a value is: `KIND` in `js/src/engine/kinds.ts`.
    #[wasm_bindgen(method, js_name = kindOf)]
    fn kind_of(this: &Host, value: &JsValue) -> u8;

    /// How a message names a value.
    #[wasm_bindgen(method)]
    fn describe(this: &Host, value: &JsValue) -> String;

    /// A member of what may be a map.
    #[wasm_bindgen(method)]
    fn read(this: &Host, value: &JsValue, name: &str) -> JsValue;

    /// The names of a map's own members.
    #[wasm_bindgen(method)]
    fn names(this: &Host, value: &JsValue) -> Array;

    /// A map's own members, name and value in turn.
    #[wasm_bindgen(method)]
    fn entries(this: &Host, value: &JsValue) -> Option<Array>;

    /// A time as RFC 3339 text.
    #[wasm_bindgen(method, js_name = timeText)]
    fn time_text(this: &Host, value: &JsValue) -> Option<String>;
}

/// Of one thread, as a module without shared memory is.
struct Installed(RefCell<Option<Host>>);

// SAFETY: there is no second thread.
unsafe impl Sync for Installed {}

static HOST: Installed = Installed(RefCell::new(None));

/// Sets how this module looks at JavaScript's values. Called once by the package's entry, before all else.
#[wasm_bindgen]
pub fn install(host: Host) {
    *HOST.0.borrow_mut() = Some(host);
}

fn host<R>(look: impl FnOnce(&Host) -> R) -> R {
    match &*HOST.0.borrow() {
        Some(host) => look(host),
        None => wasm_bindgen::throw_str("the module has no host"),
    }
}

/// A value of JavaScript's.
#[derive(Clone)]
pub(crate) struct Node(pub(crate) JsValue);

impl Tree for Node {
    type Text = ();

    fn kind(&self) -> Kind {
        match host(|host| host.kind_of(&self.0)) {
            0 => Kind::Missing,
            1 => Kind::Null,
            2 => Kind::Bool(self.0.is_truthy()),
            3 => Kind::Number(self.0.as_f64().unwrap_or_default()),
            4 => Kind::Text,
            5 => Kind::Array,
            6 => Kind::Object,
            _ => Kind::Other(host(|host| host.describe(&self.0))),
        }
    }

    fn member(&self, name: &str) -> Self {
        Node(host(|host| host.read(&self.0, name)))
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(host(|host| host.names(&self.0)).iter().filter_map(|name| name.as_string()).collect())
    }

    fn entries(&self) -> Option<Vec<(String, Self)>> {
        let entries = host(|host| host.entries(&self.0))?;
        let at = |index| entries.get(index);
        let pairs = (0..entries.length()).step_by(2);
        Some(pairs.map(|index| (at(index).as_string().unwrap_or_default(), Node(at(index + 1)))).collect())
    }

    fn items(&self) -> Option<Vec<Self>> {
        let items: &Array = (self.kind() == Kind::Array).then(|| self.0.unchecked_ref())?;
        Some(items.iter().map(Node).collect())
    }

    fn text(&self) -> Option<()> {
        (self.kind() == Kind::Text).then_some(())
    }

    fn string(&self) -> Option<String> {
        self.text()?;
        self.0.as_string()
    }

    fn time_text(&self) -> Option<String> {
        host(|host| host.time_text(&self.0))
    }
}
