// The one door to the network: every request is sent, answered, and sent again here, and nowhere else.
import { bodyText } from '../body.js';
import { failed, VaultError } from '../errors.js';
import type { RequestEvent, ResponseEvent, RetryEvent } from '../types.js';
import { malformed, refusal } from './answers.js';
import { type Call, Cut } from './call.js';
import { randomKey } from './random.js';
import { nameOf, OPERATION, type Request } from './requests.js';
import { mayHaveLanded, type Retries } from './retries.js';
import { member } from './runtime.js';

type Hook<Event> = ((event: Event) => unknown) | null | undefined;

/** What a client is set up with, as core has checked it. */
export interface Settings {
  baseUrl: string;
  /** Copied for each request; by what else goes with it, as adding a header to a copy costs more than the copy. */
  headers: Record<'bare' | 'json' | 'keyed', Record<string, string>>;
  /** To keep it out of messages that others wrote. */
  key: string;
  /** Nothing: the global one at the time of the call. */
  fetch: typeof fetch | null | undefined;
  timeoutMs: number;
  attemptTimeoutMs: number | undefined;
  retries: Retries;
  onRequest: Hook<RequestEvent>;
  onResponse: Hook<ResponseEvent>;
  onRetry: Hook<RetryEvent>;
  /** Counts requests, for hooks. */
  calls?: number;
}

/** An answer of the service's. */
export interface Answer {
  status: number;
  /** By its name; nothing where there is none, or no string. */
  header(name: string): string | undefined;
  /** What `JSON.parse` made; nothing where it is no JSON. */
  body: unknown;
}

/** Longest answer that is read, in bytes: the longest value, quoted as JSON with a little to escape. A Worker has
 * 128 MB in all. */
const ANSWER_MAX_MIB = 80;

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** What is noted of a request beside its answer. */
export interface Note {
  /** Whether an attempt before the last may have taken effect, its answer lost. */
  uncertain: boolean;
}

/** Sends a request, again where that may help, and returns the success or throws what went wrong. */
export async function send(settings: Settings, request: Request, call: Call, note?: Note): Promise<Answer> {
  const url = settings.baseUrl + request.target;
  const key = idempotencyKey(settings, request, call);
  const tell = telling(settings, request);
  let waitedForKey = false;
  for (let number = 1; ; number++) {
    call.check();
    tell(settings.onRequest, number, () => ({}));
    const started = Date.now();
    let failure: VaultError;
    try {
      const answer = await call.race(
        call.attemptTimeoutMs === undefined
          ? attempt(settings, url, request, key, call.signal)
          : within(call.attemptTimeoutMs, call, (signal) => attempt(settings, url, request, key, signal)),
      );
      tell(settings.onResponse, number, () => ended(started, answer));
      settings.retries.earn();
      return answer;
    } catch (error) {
      if (!(error instanceof VaultError)) throw error;
      failure = error;
    }
    tell(settings.onResponse, number, () => ended(started, failure));
    const { code, status = 0, retryAfterMs } = failure;
    const lostBody = code === 'malformed_response' && isSuccess(status);
    const { repeatable } = request;
    const { leftMs } = call;
    const failed = { number, repeatable, lostBody, waitedForKey, leftMs, code, retryAfterMs };
    const pauseMs = settings.retries.decide(failed);
    if (pauseMs === undefined) throw failure;
    if (note && mayHaveLanded(code)) note.uncertain = true;
    waitedForKey ||= code === 'customer_key_inaccessible';
    tell(settings.onRetry, number, () => ({ delayMs: pauseMs, ...facts(failure) }));
    await call.pause(pauseMs);
  }
}

/** Runs an attempt under the call's signal, within its own time. */
async function within<T>(ms: number, call: Call, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const cut = new Cut(ms, call.signal);
  try {
    return await cut.race(work(cut.signal));
  } finally {
    cut.close();
  }
}

/** One for all attempts of a creation. */
function idempotencyKey(settings: Settings, request: Request, call: Call): string | undefined {
  if (request.method !== 'POST') return undefined;
  // The caller's is for what they create: one key for the several decryptions of a call would mix them up.
  if (call.idempotencyKey !== undefined && request.operation !== OPERATION.decryptDataKey)
    return call.idempotencyKey;
  if (!settings.retries.repeats) return undefined;
  return randomKey();
}

async function attempt(
  settings: Settings,
  url: string,
  request: Request,
  key: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const { operation, method, body } = request;
  // Called on nothing: workerd and browsers refuse `fetch` as another object's method. A URL and an object rather than a
  // `Request`: `fetch` makes one anyway, and copying a finished one costs more than the rest of the call.
  const fetch = settings.fetch ?? globalThis.fetch;
  if (typeof fetch !== 'function') throw failed('invalid_config', 'this runtime has none; pass one', 'fetch');
  const init: RequestInit = {
    method,
    // Made anew for each attempt: whoever stands in for `fetch` may have changed the last one.
    headers: headersOf(settings, body, key),
    body: body as string,
    signal,
    // Authorization must not follow to wherever a redirect points.
    redirect: 'manual',
  };
  let response: Partial<Response> | undefined;
  // Whatever is thrown here is another's, a `VaultError` of their own client too.
  try {
    response = await fetch(url, init);
  } catch (cause) {
    throw network(settings, cause);
  }
  // Whoever stands in for `fetch` may answer with a class of their own, or with less than they should.
  const status = member(response, 'status');
  if (typeof status !== 'number') throw noResponse('no status');
  let text: unknown;
  try {
    text = await bodyText(response, ANSWER_MAX_MIB << 20);
  } catch (cause) {
    throw network(settings, cause);
  }
  if (text === null) throw failed('malformed_response', `longer than ${ANSWER_MAX_MIB} MiB`, 'body');
  if (text === undefined) throw noResponse('no text()');
  if (typeof text !== 'string') throw noResponse('a text() that gives no string');
  const answer: Answer = {
    status: Math.min(Math.max(Math.trunc(status) || 0, 0), 0xffff),
    header: (name) => header(response, name),
    body: undefined,
  };
  try {
    answer.body = isSuccess(answer.status)
      ? JSON.parse(text)
      : JSON.parse(text, (_, value: unknown) => redacted(settings, value));
  } catch {}
  if (!isSuccess(answer.status)) throw refusal(operation, answer);
  // Broken off on its way: what it answers may have happened all the same.
  if (answer.body === undefined && answer.status !== 204)
    throw malformed([{ field: 'body', message: 'it is not JSON' }], answer);
  return answer;
}

function headersOf(
  { headers }: Settings,
  body: string | undefined,
  key: string | undefined,
): Record<string, string> {
  if (body === undefined) return { ...headers.bare };
  return key === undefined ? { ...headers.json } : { ...headers.keyed, 'Idempotency-Key': key };
}

/** What the service says of a failure may repeat the API key. */
function redacted({ key }: Settings, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll(key, '[API key]') : value;
}

function header(response: unknown, name: string): string | undefined {
  try {
    const value = (response as Response).headers.get(name);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function noResponse(has: string): VaultError {
  return failed('malformed_response', `what fetch returned is no Response: it has ${has}`);
}

function network(settings: Settings, cause: unknown): VaultError {
  // Node's own says "fetch failed", and why in the cause.
  const said = [member(cause, 'message'), member(member(cause, 'cause'), 'message')];
  const texts = said.filter((text): text is string => typeof text === 'string' && text !== '');
  const message = ['no answer from the service', ...texts].join(': ');
  return failed('network_error', message.replaceAll(settings.key, '[API key]'), '', cause);
}

/** Tells a client's hooks of a request: for logs, counters, traces. No value, key, header or name is in it. */
function telling(settings: Settings, { operation, method, route }: Request) {
  settings.calls = (settings.calls ?? 0) + 1;
  const { calls: call } = settings;
  return <More extends object>(hook: Hook<RequestEvent & More>, attempt: number, more: () => More): void => {
    if (typeof hook !== 'function') return;
    const event = { operation: nameOf(operation), method, route, call, attempt, ...more() };
    // What a hook throws is not the call's trouble, at once or later.
    (async () => hook(event))().catch(() => {});
  };
}

function ended(started: number, outcome: Answer | VaultError): Omit<ResponseEvent, keyof RequestEvent> {
  const durationMs = Math.max(Date.now() - started, 0);
  if (outcome instanceof VaultError) return { durationMs, ...facts(outcome) };
  return { durationMs, status: outcome.status, requestId: outcome.header('x-request-id') };
}

function facts({ status, requestId, code }: VaultError): Pick<RetryEvent, 'status' | 'requestId' | 'code'> {
  return { status, requestId, code };
}
