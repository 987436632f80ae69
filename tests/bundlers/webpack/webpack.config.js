import { fileURLToPath } from 'node:url';

const common = {
  mode: 'production',
  context: fileURLToPath(new URL('.', import.meta.url)),
  performance: { hints: false },
};
const path = fileURLToPath(new URL('out', import.meta.url));

export default [
  { ...common, entry: './print.js', target: 'node20', output: { path, filename: 'print.cjs' } },
  { ...common, entry: './page.js', target: 'web', output: { path, filename: 'page.js' } },
];
