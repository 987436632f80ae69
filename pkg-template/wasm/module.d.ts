/** What bundlers for Workers make of importing a `.wasm` file: a compiled module. */
declare const module: WebAssembly.Module;
export default module;
