// Every code block of the README and of docs/: JavaScript is run as it stands, TypeScript is type-checked, and commands of
// the command line are ones that it has.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].sort();
const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));

const blocks = (language: string) =>
  [...texts].flatMap(([file, text]) =>
    [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
      .filter((match) => match[1] === language)
      .map((match, at) => ({ name: `${file}, ${language} block ${at + 1}`, file, code: match[2] ?? '' })),
  );

/** What the JavaScript blocks of each file print. */
const expected: Record<string, RegExp[]> = {
  'README.md': [
    /^gho_s3cret\n$/,
    /^3\n1 true\nsigning-key .+\ncard .+\nRead the current version, .+\ntrue\n4111 1111 1111 1111\n$/,
    /^customer_key_inaccessible\n$/,
  ],
  'docs/concepts.md': [
    /^\{"organization_id":"org_123","user_id":"user_456","rotation_period":"2024-Q1"\}\nworkos custom misspelled_name\n$/,
  ],
  'docs/emulator.md': [/^s3cret\n\[ 'token' \]\ns3cret\n$/],
  'docs/encryption.md': [
    /^1\n{ hits: 1, misses: 1, apiCalls: 1 }\n400000\n{ ok: true, value: 'b' }\n123-45-6789\n$/,
  ],
  'docs/errors.md': [
    /^invalid_key_context false\nkey_context\.tier: .+ write "3"\nkey_context\.organization_id: .+\nA key context .+\nhttps:.+#invalid_key_context\n$/,
  ],
  'docs/migrating.md': [/^s3cret\ntrue NotFoundException 404\nnot_found\n$/],
  'docs/recipes.md': [
    /^new 1 new 1 1\n$/,
    /^4111\n$/,
    /^2 0\n$/,
    /^\[ 'aborted', 'aborted' \]\n$/,
    /^1\n$/,
    /^true\n$/,
  ],
};

describe('the documentation', () => {
  test('has the blocks that are tested here, in languages that are tested here', () => {
    for (const [file, text] of texts) {
      const found = blocks('js').filter((block) => block.file === file);
      assert.equal(found.length, expected[file]?.length ?? 0, file);
      for (const [, language] of text.matchAll(/^```(\w+)$/gm))
        assert.match(language ?? '', /^(js|ts|sh)$/, file);
    }
  });

  const seen: Record<string, number> = {};
  for (const { name, file, code } of blocks('js')) {
    const at = seen[file] ?? 0;
    seen[file] = at + 1;
    test(`${name} runs`, () => {
      const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module'], {
        cwd: root,
        encoding: 'utf8',
        input: code,
      });
      assert.equal(status, 0, stderr);
      assert.match(stdout, expected[file]?.[at] ?? /$^/);
    });
  }

  test('its TypeScript type-checks', () => {
    mkdirSync(join(root, 'target'), { recursive: true });
    const folder = mkdtempSync(join(root, 'target/docs-'));
    try {
      const found = blocks('ts');
      assert.ok(found.length > 0);
      for (const [at, { code }] of found.entries()) writeFileSync(join(folder, `${at}.ts`), code);
      const compilerOptions = {
        strict: true,
        noEmit: true,
        target: 'es2022',
        module: 'nodenext',
        skipLibCheck: true,
        types: ['node'],
        lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
      };
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
      const tsc = join(root, 'node_modules/.bin/tsc');
      const { stdout, status } = spawnSync(tsc, ['--project', folder], { encoding: 'utf8' });
      assert.equal(status, 0, stdout);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('its commands are ones that the command line has', () => {
    const cli = join(root, 'pkg/dist/cli.js');
    const help = (...command: string[]) =>
      execFileSync(process.execPath, [cli, ...command, '--help'], { encoding: 'utf8' });
    const named = [...texts.values()].flatMap((text) => [
      ...text.matchAll(/npx workos-vault ([a-z][^\n`|#]*)/g),
    ]);
    const rows = [...(texts.get('docs/cli.md') ?? '').matchAll(/^\| `([a-z][^`]*)`/gm)];
    assert.ok(named.length >= 4 && rows.length >= 10);
    for (const [, call = ''] of [...named, ...rows]) {
      const command = call.split(' ').filter((word) => /^[a-z]+$/.test(word));
      // Where a word is an argument rather than a command, its help is that of the command before it.
      const shown = help(...command) + help(...command.slice(0, 1));
      assert.match(shown, new RegExp(`Usage: workos-vault.* ${command[0]} `), call);
      for (const [option] of call.matchAll(/--[a-z-]+/g)) assert.ok(shown.includes(option), call);
    }
  });

  test('its links lead somewhere', () => {
    const anchors = (text: string) =>
      [...text.matchAll(/^#+ (.+)$/gm)].map((match) =>
        (match[1] ?? '')
          .toLowerCase()
          .replace(/[^\w\- ]/g, '')
          .replaceAll(' ', '-'),
      );
    for (const [file, text] of texts) {
      for (const [, link = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(link)) continue;
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? file : join(file, '..', path);
        const there = texts.get(target) ?? readFileSync(join(root, target), 'utf8');
        if (anchor !== undefined) assert.ok(anchors(there).includes(anchor), `${file}: ${link}`);
      }
    }
  });

  test("the README is the package's own", () => {
    assert.equal(readFileSync(join(root, 'pkg/README.md'), 'utf8'), texts.get('README.md'));
  });
});
