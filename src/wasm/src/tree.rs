//! JavaScript values as core sees them. They are looked at by the package's TypeScript, which catches whatever a getter, a
//! proxy or a foreign object throws: an exception that ran through Rust would leave its stack as it was.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use js_sys::Array;
use vault_core::tree::{Kind, Tree};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// The functions that the package's entry installs (`js/src/engine/host.ts`). They catch what a caller's values throw;
    /// what is caught here is the end of the stack.
    pub type Host;

    /// Of which kind a value is: `KIND` in `js/src/engine/kinds.ts`.
    #[wasm_bindgen(method, catch, js_name = kindOf)]
    fn kind_of(this: &Host, value: &JsValue) -> Result<u8, JsValue>;

    /// How a message names a value.
    #[wasm_bindgen(method, catch)]
    fn describe(this: &Host, value: &JsValue) -> Result<String, JsValue>;

    /// A member of what may be a map.
    #[wasm_bindgen(method, catch)]
    fn read(this: &Host, value: &JsValue, name: &str) -> Result<JsValue, JsValue>;

    /// The names of a map's own members.
    #[wasm_bindgen(method, catch)]
    fn names(this: &Host, value: &JsValue) -> Result<Array, JsValue>;

    /// A map's own members, name and value in turn.
    #[wasm_bindgen(method, catch)]
    fn entries(this: &Host, value: &JsValue) -> Result<Option<Array>, JsValue>;

    /// The first items of a list, 101 at most.
    #[wasm_bindgen(method, catch)]
    fn items(this: &Host, value: &JsValue) -> Result<Option<Array>, JsValue>;

    /// A time as RFC 3339 text.
    #[wasm_bindgen(method, catch, js_name = timeText)]
    fn time_text(this: &Host, value: &JsValue) -> Result<Option<String>, JsValue>;
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

/// What looking comes to; nothing where it fails.
fn host<R>(look: impl FnOnce(&Host) -> Result<R, JsValue>) -> Option<R> {
    look(HOST.0.borrow().as_ref()?).ok()
}

/// A value of JavaScript's.
#[derive(Clone)]
pub(crate) struct Node(pub(crate) JsValue);

impl Tree for Node {
    type Text = ();

    fn kind(&self) -> Kind {
        match host(|host| host.kind_of(&self.0)).unwrap_or(u8::MAX) {
            0 => Kind::Missing,
            1 => Kind::Null,
            2 => Kind::Bool(self.0.is_truthy()),
            3 => Kind::Number(self.0.as_f64().unwrap_or_default()),
            4 => Kind::Text,
            5 => Kind::Array,
            6 => Kind::Object,
            _ => Kind::Other(
                host(|host| host.describe(&self.0)).unwrap_or_else(|| "what cannot be read".into()),
            ),
        }
    }

    fn member(&self, name: &str) -> Self {
        Node(host(|host| host.read(&self.0, name)).unwrap_or_default())
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(host(|host| host.names(&self.0))?.iter().filter_map(|name| name.as_string()).collect())
    }

    fn entries(&self) -> Option<Vec<(String, Self)>> {
        let entries = host(|host| host.entries(&self.0))??;
        let at = |index| entries.get(index);
        let pairs = (0..entries.length()).step_by(2);
        Some(pairs.map(|index| (at(index).as_string().unwrap_or_default(), Node(at(index + 1)))).collect())
    }

    fn items(&self) -> Option<Vec<Self>> {
        Some(host(|host| host.items(&self.0))??.iter().map(Node).collect())
    }

    fn text(&self) -> Option<()> {
        (self.kind() == Kind::Text).then_some(())
    }

    fn string(&self) -> Option<String> {
        self.text()?;
        self.0.as_string()
    }

    fn time_text(&self) -> Option<String> {
        host(|host| host.time_text(&self.0))?
    }
}
