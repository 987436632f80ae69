// What is measured, of both SDKs, as functions that know no runtime. `fetch` is a stub: what is measured is the SDK.
import { WorkOS } from '@workos-inc/node';
import { VaultClient } from 'workos-vault-edge';

const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
const context = { organization_id: 'org_1' };
const metadata = {
  id: 'secret_1',
  environment_id: 'environment_1',
  context,
  key_id: 'key_1',
  updated_at: '2026-01-01T00:00:00.000Z',
  updated_by: { id: 'key_1', name: 'Key' },
  version_id: 'version_1',
};
const PAGES = 100;
const base64 = (bytes: Uint8Array) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
const dataKey = {
  id: 'data_key_1',
  data_key: base64(new Uint8Array(32).fill(7)),
  encrypted_keys: base64(new TextEncoder().encode('WOS.EKM.v1\0a wrapped copy of the data key')),
  context,
};

/** Answers as the service does, at once. */
export async function stub(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const { pathname, searchParams } = new URL(String(url));
  if (pathname.endsWith('/data-key')) return json(dataKey);
  if (pathname.endsWith('/decrypt')) {
    // Each blob its own key, so that nobody can take one for another.
    const { keys } = JSON.parse(String(init?.body)) as { keys: string };
    return json({ id: keys, data_key: dataKey.data_key });
  }
  if (pathname === '/vault/v1/kv' && init?.method === 'POST') return json(metadata, 201);
  if (pathname === '/vault/v1/kv') {
    const page = Number(searchParams.get('after') ?? 0);
    const data = Array.from({ length: 100 }, (_, at) => ({
      id: `secret_${page * 100 + at}`,
      name: `name ${page * 100 + at}`,
      updated_at: '2026-01-01T00:00:00.000Z',
    }));
    return json({ data, list_metadata: { before: null, after: page + 1 < PAGES ? String(page + 1) : null } });
  }
  const object = { id: 'secret_1', name: 'name', metadata };
  return init?.method === 'PUT' ? json(object, 201) : json({ ...object, value: 'value' });
}

const apiKey = 'sk_test_bench';
// The official SDK's build for Workers takes no `fetchFn`, but the global one.
globalThis.fetch = stub as typeof fetch;
const official = new WorkOS(apiKey, { fetchFn: stub as typeof fetch }).vault;
const vault = new VaultClient({ apiKey, fetch: stub });

/** One thing to do, by each of two. */
export interface Pair {
  name: string;
  /** What one of the two is called, where it is not the official SDK. */
  against?: string;
  /** The target, as the official time over ours, or the other way round where it begins with `≤`. */
  target: string;
  /** How often a round does it. */
  times: number;
  /** How many rounds, where not nine. */
  rounds?: number;
  theirs: () => Promise<unknown>;
  ours: () => Promise<unknown>;
  /** Whether both do the same, checked once before anything is measured. */
  check?: () => Promise<boolean>;
}

const text = (bytes: number) => 'x'.repeat(bytes);
interface Size {
  name: string;
  bytes: number;
  /** The targets, and how often a round does it: the official SDK's encryption of a mebibyte takes a tenth of a second. */
  encrypt: [target: string, times: number];
  decrypt: [target: string, times: number];
}
const sizes: Size[] = [
  { name: '16 B', bytes: 16, encrypt: ['≥ 4', 600], decrypt: ['≥ 4', 600] },
  { name: '1 KiB', bytes: 1 << 10, encrypt: ['≥ 4', 600], decrypt: ['≥ 4', 600] },
  { name: '64 KiB', bytes: 1 << 16, encrypt: ['≥ 7', 30], decrypt: ['≥ 3', 100] },
  { name: '1 MiB', bytes: 1 << 20, encrypt: ['≥ 30', 2], decrypt: ['≥ 3', 20] },
  { name: '8 MiB', bytes: 1 << 23, encrypt: ['≥ 50', 1], decrypt: ['≥ 3', 3] },
];

async function encryption(): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (const { name, bytes, encrypt, decrypt } of sizes) {
    const data = text(bytes);
    const envelope = await vault.encrypt(data, context, 'row');
    pairs.push({
      name: `encrypt ${name}`,
      target: encrypt[0],
      times: encrypt[1],
      theirs: () => official.encrypt(data, context, 'row'),
      ours: () => vault.encrypt(data, context, 'row'),
      check: async () => (await vault.decrypt(await official.encrypt(data, context, 'row'), 'row')) === data,
    });
    pairs.push({
      name: `decrypt ${name}`,
      target: decrypt[0],
      times: decrypt[1],
      theirs: () => official.decrypt(envelope, 'row'),
      ours: () => vault.decrypt(envelope, 'row'),
      check: async () => (await official.decrypt(envelope, 'row')) === data,
    });
  }
  return pairs;
}

async function rawCipher(): Promise<Pair> {
  const data = new Uint8Array(1 << 23).fill(120);
  const pair = { dataKey: { id: 'k', key: dataKey.data_key }, encryptedKeys: dataKey.encrypted_keys };
  const direct = new VaultClient({
    apiKey,
    fetch: stub,
    dataKeyCache: { maxAgeMs: 6e7, maxMessages: 1e6, maxBytes: 1e12 },
  });
  return {
    name: 'cipher alone, 8 MiB, bytes in and out',
    against: 'WebCrypto itself',
    target: '≥ 0.8',
    times: 5,
    theirs: async () => {
      const raw = new Uint8Array(32).fill(7);
      const key = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt']);
      const iv = crypto.getRandomValues(new Uint8Array(12));
      return crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, data);
    },
    ours: () => direct.encryptBytes(data, context),
    check: async () =>
      (await vault.decryptBytesWith(pair.dataKey, await direct.encryptBytes(data, context))).length ===
      data.length,
  };
}

async function many(): Promise<Pair> {
  const envelopes: string[] = [];
  for (let key = 0; key < 10; key++) {
    const encryptedKeys = base64(new TextEncoder().encode(`WOS.EKM.v1\0wrapped ${key}`));
    const pair = { dataKey: { id: 'k', key: dataKey.data_key }, encryptedKeys };
    for (let at = 0; at < 100; at++) envelopes.push(await vault.encryptWith(pair, `message ${key} ${at}`));
  }
  const items = envelopes.map((envelope) => ({ envelope }));
  return {
    name: 'decrypt 1,000 envelopes under 10 data keys',
    target: '≥ 20',
    times: 1,
    theirs: async () => {
      for (const envelope of envelopes) await official.decrypt(envelope);
    },
    ours: () => vault.decryptMany(items),
    check: async () => (await vault.decryptMany(items)).every((result) => result.ok),
  };
}

const ALONE = 'fetch and json() alone';
/** What nobody can do without. */
async function bare(method: string, path: string, body?: object): Promise<unknown> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  return (await stub(`https://api.workos.com/vault/v1/kv${path}`, init)).json();
}

/** Of what takes microseconds: many rounds, as a machine that is shared has good and bad moments. */
const SHORT = { times: 1500, rounds: 45 };

/** Everything that is compared. */
export async function pairs(): Promise<Pair[]> {
  const keyring = vault.keyring({ context, maxAgeMs: 6e7, maxMessages: 2 ** 32, maxBytes: 2 ** 40 });
  const kibibyte = text(1 << 10);
  await keyring.encrypt(kibibyte);
  return [
    {
      name: 'readObject',
      target: '≤ 1.05',
      ...SHORT,
      theirs: () => official.readObject({ id: 'secret_1' }),
      ours: () => vault.readObject({ id: 'secret_1' }),
    },
    {
      name: 'createObject',
      target: '≤ 1.05',
      ...SHORT,
      theirs: () => official.createObject({ name: 'n', value: 'v', context }),
      ours: () => vault.createObject({ name: 'n', value: 'v', context }),
    },
    {
      name: 'updateObject',
      target: '≤ 1.05',
      ...SHORT,
      theirs: () => official.updateObject({ id: 'secret_1', value: 'v', versionCheck: 'version_1' }),
      ours: () => vault.updateObject({ id: 'secret_1', value: 'v', versionCheck: 'version_1' }),
    },
    {
      name: 'readObject',
      against: ALONE,
      target: '≤ 1.15',
      ...SHORT,
      theirs: () => bare('GET', '/secret_1'),
      ours: () => vault.readObject({ id: 'secret_1' }),
    },
    {
      name: 'createObject',
      against: ALONE,
      target: '≤ 1.15',
      ...SHORT,
      theirs: () => bare('POST', '', { name: 'n', value: 'v', key_context: context }),
      ours: () => vault.createObject({ name: 'n', value: 'v', context }),
    },
    {
      name: 'updateObject',
      against: ALONE,
      target: '≤ 1.15',
      ...SHORT,
      theirs: () => bare('PUT', '/secret_1', { value: 'v', version_check: 'version_1' }),
      ours: () => vault.updateObject({ id: 'secret_1', value: 'v', versionCheck: 'version_1' }),
    },
    {
      name: 'a page of 100 objects',
      target: '≤ 1.0',
      times: 200,
      theirs: () => official.listObjects({ limit: 100 }),
      ours: () => vault.listObjects({ limit: 100 }),
    },
    ...(await encryption()),
    await rawCipher(),
    {
      name: 'encrypt 1 KiB with a keyring, against a key for each',
      target: '≥ 4',
      times: 3000,
      theirs: () => official.encrypt(kibibyte, context),
      ours: () => keyring.encrypt(kibibyte),
    },
    await many(),
  ];
}

/** Ours alone: everything at once, and over a long time. */
export async function alone(): Promise<{ concurrentMs: number[]; failures: number }> {
  const concurrentMs: number[] = [];
  let failures = 0;
  for (const count of [1_000, 10_000]) {
    const started = Date.now();
    const ended = await Promise.allSettled(
      Array.from({ length: count }, () => vault.readObject({ id: 'secret_1' })),
    );
    failures += ended.filter(({ status }) => status === 'rejected').length;
    concurrentMs.push(Date.now() - started);
  }
  return { concurrentMs, failures };
}
