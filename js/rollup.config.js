// The entries of runtimes that load files themselves, as few files: each takes Node a millisecond. What several entries use
// is in files that they share, and so is its state. Bundlers get the files one by one, to leave out what is not used.
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';

const pkg = fileURLToPath(new URL('../pkg', import.meta.url));
/** The largest file of all is there already. */
const emulatorInline = `${pkg}/wasm/emulator/inline.js`;

/** A quarter of what would be parsed at each start is comments; this leaves out all but those of members. */
const withoutComments = {
  name: 'without-comments',
  renderChunk: (code) => transform(code, { target: 'esnext', legalComments: 'none' }),
};

const bundle = (entries) => ({
  input: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, `${pkg}/dist/${file}.js`])),
  external: [/^node:/, emulatorInline],
  plugins: [withoutComments],
  output: ['bundle', 'cjs/bundle'].map((dir) => ({
    dir: `${pkg}/${dir}`,
    format: dir === 'bundle' ? 'es' : 'cjs',
    chunkFileNames: 'shared.js',
    paths: { [emulatorInline]: '../wasm/emulator/inline.js' },
    generatedCode: { preset: 'es2015', symbols: false },
  })),
});

export default [
  bundle({ client: 'entry/inline.client', wasm: 'entry/bundle.wasm' }),
  // These share no state with the others.
  bundle({ emulator: 'entry/inline.emulator' }),
  bundle({ server: 'node/server' }),
  // For `require`, what has no bundle.
  {
    input: [...['testing', 'compat', 'entry/types'].map((file) => `${pkg}/dist/${file}.js`), emulatorInline],
    external: /^workos-vault-edge/,
    output: { dir: `${pkg}/cjs`, format: 'cjs', preserveModules: true, preserveModulesRoot: pkg },
  },
];
