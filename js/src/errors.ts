/** The package's version, for links to what its documentation says. */
export const version = '0.1.0';

/** A stable name for what went wrong. */
export type VaultErrorCode =
  | 'invalid_api_key'
  | 'invalid_config'
  | 'invalid_key_context'
  | 'key_context_too_large'
  | 'invalid_request'
  | 'unauthorized'
  | 'forbidden'
  | 'organization_not_found'
  | 'not_found'
  | 'name_conflict'
  | 'version_mismatch'
  | 'outcome_unknown'
  | 'customer_key_inaccessible'
  | 'object_pending_deletion'
  | 'validation_failed'
  | 'rate_limited'
  | 'server_error'
  | 'network_error'
  | 'timeout'
  | 'aborted'
  | 'context_mismatch'
  | 'malformed_response'
  | 'decryption_failed'
  | 'malformed_envelope'
  | 'internal';

/** One thing that is wrong with the input. */
export interface Problem {
  /** The path of the field: `key_context.tier`, `limit`. */
  field: string;
  /** What is wrong, and what would be right. */
  message: string;
}

/** The facts of a {@link VaultError}. */
export interface VaultErrorFacts {
  /** See {@link VaultError.code}. */
  code: VaultErrorCode;
  /** What happened. */
  message: string;
  /** See {@link VaultError.recovery}. */
  recovery: string;
  /** See {@link VaultError.retryable}. */
  retryable: boolean;
  /** See {@link VaultError.problems}. */
  problems: Problem[];
  /** See {@link VaultError.status}. */
  status?: number | undefined;
  /** See {@link VaultError.requestId}. */
  requestId?: string | undefined;
  /** See {@link VaultError.retryAfterMs}. */
  retryAfterMs?: number | undefined;
  /** What was thrown underneath: by `fetch`, or the reason of the signal. */
  cause?: unknown;
}

/** What `JSON.stringify` makes of a {@link VaultError}. */
export interface VaultErrorJson extends Omit<VaultErrorFacts, 'cause'> {
  /** `VaultError`. */
  name: string;
  /** See {@link VaultError.docs}. */
  docs: string;
}

/** In the order in which they are shown. */
const FACTS = [
  'name',
  'code',
  'message',
  'recovery',
  'retryable',
  'problems',
  'status',
  'requestId',
  'retryAfterMs',
  'docs',
] as const;

/**
 * Every error of this package. Holds no API key, and no data key or value but where the service repeats one in what it
 * says; `cause` is what others threw, as it is.
 */
export class VaultError extends Error {
  /** A stable name for what went wrong; switch on this. */
  readonly code: VaultErrorCode;
  /** What to do about it. */
  readonly recovery!: string;
  /** Whether the same call, unchanged, can succeed when it is simply made again. */
  readonly retryable!: boolean;
  /** Each thing wrong with the input, where that is the trouble. */
  readonly problems!: readonly Problem[];
  /** The HTTP status, where the service answered. */
  declare readonly status?: number;
  /** The service's `X-Request-ID`, for WorkOS support. */
  declare readonly requestId?: string;
  /** How long the service asks to wait, in milliseconds. */
  declare readonly retryAfterMs?: number;

  constructor(facts: VaultErrorFacts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    // Only where known, so that a printed error shows no empty facts.
    for (const name of FACTS.slice(3, -1) as (keyof VaultErrorFacts)[])
      if (facts[name] !== undefined) Object.assign(this, { [name]: facts[name] });
  }

  static {
    // On the prototype, as for the language's own errors, so that it is not listed among an error's own facts.
    Object.defineProperty(VaultError.prototype, 'name', {
      value: 'VaultError',
      configurable: true,
      writable: true,
    });
  }

  /** Where the documentation of this code is: causes, what to do, an example. */
  get docs(): string {
    return `https://unpkg.com/workos-vault-edge@${version}/docs/errors.md#${this.code}`;
  }

  /** The facts, for logs: without the stack and the cause, which others' code may have put something into. */
  toJSON(): VaultErrorJson {
    const facts = Object.fromEntries(FACTS.map((name) => [name, this[name]])) as unknown as VaultErrorJson;
    return { ...facts, problems: [...this.problems] };
  }
}

/** What to do about each; `docs/errors.md` says the same (`tests/answers.test.ts`). */
export const recoveries: Record<VaultErrorCode, string> = {
  invalid_api_key:
    "Set WORKOS_API_KEY to a secret key from the dashboard's API Keys page; it starts with sk_.",
  invalid_config: 'Correct the option named in the message.',
  invalid_key_context:
    'A key context is a flat map of 1 to 10 strings. Correct each entry listed in problems; turn other values into strings.',
  key_context_too_large:
    'Merge related fields into one value until at most 10 items are left, e.g. tenant: "acme/eu/billing".',
  invalid_request: 'Correct each field listed in problems, or named in the message.',
  unauthorized: 'Check that the API key is complete, not revoked, and belongs to this environment.',
  forbidden: 'Check in the dashboard that Vault is enabled for the environment and that this key may use it.',
  organization_not_found:
    'Create the organization in the dashboard, then use the ID it returns (org_...) as organization_id.',
  not_found:
    'Check the ID or name, and that the API key belongs to the environment that holds the object. It may have been deleted.',
  name_conflict: 'Choose another name, or read the existing object by this name and update it.',
  version_mismatch:
    'Read the current version, apply the change to it again, and write with the new version; never send the old version again. modifyObject does all three.',
  outcome_unknown:
    'Read the object and look whether your change is in it; write again only where it is not. modifyObject does so with the option applied.',
  customer_key_inaccessible:
    "Check the customer key's policy and region in their cloud account. IAM changes take up to 60 s to spread: wait, then try again.",
  object_pending_deletion: "Use another name, or wait until the deleted object's recovery period is over.",
  validation_failed:
    'Correct the field named in the message; the limits are in the documentation of this method.',
  rate_limited: 'Wait for retryAfterMs, then try again. Re-use data keys or cache reads to make fewer calls.',
  server_error: 'Try again after a pause. If it lasts, give the requestId to WorkOS support.',
  network_error: 'Check that the base URL can be reached from here (DNS, proxy, firewall), then try again.',
  timeout:
    'Try again, or allow more time with timeoutMs. A write may have taken effect: read it back before repeating it.',
  aborted: 'Nothing to do: the signal given to the call ended it. A write may have taken effect.',
  context_mismatch:
    'This belongs to another tenant. Check which ID the code passed, or use a client scoped to the right one.',
  malformed_response:
    "Check that the base URL is the API's and no proxy answers in its place. If so, give the requestId to WorkOS support.",
  decryption_failed:
    'Decrypt with the same associated data it was encrypted with, and check that the ciphertext was stored unchanged.',
  malformed_envelope:
    'Pass the stored text whole and unchanged; it may have been cut off or was never encrypted.',
  internal: 'This is a fault of workos-vault-edge. Please report it with the message.',
};

/** Those of which the same call, unchanged, can succeed when it is simply made again. Not so a version mismatch (read
 * first), or a customer's key that is inaccessible (someone must act). */
export const RETRYABLE: readonly VaultErrorCode[] = [
  'rate_limited',
  'server_error',
  'network_error',
  'timeout',
];

type MoreFacts = Omit<Partial<VaultErrorFacts>, 'code' | 'message'>;

/** An error of this code. */
export function made(code: VaultErrorCode, message: string, more?: MoreFacts): VaultError {
  const retryable = RETRYABLE.includes(code);
  return new VaultError({ code, message, recovery: recoveries[code], retryable, problems: [], ...more });
}

/** Everything that is wrong, in one sentence: `name: …; key_context.tier: …`. */
export function told(problems: readonly Problem[]): string {
  return problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
}

/** An error of this code, about these fields. */
export function refused(code: VaultErrorCode, problems: Problem[]): VaultError {
  return made(code, told(problems), { problems });
}

/** An error of this code, about this field, where there is one. */
export function failed(code: VaultErrorCode, message: string, field = '', cause?: unknown): VaultError {
  const problems = field === '' ? [] : [{ field, message }];
  return made(code, field === '' ? message : told(problems), { problems, cause });
}

/** Whether an entry has loaded the module, or will: all but `/wasm` do so by themselves. */
let isLoaded = false;
/** How it is loaded when it is first asked, where an entry leaves it until then. */
let load: (() => void) | undefined;
/** Why the module can no longer be used. */
let stopped: VaultError | undefined;
/** What can be ended while it is under way, and knows its place among the others: a set would cost more than that. */
interface UnderWay {
  place: number;
  end(error: VaultError): void;
}
const underWay: UnderWay[] = [];

export function enter(call: UnderWay): void {
  call.place = underWay.push(call) - 1;
}

export function isUnderWay(call: UnderWay): boolean {
  return underWay[call.place] === call;
}

export function leave(call: UnderWay): void {
  if (!isUnderWay(call)) return;
  const last = underWay.pop() as UnderWay;
  if (last === call) return;
  last.place = call.place;
  underWay[call.place] = last;
}

/** The module is there, or can be loaded. */
export function loaded(later?: () => void): void {
  isLoaded = true;
  load = later;
}

/**
 * The module trapped, which should not happen. What is in its memory is not to be trusted: calls under way end, and
 * later ones are refused.
 */
function stop(error: Error): VaultError {
  stopped ??= made('internal', `the module stopped unexpectedly: ${error.message}`, {
    recovery: `${recoveries.internal} No call works until this process, isolate or page is started anew.`,
    cause: error,
  });
  for (const call of underWay.splice(0)) call.end(stopped);
  return stopped;
}

/** Fails where the client's module is not there yet, or a module cannot be used any more. */
export function running(): void {
  if (stopped) throw stopped;
  if (!isLoaded)
    throw failed(
      'invalid_config',
      'call init or initSync of workos-vault-edge/wasm before anything else',
      'init',
    );
}

/** Calls a module. A trap is its own: nothing of the caller's runs in it. */
export function guarded<T>(call: () => T): T {
  running();
  load?.();
  load = undefined;
  try {
    return call();
  } catch (error) {
    throw error instanceof WebAssembly.RuntimeError ? stop(error) : error;
  }
}
