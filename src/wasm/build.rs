//! What the linker is asked for.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The module gets and gives texts: without references, which are a feature by default, wasm-bindgen makes neither a
    // table for JavaScript's objects nor the code that fills it.
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo:rustc-link-arg-cdylib=--no-check-features");
        println!(
            "cargo:rustc-link-arg-cdylib=--features=bulk-memory,multivalue,mutable-globals,nontrapping-fptoint,sign-ext"
        );
    }
}
