import { defineConfig } from 'vite';

export default defineConfig({
  logLevel: 'warn',
  build: { outDir: 'client' },
  // Into the bundle, rather than left as an import: what is to be tried here.
  ssr: { noExternal: true },
});
