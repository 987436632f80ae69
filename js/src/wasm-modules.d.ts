// What bundlers and runtimes make of importing a .wasm file: a compiled module, not its exports.
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
declare module '*.wasm?module' {
  const module: WebAssembly.Module;
  export default module;
}
// The one function of Node's that the node entries use; Deno and Bun have it too.
declare module 'node:fs' {
  export function readFileSync(path: URL): Uint8Array<ArrayBuffer>;
}
