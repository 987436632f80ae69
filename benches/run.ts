// `cargo xtask bench`: both SDKs on the same work in one run. Prints a table; writes results.json and chart.svg.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { build } from 'esbuild';
import { Miniflare, Response } from 'miniflare';
import { chart } from './chart.ts';
import type { Measured } from './rounds.ts';
import { sizes } from './sizes.ts';

interface Results {
  measured: Measured[];
  alone: { concurrentMs: number[]; failures: number };
}

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'target/bench');
mkdirSync(out, { recursive: true });
const runtime = process.argv[2] ?? 'node';
const conditions: Record<string, string[]> = {
  node: ['node', 'import'],
  deno: ['deno', 'node', 'import'],
  bun: ['bun', 'node', 'import'],
  workerd: ['workerd', 'worker'],
};

async function bundle(entry: string, of: string): Promise<string> {
  const outdir = join(out, of, entry);
  await build({
    entryPoints: [join(root, 'benches', `${entry}.ts`)],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    platform: of === 'workerd' ? 'browser' : 'node',
    conditions: conditions[of] ?? [],
    loader: { '.wasm': 'copy' },
    assetNames: '[name]',
    outExtension: { '.js': '.mjs' },
    banner:
      of === 'workerd'
        ? {}
        : {
            js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
          },
    outdir,
    logLevel: 'error',
  });
  return join(outdir, `${entry}.mjs`);
}

const last = (text: string) => JSON.parse(text.trim().split('\n').pop() ?? '') as unknown;
const bin = (name: string) => join(root, 'node_modules/.bin', name);

/** A Worker of a bundle, and of what it is started by, where it does not start itself. */
function workerOf(file: string, starter?: string): Miniflare {
  const folder = join(file, '..');
  const module = { type: 'ESModule' as const, path: basename(file), contents: readFileSync(file, 'utf8') };
  return new Miniflare({
    modules: [
      ...(starter === undefined ? [] : [{ type: 'ESModule' as const, path: 'start.mjs', contents: starter }]),
      module,
      ...readdirSync(folder)
        .filter((name) => name.endsWith('.wasm'))
        .map((name) => ({
          type: 'CompiledWasm' as const,
          path: name,
          contents: new Uint8Array(readFileSync(join(folder, name))),
        })),
    ],
    compatibilityDate: '2026-01-01',
    compatibilityFlags: ['nodejs_compat'],
    serviceBindings: { CLOCK: () => new Response(String(performance.now())) },
  });
}

async function inWorkerd(): Promise<Results> {
  const worker = workerOf(await bundle('worker', 'workerd'));
  try {
    const response = await worker.dispatchFetch('http://localhost/');
    const text = await response.text();
    if (response.status !== 200) throw new Error(text);
    return JSON.parse(text) as Results;
  } finally {
    await worker.dispose();
  }
}

async function inProgram(program: string, ...parameters: string[]): Promise<Results> {
  const file = await bundle('program', runtime);
  return last(
    execFileSync(program, [...parameters, file], { encoding: 'utf8', maxBuffer: 1 << 26 }),
  ) as Results;
}

const median = (all: number[]) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;

/** A program that loads the packages as they are installed: not bundled, and from real files. */
async function asInstalled(entry: string): Promise<string> {
  const folder = join(out, 'installed');
  const modules = join(folder, 'node_modules/workos-vault-edge');
  rmSync(modules, { recursive: true, force: true });
  cpSync(join(root, 'pkg'), modules, { recursive: true });
  const outfile = join(folder, `${entry}.mjs`);
  const entryPoints = [join(root, 'benches', `${entry}.ts`)];
  await build({ entryPoints, bundle: true, packages: 'external', format: 'esm', outfile, logLevel: 'error' });
  return outfile;
}

/** Milliseconds until the first answer, in turn: from its import on in a process, or from nothing in a Worker in a workerd of
 * its own, whose clock stands while code runs; and what a process takes in all. */
async function firstCall(of: 'node' | 'workerd') {
  const made = (entry: string) => (of === 'node' ? asInstalled(entry) : bundle(entry, of));
  const files = { theirs: await made('first-call.official'), ours: await made('first-call') };
  const inProcess = (file: string): number => {
    const program = join(out, `${basename(file)}.start.mjs`);
    const code = `const started = performance.now();
const { call } = await import(${JSON.stringify(file)});
const value = await call();
const ms = performance.now() - started;
if (value !== 'v') throw new Error(value);
console.log(ms);
`;
    writeFileSync(program, code);
    return last(execFileSync(process.execPath, [program], { encoding: 'utf8' })) as number;
  };
  const inWorker = async (file: string): Promise<Miniflare> => {
    const worker = workerOf(
      file,
      `import { call } from './${basename(file)}';\nexport default { fetch: async () => new Response(await call()) };`,
    );
    const response = await worker.dispatchFetch('http://localhost/');
    const text = await response.text();
    if (text !== 'v') throw new Error(text);
    return worker;
  };
  const all: Record<'theirs' | 'ours', number[]> = { theirs: [], ours: [] };
  const fromImport: typeof all = { theirs: [], ours: [] };
  for (let round = 0; round < 31; round++) {
    for (const who of ['theirs', 'ours'] as const) {
      const started = performance.now();
      const begun = of === 'node' ? inProcess(files[who]) : await inWorker(files[who]);
      all[who].push(performance.now() - started);
      if (typeof begun === 'number') fromImport[who].push(begun);
      else await begun.dispose();
    }
  }
  const { theirs, ours } = of === 'node' ? fromImport : all;
  const ratio = median(ours.map((time, round) => time / (theirs[round] ?? 1)));
  return {
    theirs: median(theirs),
    ours: median(ours),
    ratio,
    process: of === 'node' ? { theirs: median(all.theirs), ours: median(all.ours) } : undefined,
  };
}

console.log(`Measuring in ${runtime}; this takes minutes`);
const results =
  runtime === 'workerd'
    ? await inWorkerd()
    : runtime === 'deno'
      ? await inProgram(bin('deno'), 'run', '--allow-all')
      : runtime === 'bun'
        ? await inProgram(bin('bun'))
        : await inProgram(process.execPath);
const bytes = await sizes();

const number = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));
/** The target holds of the ratio that it names: theirs over ours, or ours over theirs where it begins with `≤`. */
const rows = results.measured.map(({ name, against, target, theirs, ours }) => {
  const atMost = target.startsWith('≤');
  const ratios = theirs.map((time, round) =>
    atMost ? (ours[round] ?? 0) / time : time / (ours[round] ?? 1),
  );
  const ratio = median(ratios);
  const bound = Number(target.slice(2));
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
  return {
    name,
    against,
    target,
    theirsUs: median(theirs),
    oursUs: median(ours),
    ratio,
    low,
    high,
    met: atMost ? ratio <= bound : ratio >= bound,
  };
});

const table = new Table({
  head: ['', 'against', 'theirs µs', 'ours µs', 'ratio', 'of rounds', 'target', ''],
  style: { head: [], border: [] },
});
for (const row of rows)
  table.push([
    row.name,
    row.against,
    number(row.theirsUs),
    number(row.oursUs),
    row.ratio.toFixed(2),
    `${row.low.toFixed(2)} to ${row.high.toFixed(2)}`,
    row.target,
    row.met ? 'met' : 'not met',
  ]);
console.log(table.toString());

/** What is no ratio of two times. */
const others: { name: string; found: string; target: string; met: boolean }[] = [
  {
    name: 'what a Worker ships, gzipped',
    found: `${bytes.client} bytes; the official SDK ${bytes.official}`,
    target: '≤ 36,000 and ≤ the official SDK',
    met: bytes.client <= 36_000 && bytes.client <= bytes.official,
  },
  {
    name: "the emulator's module, gzipped",
    found: `${bytes.emulatorModule} bytes`,
    target: '≤ 120,000',
    met: bytes.emulatorModule <= 120_000,
  },
];
const more: Record<string, unknown> = {};
if (runtime === 'node') {
  const keyringUs = rows.find(({ name }) => name.includes('keyring'))?.oursUs ?? Number.NaN;
  others.push({
    name: 'encrypt 1 KiB with a keyring',
    found: `${keyringUs.toFixed(1)} µs`,
    target: '≤ 40 µs',
    met: keyringUs <= 40,
  });
}
const [thousand = 0, tenThousand = 0] = results.alone.concurrentMs;
others.push({
  name: '10,000 calls at once',
  found: `${results.alone.failures} failed; ${tenThousand} ms, 1,000 take ${thousand}`,
  target: 'none fails',
  met: results.alone.failures === 0,
});
if (runtime === 'node' || runtime === 'workerd') {
  const first = await firstCall(runtime);
  const { ratio } = first;
  more.firstCallMs = first;
  const both = ({ theirs, ours }: { theirs: number; ours: number }) =>
    `${number(ours)} ms; the official SDK ${number(theirs)} ms`;
  const inAll = first.process ? ` (the process in all ${both(first.process)})` : '';
  others.push({
    name:
      runtime === 'node'
        ? 'import to the first answer'
        : 'a Worker in a workerd of its own, to the first answer',
    found: `${both(first)}; ratio ${ratio.toFixed(2)}${inAll}`,
    target: '≤ 1.0',
    met: ratio <= 1,
  });
}
if (runtime === 'node') {
  const memory = last(
    execFileSync(process.execPath, ['--expose-gc', '--import', 'tsx', join(root, 'benches/memory.ts')], {
      cwd: root,
      encoding: 'utf8',
    }),
  ) as { heapMb: number[]; wasmMb: number };
  more.memory = memory;
  const [first = Number.NaN] = memory.heapMb;
  others.push(
    {
      name: 'heap while 1,000,000 encryptions and 100,000 calls are made',
      found: `${memory.heapMb.map((mb) => mb.toFixed(1)).join(', ')} MB`,
      target: 'no more than 5% above its beginning',
      met: memory.heapMb.every((mb) => mb <= first * 1.05),
    },
    {
      name: "the module's memory after them",
      found: `${memory.wasmMb.toFixed(1)} MB`,
      target: '< 4 MB',
      met: memory.wasmMb < 4,
    },
  );
}
const rest = new Table({ head: ['', 'found', 'target', ''], style: { head: [], border: [] } });
for (const { name, found, target, met } of others) rest.push([name, found, target, met ? 'met' : 'not met']);
console.log(rest.toString());

const cpu = cpus()[0]?.model ?? 'unknown';
const machine = {
  runtime,
  node: process.version,
  platform: `${platform()} ${arch()}`,
  cpu,
  cores: cpus().length,
};
const file = join(root, 'benches', runtime === 'node' ? 'results.json' : `results.${runtime}.json`);
writeFileSync(
  file,
  `${JSON.stringify({ machine, rows, others, bytes, alone: results.alone, ...more }, null, 2)}\n`,
);
if (runtime === 'node') writeFileSync(join(root, 'docs/chart.svg'), chart(rows, machine));
const all = [...rows, ...others];
console.log(`\n${all.filter(({ met }) => met).length} of ${all.length} targets met`);
