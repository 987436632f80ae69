// What a case of the conformance suite is. Cases know no runtime: only the package, web standards and chai.
import { assert } from 'chai';
import { VaultClient, type VaultClientOptions, VaultError, type VaultErrorCode } from 'workos-vault-edge';
import { VaultEmulator, type VaultEmulatorOptions } from 'workos-vault-edge/emulator';

/** A named test. */
export interface Case {
  name: string;
  run: () => void | Promise<void>;
}

/** How a case ended, in a form that crosses from one runtime to another. */
export interface Outcome {
  name: string;
  error?: string;
}

/** The options that every test client needs. In a page, the client asks for the last one. */
export const base = (fetch: VaultClientOptions['fetch']): VaultClientOptions => ({
  apiKey: 'sk_test_emulator',
  fetch,
  dangerouslyAllowBrowser: true,
});

/** Whether this package's own cipher is here: in Workers it is where it was imported. */
export const hasOwnCipher = (() => {
  try {
    return new VaultClient({ ...base(undefined), cipher: 'wasm' }) !== undefined;
  } catch (error) {
    if (error instanceof VaultError && error.problems[0]?.field === 'cipher') return false;
    throw error;
  }
})();
/** The ciphers that can be asked for here. */
export const ciphers = hasOwnCipher ? (['wasm', 'webcrypto'] as const) : (['webcrypto'] as const);

/** A fresh local Vault and a client of it. */
export function local(options?: VaultEmulatorOptions, client?: Partial<VaultClientOptions>) {
  const emulator = new VaultEmulator(options);
  return { emulator, vault: new VaultClient({ ...base(emulator.fetch), ...client }) };
}

/** A client whose requests are answered by `answer`, and the requests it sent. */
export function stubbed(
  answer: (url: string, init: RequestInit, count: number) => Response | Promise<Response>,
  options?: Partial<VaultClientOptions>,
) {
  const requests: { url: string; init: RequestInit }[] = [];
  const fetch = async (url: string, init: RequestInit) => {
    requests.push({ url, init });
    return answer(url, init, requests.length);
  };
  return { requests, vault: new VaultClient({ ...base(fetch), ...options }) };
}

/** A local Vault that counts the requests to each of its keys' paths. */
export function counting(client?: Partial<VaultClientOptions>) {
  const emulator = new VaultEmulator();
  const count: Record<string, number> = {};
  const fetch = (url: string, init: RequestInit) => {
    const path = new URL(url).pathname.split('/').pop() ?? '';
    count[path] = (count[path] ?? 0) + 1;
    return emulator.fetch(url, init);
  };
  return { vault: new VaultClient({ ...base(fetch), ...client }), count, emulator };
}

/** Bytes of every value. */
export const bytes = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + 7) & 255);
/** As standard base64. */
export const base64 = (data: Uint8Array) => {
  let text = '';
  for (const byte of data) text += String.fromCharCode(byte);
  return btoa(text);
};

/** A JSON answer. */
export const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });

/** The error that a call throws or rejects with, which has to be a VaultError with this code. */
export async function fails(code: VaultErrorCode, call: () => unknown): Promise<VaultError> {
  try {
    await call();
  } catch (error) {
    assert.instanceOf(error, VaultError, `not a VaultError: ${error}`);
    assert.equal((error as VaultError).code, code, (error as VaultError).message);
    return error as VaultError;
  }
  throw new Error(`expected it to fail with ${code}`);
}

/** Runs cases one after the other. */
export async function runAll(cases: Case[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const { name, run } of cases) {
    try {
      await run();
      outcomes.push({ name });
    } catch (error) {
      outcomes.push({
        name,
        error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error),
      });
    }
  }
  return outcomes;
}
