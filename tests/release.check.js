// What `cargo xtask build --release` made: the bill of materials against CycloneDX's own schema, and the packed package.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';

const out = new URL('../target/release-package/', import.meta.url);
const text = readFileSync(new URL('package/sbom.cdx.json', out), 'utf8');
const found = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
assert.equal(found, null, JSON.stringify(found, null, 2));

const purls = JSON.parse(text).components.map(
  (/** @type {{ purl: string }} */ { purl }) => purl.split('@')[0],
);
// What is known to be in the modules, and in the command line.
for (const purl of [
  'pkg:cargo/aes-gcm',
  'pkg:cargo/wasm-bindgen',
  'pkg:cargo/serde_json',
  'pkg:npm/commander',
])
  assert.ok(purls.includes(purl), purl);
// And what builds or tests, which is not shipped.
for (const purl of ['pkg:cargo/proptest', 'pkg:cargo/clap', 'pkg:npm/miniflare', 'pkg:cargo/syn'])
  assert.ok(!purls.includes(purl), purl);

// Licences that ask for no more than to be passed on.
const allowed = /^(MIT|ISC|BSD-3-Clause|Zlib|Unicode-3\.0|Apache-2\.0)( |$)|MIT/;
for (const { purl, licenses } of JSON.parse(text).components)
  assert.match(licenses[0].expression, allowed, purl);

// What is shipped from npm must not run anything when it is installed.
const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
for (const purl of purls.filter((/** @type {string} */ purl) => purl.startsWith('pkg:npm/'))) {
  const name = decodeURIComponent(purl.slice('pkg:npm/'.length));
  assert.equal(lock.packages[`node_modules/${name}`].hasInstallScript, undefined, name);
}

const tarballs = readdirSync(out).filter((name) => name.endsWith('.tgz'));
assert.equal(tarballs.length, 1);
const list = execFileSync('tar', ['-tzf', new URL(tarballs[0] ?? '', out).pathname], { encoding: 'utf8' });
assert.match(list, /^package\/sbom\.cdx\.json$/m);
const manifest = JSON.parse(readFileSync(new URL('package/package.json', out), 'utf8'));
assert.equal(manifest.publishConfig.provenance, true);
assert.match(manifest.repository.url, /^git\+https:/);
console.log(`${purls.length} components, valid CycloneDX 1.6`);
