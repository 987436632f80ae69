// What bundlers and runtimes make of importing a .wasm file: a compiled module, not its exports.
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
declare module '*.wasm?module' {
  const module: WebAssembly.Module;
  export default module;
}
// The module as base64, written by the build.
declare module '*/inline.js' {
  export const base64: string;
}
