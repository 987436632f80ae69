import { nodeResolve } from '@rollup/plugin-node-resolve';

export default {
  input: 'print.js',
  output: { file: 'out/print.mjs', format: 'esm', inlineDynamicImports: true },
  plugins: [nodeResolve()],
};
