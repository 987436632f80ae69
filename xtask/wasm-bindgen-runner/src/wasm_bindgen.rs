//! `wasm-bindgen`, built from the lock file, so that it always matches the crate of the same name.

fn main() -> anyhow::Result<()> {
    wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(std::env::args_os())
}
