// What a client shows when it is printed, and what it leaves behind when a process is done.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { KeyContext, part, VaultClient, VaultError } from './hosts/parts.ts';

test('inspection shows no secret', async () => {
  const fetch = async () => new Response('{"error":"no"}', { status: 404 });
  const vault = new VaultClient({ apiKey: 'sk_test_inspected', fetch });
  const keyring = vault.keyring({ context: { a: 'b' }, maxAgeMs: 1, maxMessages: 1, maxBytes: 1 });
  const error: unknown = await vault
    .updateObject({ id: 'a', value: 'plain secret' })
    .catch((error: unknown) => error);
  assert.ok(error instanceof VaultError);
  const shown = inspect([vault, vault.forOrganization('org_1'), keyring, error], {
    depth: 9,
    showHidden: true,
  });
  assert.match(shown, /VaultClient/);
  assert.match(shown, /not_found/);
  for (const secret of ['sk_test_inspected', 'plain secret']) assert.ok(!shown.includes(secret), shown);
  assert.equal(inspect(KeyContext.from({ a: 'b' })), "{ a: 'b' }");
});

test('a process ends when its calls have ended: no timer is left', () => {
  const program = `
    import { VaultClient } from 'workos-vault-edge';
    const ok = async () => new Response('{}', { status: 404 });
    const vault = new VaultClient({ apiKey: 'sk_test_timers', fetch: ok });
    const signal = new AbortController().signal;
    await vault.readObject({ id: 'a' }, { signal }).catch((error) => console.log(error.code));
    await vault.readObject({ id: '' }).catch((error) => console.log(error.code));
    await vault.modifyObject({ id: 'a' }, () => 'x').catch((error) => console.log(error.code));
    const never = new VaultClient({ apiKey: 'sk_test_timers', fetch: () => new Promise(() => {}) });
    await never.readObject({ id: 'a' }, { timeoutMs: 20 }).catch((error) => console.log(error.code));
    vault.decryptStream();
    const sealing = vault.encryptStream({ a: 'b' }).writable.getWriter();
    await sealing.closed.catch((error) => console.log(error.code));
  `;
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, ['--input-type=module'], {
    cwd,
    encoding: 'utf8',
    input: program,
    timeout: 20_000,
  });
  assert.equal(signal, null, 'it was still there after 20 s; a call may take 60');
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'not_found\ninvalid_request\nnot_found\ntimeout\nnot_found\n');
});

/** The memory of a module that is loaded already, or, if the client's, is now. */
async function memoryOf(name: 'client' | 'cipher'): Promise<WebAssembly.Memory> {
  KeyContext.from({ a: 'b' });
  const glue = new URL(`../pkg/wasm/${name}/${name}.js`, import.meta.url).href;
  const { initSync } = (await import(glue)) as {
    initSync: (module: object) => { memory: WebAssembly.Memory };
  };
  return initSync({ module: new Uint8Array(0) }).memory;
}

async function requests() {
  return (await part('engine/requests')) as typeof import('../js/src/engine/requests.ts');
}

test("the client's module takes no more memory for many requests than for few", async () => {
  const { OPERATION, prepare } = await requests();
  const memory = await memoryOf('client');
  const ask = (count: number) => {
    for (let at = 0; at < count; at++) {
      prepare(OPERATION.describeObject, { id: `secret_${at}` });
      const context = { organization_id: `org_${at}`, user: 'é\u{1f511}'.repeat(at % 100) };
      prepare(OPERATION.createObject, { name: 'n', value: 'v', context });
      assert.throws(
        () => prepare(OPERATION.createDataKey, { context: { a: at, b: [], '': 'x' } }),
        VaultError,
      );
    }
  };
  ask(200);
  const before = memory.buffer.byteLength;
  ask(30_000);
  assert.equal(memory.buffer.byteLength, before);
  // What one large question takes is there for the next.
  const large = () =>
    assert.throws(() => prepare(OPERATION.readObject, { id: 'é'.repeat(1 << 20) }), /got 1048576/);
  large();
  const after = memory.buffer.byteLength;
  for (let at = 0; at < 50; at++) large();
  assert.equal(memory.buffer.byteLength, after);
  // What is longer still does not get there.
  const longer = { id: 'é'.repeat((1 << 20) + 1), name: 'x'.repeat(2 ** 29 - 24) };
  const tooLong = /expected a string, got a string of more than 2\^20 characters/;
  assert.throws(() => prepare(OPERATION.readObject, { id: longer.id }), tooLong);
  assert.throws(() => prepare(OPERATION.readObjectByName, { name: longer.name }), tooLong);
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, 'v'.repeat(500)]));
  assert.throws(() => prepare(OPERATION.createDataKey, { context: many }), /got 100000$/);
  assert.ok(memory.buffer.byteLength < after + (8 << 20), `${memory.buffer.byteLength} bytes`);
});

test('a question that the end of the stack broke off takes nothing from those after it', async () => {
  const memory = await memoryOf('client');
  const context = { organization_id: 'org_1', user_id: 'user_1' };
  let broken = 0;
  const overflow = () => {
    try {
      overflow();
    } catch {}
    try {
      KeyContext.from(context);
    } catch {
      broken++;
    }
  };
  overflow();
  assert.ok(broken > 0, 'none was broken off');
  const before = memory.buffer.byteLength;
  for (let at = 0; at < 50_000; at++) KeyContext.from(context);
  assert.equal(memory.buffer.byteLength, before);
});

test("the cipher's module takes no more memory for many keys than for few", async () => {
  const vault = new VaultClient({ apiKey: 'sk_test_memory', cipher: 'wasm' });
  const encryptedKeys = btoa('wrapped');
  const round = async (count: number) => {
    for (let at = 0; at < count; at++) {
      const dataKey = { id: 'i', key: randomBytes(32).toString('base64') };
      const envelope = await vault.encryptWith({ dataKey, encryptedKeys }, `value ${at}`);
      // Two keys at once, of which the first goes first.
      const [one, other] = await Promise.all([
        vault.decryptWith(dataKey, envelope),
        vault.decryptWith(dataKey, envelope),
      ]);
      assert.equal(one, other);
    }
  };
  await round(100);
  const memory = await memoryOf('cipher');
  const before = memory.buffer.byteLength;
  await round(10_000);
  assert.equal(memory.buffer.byteLength, before);
});

test('what stands where a value should is not in the memory of the module', async () => {
  const { OPERATION, prepare } = await requests();
  const memory = await memoryOf('client');
  const finds = (text: string) => Buffer.from(memory.buffer).includes(text);
  let reads = 0;
  const fickle = {
    get value() {
      return reads++ === 0 ? undefined : 'a-secret-that-came-late';
    },
  };
  const refused = (value: object) =>
    assert.throws(
      () => prepare(OPERATION.updateObject, Object.assign(value, { id: 'a' })),
      /^VaultError: value:/,
    );
  refused({ value: 987_654_321 });
  refused(fickle);
  refused({ value: { secret: 'a-secret-within' } });
  assert.throws(() => prepare(OPERATION.readObject, { id: { secret: 'a-secret-elsewhere' } }), VaultError);
  for (const secret of ['987654321', 'a-secret-that-came-late', 'a-secret-within', 'a-secret-elsewhere'])
    assert.ok(!finds(secret), secret);
  prepare(OPERATION.readObject, { id: 'a-text-that-is-passed-on' });
  assert.ok(finds('a-text-that-is-passed-on'), 'it would have been found');
});

test('no data key is left in memory once all that kept one is closed', async () => {
  // The modules are loaded already, the cipher's by this; this gives their exports.
  await new VaultClient({ apiKey: 'sk_test_memory', cipher: 'wasm' }).encryptWith(
    { dataKey: { id: 'i', key: btoa('k'.repeat(32)) }, encryptedKeys: 'AAAA' },
    'x',
  );
  const [ofClient, ofCipher] = [await memoryOf('client'), await memoryOf('cipher')];
  const finds = (buffer: ArrayBufferLike, what: Buffer) => Buffer.from(buffer).includes(what);
  // Where keys are kept that Node's own cipher uses.
  const buffers: ArrayBuffer[] = [];
  const RealBuffer = globalThis.ArrayBuffer;
  globalThis.ArrayBuffer = class extends RealBuffer {
    constructor(length: number) {
      super(length);
      if (length === 32) buffers.push(this);
    }
  } as typeof ArrayBuffer;
  const key = randomBytes(32);
  const patterns = [key, Buffer.from(key.toString('base64'))];
  const answer = {
    id: 'data_key_1',
    data_key: key.toString('base64'),
    encrypted_keys: Buffer.from('WOS.EKM.v1\0wrapped').toString('base64'),
    context: { a: 'b' },
  };
  const vault = new VaultClient({
    apiKey: 'sk_test_memory',
    fetch: async () => Response.json(answer),
    dataKeyCache: { maxAgeMs: 60_000, maxMessages: 100, maxBytes: 1e6 },
  });
  const keyring = vault.keyring({ context: { a: 'b' }, maxAgeMs: 60_000, maxMessages: 100, maxBytes: 1e6 });
  for (const cipher of [vault.encrypt('x', { a: 'b' }), keyring.encrypt('x'.repeat(100))]) {
    const envelope = await cipher;
    assert.equal((await keyring.decrypt(envelope))[0], 'x');
    assert.equal((await vault.decrypt(envelope))[0], 'x');
    await assert.rejects(vault.decrypt(envelope, 'other'));
  }
  await vault.createDataKey({ context: { a: 'b' } });
  await vault.rekeyEnvelope(await vault.encrypt('x', { a: 'b' }), { c: 'd' });
  const pair = { dataKey: { id: answer.id, key: answer.data_key }, encryptedKeys: answer.encrypted_keys };
  const large = await vault.encryptWith(pair, 'y'.repeat(10_000));
  assert.equal(await vault.decryptWith(pair.dataKey, large), 'y'.repeat(10_000));
  for (const chunkSize of [1024, 65_536]) {
    const sealed = new Blob(['z'.repeat(3000)])
      .stream()
      .pipeThrough(vault.encryptStream({ a: 'b' }, { chunkSize }));
    assert.equal(await new Response(sealed.pipeThrough(vault.decryptStream())).text(), 'z'.repeat(3000));
  }
  globalThis.ArrayBuffer = RealBuffer;
  assert.ok(finds(ofCipher.buffer, key), 'the scan would find it: the keyring still has it');
  assert.ok(buffers.length > 1 && buffers.some((buffer) => finds(buffer, key)), 'and here too');
  keyring.close();
  vault.close();
  for (const pattern of patterns) {
    for (const { buffer } of [ofClient, ofCipher]) assert.ok(!finds(buffer, pattern), 'a key is still there');
    // The memory that small pieces of Node's are cut from.
    assert.ok(!finds(Buffer.from('AAAA', 'base64').buffer, pattern), 'a key is still in a pool');
  }
  for (const buffer of buffers) assert.ok(!finds(buffer, key), 'a key is still kept');
});

test('10,000 calls that are aborted leave no timer, no listener, and no memory behind', async () => {
  let [under, aborts] = [0, 0];
  const fetch = (_: string, { signal }: RequestInit) =>
    new Promise<Response>((_, reject) => {
      under++;
      signal?.addEventListener('abort', () => {
        aborts++;
        reject(signal.reason);
      });
    });
  const vault = new VaultClient({ apiKey: 'sk_test_aborted', fetch, attemptTimeoutMs: 50_000 });
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  // One signal for all, as a server's for its own end, is where listeners would pile up.
  const shared = new AbortController();
  const round = async (count: number, later: boolean, signalOf: () => AbortController) => {
    const calls = Array.from({ length: count }, () => {
      const controller = signalOf();
      return { controller, call: vault.readObject({ id: 'a' }, { signal: controller.signal }) };
    });
    assert.ok(timers() > before);
    // At once, or later.
    if (later) await new Promise(setImmediate);
    for (const { controller } of calls) controller.abort();
    for (const { call } of calls) await assert.rejects(call, { code: 'aborted' });
  };
  await round(3_000, true, () => new AbortController());
  await round(3_000, false, () => new AbortController());
  const ended = new VaultClient({
    apiKey: 'sk_test_ended',
    fetch: async () => Response.json({}, { status: 404 }),
  });
  for (let call = 0; call < 1_000; call++)
    await ended.readObject({ id: 'a' }, { signal: shared.signal }).catch(() => {});
  assert.equal(getEventListeners(shared.signal, 'abort').length, 0);
  await round(3_000, true, () => shared);
  assert.equal(getEventListeners(shared.signal, 'abort').length, 0);
  assert.deepEqual([under, aborts], [9_000, 9_000]);
  assert.equal(timers(), before);
});

test('a trap of the module ends what is under way, is told, and does not end the process', () => {
  // All memory that the module can have is taken, so that it traps where it asks for more: in a task, as its answer comes.
  const program = `
    import { initSync } from './pkg/wasm/cipher/cipher.js';
    import { VaultClient, VaultError } from './pkg/dist/entry/inline.client.js';
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    process.on('unhandledRejection', (error) => console.log('unhandled', error.message));
    const key = btoa('k'.repeat(32));
    // Compiled when it is first needed.
    const own = new VaultClient({ apiKey: 'sk_test_trap', cipher: 'wasm' });
    await own.encryptWith({ dataKey: { id: 'i', key }, encryptedKeys: key }, 'x');
    const { memory } = initSync({ module: new Uint8Array(0) });
    let answer;
    const first = new Promise((resolve) => { answer = resolve; });
    const never = new Promise(() => {});
    const fetch = (url) => (url.includes('data-key') ? first : never);
    const vault = new VaultClient({ apiKey: 'sk_test_trap', fetch, cipher: 'wasm', timeoutMs: 2_000_000 });
    const under = [vault.readObject({ id: 'a' }), vault.encrypt(new Uint8Array(50 << 20), { a: 'b' })];
    await new Promise((resolve) => setTimeout(resolve, 10));
    const late = vault.readObject({ id: 'late_0123456' }, { timeoutMs: 200 });
    for (let pages = 1 << 14; pages >= 1; ) try { memory.grow(pages); } catch { pages >>= 1; }
    answer(Response.json({ id: 'i', data_key: key, encrypted_keys: key, context: { a: 'b' } }));
    const show = (error) => console.log(error instanceof VaultError && error.code, /stopped unexpectedly/.test(error.message), /started anew/.test(error.recovery));
    for (const call of [...under, late]) await call.catch(show);
    await vault.readObject({ id: 'c' }, { timeoutMs: 5 }).catch(show);
    try { new VaultClient({ apiKey: 'sk_test_trap' }); } catch (error) { show(error); }
    process.exit();
  `;
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module'], {
    cwd,
    encoding: 'utf8',
    input: program,
    timeout: 20_000,
  });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'internal true true\n'.repeat(5));
});

test('bytes of a class that says otherwise are encrypted as they are', async () => {
  const length = (1 << 20) + 9;
  class Few extends Uint8Array {
    override get length(): number {
      return 5;
    }
  }
  class Other extends Uint8Array {
    override subarray(): Uint8Array<ArrayBuffer> {
      return new Uint8Array(3);
    }
  }
  const json = {
    id: 'i',
    data_key: btoa('k'.repeat(32)),
    encrypted_keys: btoa('wrapped'),
    context: { a: 'b' },
  };
  const vault = new VaultClient({ apiKey: 'sk_test_class', fetch: async () => Response.json(json) });
  const keyring = vault.keyring({ context: { a: 'b' }, maxAgeMs: 1e6, maxMessages: 100, maxBytes: 2 ** 30 });
  for (const bytes of [new Few(length), new Other(length), Buffer.alloc(length)]) {
    bytes.fill(7);
    const plaintext = await keyring.decryptBytes(await keyring.encryptBytes(bytes));
    const expected = bytes instanceof Few ? [5, length] : [length];
    assert.ok(expected.includes(plaintext.length), `${plaintext.length} bytes`);
    assert.ok(plaintext.every((byte) => byte === 7));
  }
});

test('calls know whether they are under way, in whatever order they end', async () => {
  const { enter, isUnderWay, leave } = (await part('errors')) as typeof import('../js/src/errors.ts');
  const make = () => ({ place: -1, end: () => {} });
  for (let round = 0; round < 200; round++) {
    const calls = Array.from({ length: 20 }, make);
    const expected = new Set<(typeof calls)[number]>();
    for (let step = 0; step < 60; step++) {
      const call = calls[Math.floor(Math.random() * calls.length)] as (typeof calls)[number];
      if (expected.delete(call)) leave(call);
      else {
        // Of one that is not there nothing is left either.
        leave(call);
        if (step < 40) expected.add(call) && enter(call);
      }
      for (const each of calls) assert.equal(isUnderWay(each), expected.has(each));
    }
    for (const call of calls) leave(call);
    for (const call of calls) assert.ok(!isUnderWay(call));
  }
});

test('loading the package leaves nothing in the clock of a test', () => {
  const program = `
    const set = new Set();
    const clock = (repeats) => () => { const timer = { repeats, ref() {}, unref() {} }; set.add(timer); return timer; };
    [globalThis.setTimeout, globalThis.setInterval] = [clock(false), clock(true)];
    globalThis.clearTimeout = globalThis.clearInterval = (timer) => set.delete(timer);
    const { VaultClient } = await import('workos-vault-edge');
    console.log(set.size);
    const fetch = async () => { console.log(set.size); return new Response('{}', { status: 404 }); };
    const vault = new VaultClient({ apiKey: 'sk_test_timers', fetch });
    await vault.readObject({ id: 'a' }).catch((error) => console.log(error.code, set.size));
  `;
  assert.equal(printed(program), '0\n1\nnot_found 0\n');
});

test('a call that a hook has ended sends nothing that goes on', async () => {
  for (const attemptTimeoutMs of [undefined, 5_000]) {
    const controller = new AbortController();
    const signals: AbortSignal[] = [];
    const fetch = async (_: string, init: RequestInit) => {
      signals.push(init.signal as AbortSignal);
      return new Promise<Response>(() => {});
    };
    const onRequest = () => controller.abort();
    const vault = new VaultClient({ apiKey: 'sk_test_hook', fetch, onRequest, attemptTimeoutMs });
    const { signal } = controller;
    await assert.rejects(vault.deleteObject({ id: 'secret_1' }, { signal }), { code: 'aborted' });
    assert.ok(signals.every(({ aborted }) => aborted));
  }
});

test('where nothing compiles WebAssembly a call that needs the module says so', () => {
  const program = `
    import { VaultClient, VaultError } from 'workos-vault-edge';
    const vault = new VaultClient({ apiKey: 'sk_test_jitless', fetch: async () => Response.json({}) });
    const error = await vault.describeObject({ id: 'secret_1' }).catch((error) => error);
    console.log(error instanceof VaultError, error.code, error.message);
  `;
  const told = 'true internal this runtime does not compile WebAssembly\n';
  assert.equal(printed(program, '--jitless', '--no-warnings', '--no-expose-wasm'), told);
});

test('loading the package and calling keep no realm', () => {
  const program = `
    import { readFileSync } from 'node:fs';
    import { createRequire } from 'node:module';
    import { dirname, join } from 'node:path';
    import vm from 'node:vm';
    const require = createRequire(import.meta.url);
    const main = require.resolve('workos-vault-edge');
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    const runtime = { setTimeout, clearTimeout, setInterval, clearInterval, AbortController, AbortSignal, Response, TextDecoder, TextEncoder, URL, Buffer, process, crypto, queueMicrotask };
    for (let at = 0; at < 10; at++) {
      const context = vm.createContext({ ...runtime });
      registry.register(context, at);
      const cache = {};
      const load = (file) => {
        if (cache[file]) return cache[file].exports;
        const module = (cache[file] = { exports: {} });
        const code = '(function (exports, require, module) {' + readFileSync(file, 'utf8') + '\\n})';
        vm.runInContext(code, context)(module.exports, (name) => name.startsWith('.') ? load(join(dirname(file), name)) : require(name), module);
        return module.exports;
      };
      const { VaultClient } = load(main);
      const vault = new VaultClient({ apiKey: 'sk_test_realm', fetch: async () => new Response('{}', { status: 404 }) });
      await vault.readObject({ id: 'secret_1' }).catch(() => {});
    }
    for (let turn = 0; turn < 20; turn++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)); }
    console.log(collected >= 9 ? 'collected' : collected);
  `;
  assert.equal(printed(program, '--expose-gc', '--no-warnings'), 'collected\n');
});

/** What a program prints, that is run with these flags. */
function printed(program: string, ...flags: string[]): string {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const options = { cwd, encoding: 'utf8', input: program, timeout: 20_000 } as const;
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, '--input-type=module'], options);
  assert.equal(status, 0, stderr);
  return stdout;
}

test('a key that is dropped and not closed is wiped when it is collected', () => {
  const program = `
    import { VaultClient } from 'workos-vault-edge';
    const buffers = [];
    const Real = ArrayBuffer;
    globalThis.ArrayBuffer = class extends Real {
      constructor(length) { super(length); if (length === 32) buffers.push(this); }
    };
    const key = btoa('k'.repeat(32));
    const fetch = async () => Response.json({ id: 'i', data_key: key, encrypted_keys: key, context: { a: 'b' } });
    let vault = new VaultClient({ apiKey: 'sk_test_dropped', fetch });
    const bounds = { maxAgeMs: 60_000, maxMessages: 100, maxBytes: 1e6 };
    for (let count = 0; count < 20; count++) await vault.keyring({ context: { a: 'b' }, ...bounds }).encrypt('x'.repeat(100));
    vault = undefined;
    const kept = () => buffers.filter((buffer) => new Uint8Array(buffer).includes(107)).length;
    console.log(buffers.length >= 20, kept() > 0);
    for (let round = 0; round < 50 && kept() > 0; round++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    console.log(kept());
  `;
  assert.equal(printed(program, '--expose-gc'), 'true true\n0\n');
});

test("where the cipher may not be compiled, the runtime's does the work, and one that must is told of", () => {
  const program = `
    process.getBuiltinModule = undefined;
    const { VaultClient, VaultError } = await import('workos-vault-edge');
    WebAssembly.Module = function () { throw new RangeError('not on the main thread'); };
    const key = btoa('k'.repeat(32));
    const pair = { dataKey: { id: 'i', key }, encryptedKeys: key };
    const auto = new VaultClient({ apiKey: 'sk_test_refused' });
    const envelope = await auto.encryptWith(pair, 'x');
    console.log(await auto.decryptWith(pair.dataKey, envelope));
    for (let times = 0; times < 2; times++)
      await new VaultClient({ apiKey: 'sk_test_refused', cipher: 'wasm' }).encryptWith(pair, 'x').catch((error) => {
        console.log(error instanceof VaultError, error.code, error.cause.message);
      });
  `;
  const told = 'true internal not on the main thread\n';
  assert.equal(printed(program), `x\n${told}${told}`);
});
