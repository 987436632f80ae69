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

/**
 * Every error of this package. Holds no API key, and no data key or value but where the service repeats one in what it
 * says; `cause` is what others threw, as it is.
 */
export class VaultError extends Error {
  /** A stable name for what went wrong; switch on this. */
  readonly code: VaultErrorCode;
  /** What to do about it. */
  readonly recovery: string;
  /** Whether the same call, unchanged, can succeed when it is simply made again. */
  readonly retryable: boolean;
  /** Each thing wrong with the input, where that is the trouble. */
  readonly problems: readonly Problem[];
  /** The HTTP status, where the service answered. */
  declare readonly status?: number;
  /** The service's `X-Request-ID`, for WorkOS support. */
  declare readonly requestId?: string;
  /** How long the service asks to wait, in milliseconds. */
  declare readonly retryAfterMs?: number;

  constructor(facts: VaultErrorFacts) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    this.recovery = facts.recovery;
    this.retryable = facts.retryable;
    this.problems = facts.problems;
    // Only where known, so that a printed error shows no empty facts.
    for (const name of ['status', 'requestId', 'retryAfterMs'] as const) {
      if (facts[name] !== undefined) Object.assign(this, { [name]: facts[name] });
    }
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
    const { name, code, message, recovery, retryable, problems, status, requestId, retryAfterMs, docs } =
      this;
    return {
      name,
      code,
      message,
      recovery,
      retryable,
      problems: [...problems],
      status,
      requestId,
      retryAfterMs,
      docs,
    };
  }
}

/** An error found before the module was asked. */
export function invalid(
  code: 'invalid_config' | 'invalid_request',
  field: string,
  message: string,
): VaultError {
  return new VaultError({
    code,
    message: `${field}: ${message}`,
    recovery: 'Correct what is named in the message.',
    retryable: false,
    problems: [{ field, message }],
  });
}

/** Whether an entry has loaded the module: all but `/wasm` do so by themselves. */
let isLoaded = false;
/** Why the module can no longer be used. */
let stopped: VaultError | undefined;
/** Calls under way. */
export const live = new Set<{ end(error: VaultError): void }>();

/** The module is there. */
export function loaded(): void {
  isLoaded = true;
}

/**
 * The module trapped, which should not happen. What is in its memory is not to be trusted: calls under way end, and
 * later ones are refused.
 */
function stop(error: Error): VaultError {
  stopped ??= new VaultError({
    code: 'internal',
    message: `the module stopped unexpectedly: ${error.message}`,
    recovery:
      'This is a fault of workos-vault-edge. Please report it with the message. No call works until this process, isolate or page is started anew.',
    retryable: false,
    problems: [],
    cause: error,
  });
  for (const call of live) call.end(stopped);
  live.clear();
  return stopped;
}

/** Fails where the module cannot be used any more. */
export function running(): void {
  if (stopped) throw stopped;
}

/**
 * Calls the module, and throws what it throws with the stack of the call rather than of the module. A trap is the
 * module's own: nothing of the caller's runs in it but getters, whose exceptions it catches.
 */
export function checked<T>(call: () => T): T {
  running();
  if (!isLoaded)
    throw invalid(
      'invalid_config',
      'init',
      'call init or initSync of workos-vault-edge/wasm before anything else',
    );
  try {
    return call();
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw stop(error);
    if (error instanceof VaultError)
      (Error as { captureStackTrace?: (target: object, below: unknown) => void }).captureStackTrace?.(
        error,
        checked,
      );
    throw error;
  }
}
