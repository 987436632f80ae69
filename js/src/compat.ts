/**
 * The official Node SDK's names over this client, so that code which says `workos.vault.createObject(…)` runs by a
 * changed import: `import { WorkOS, NotFoundException } from 'workos-vault-edge/compat'`. Only its Vault.
 */

import { type FetchLike, VaultClient, type VaultClientOptions, VaultError } from 'workos-vault-edge';

/** The options of the official `WorkOS` that concern the Vault. */
export interface WorkOSOptions {
  /** The secret API key. Default: `WORKOS_API_KEY`, where the runtime has environment variables. */
  apiKey?: string;
  /** The client ID. */
  clientId?: string;
  /** The API's host. Default: `api.workos.com`. */
  apiHostname?: string;
  /** Its port. */
  port?: number;
  /** Whether it is `https`. Default: true. */
  https?: boolean;
  /** How long a call may take, in milliseconds. Default: 60,000. */
  timeout?: number;
  /** How often a failed request is sent again. Default: 3. */
  maxRetries?: number;
  /** Sends requests in place of the global `fetch`. */
  fetchFn?: typeof fetch;
}

/** What every exception of an answer has, and beyond the official SDK: the {@link VaultError}, and what to do. */
abstract class VaultException extends Error {
  /** The HTTP status. */
  readonly status: number;
  /** The service's `X-Request-ID`; empty where it gave none. */
  readonly requestID: string;
  /** What to do about it. */
  readonly recovery: string;
  /** The error that this stands for. */
  declare readonly cause: VaultError;

  constructor(error: VaultError, status: number, message: string) {
    super(message, { cause: error });
    this.status = status;
    this.requestID = error.requestId ?? '';
    this.recovery = error.recovery;
  }
}

/** Arguments that the official SDK would send, and the service refuse: found before a request. */
export class BadRequestException extends VaultException {
  /** The class's name, by which it may be caught. */
  override readonly name = 'BadRequestException';
  /** The code of the {@link VaultError}. */
  readonly code: string;
  /** Each thing that is wrong. */
  readonly errors: unknown[];

  /** @internal */
  constructor(error: VaultError) {
    super(error, 400, error.message);
    this.code = error.code;
    this.errors = [...error.problems];
  }
}

/** 401. */
export class UnauthorizedException extends VaultException {
  /** The class's name, by which it may be caught. */
  override readonly name = 'UnauthorizedException';
}

/** 404. */
export class NotFoundException extends VaultException {
  /** The class's name, by which it may be caught. */
  override readonly name = 'NotFoundException';
}

/** 409: a name that is taken, or a version that is not the current one. */
export class ConflictException extends VaultException {
  /** The class's name, by which it may be caught. */
  override readonly name = 'ConflictException';
}

/** 422. */
export class UnprocessableEntityException extends VaultException {
  /** The class's name, by which it may be caught. */
  override readonly name = 'UnprocessableEntityException';
}

/** Other answers with an `error` in their body, as the Vault's have. */
export class OauthException extends VaultException {
  /** The class's name, by which it may be caught. */
  override readonly name = 'OauthException';
  /** What the service said. */
  readonly error: string;

  /** @internal */
  constructor(error: VaultError, status: number, said: string) {
    super(error, status, `Error: ${said}`);
    this.error = said;
  }
}

/** No answer in time (status 408), and what has no other exception. */
export class GenericServerException extends VaultException {
  /** The class's name, by which it may be caught. */
  override readonly name: string = 'GenericServerException';
  /** The code of the {@link VaultError}. */
  readonly code: string;

  /** @internal */
  constructor(error: VaultError, status: number, message: string) {
    super(error, status, message);
    this.code = error.code;
  }
}

/** 429. */
export class RateLimitExceededException extends GenericServerException {
  /** The class's name, by which it may be caught. */
  override readonly name = 'RateLimitExceededException';
  /** How long the service asks to wait, in seconds. */
  readonly retryAfter: number | null;

  /** @internal */
  constructor(error: VaultError, status: number, message: string) {
    super(error, status, message);
    this.retryAfter = error.retryAfterMs === undefined ? null : error.retryAfterMs / 1000;
  }
}

/** No API key was given, and `WORKOS_API_KEY` is not set. */
export class NoApiKeyProvidedException extends Error {
  /** The class's name, by which it may be caught. */
  override readonly name = 'NoApiKeyProvidedException';
  /** As in the official SDK. */
  readonly status = 500;

  constructor() {
    super('Missing API key. Pass it to the constructor, or set the environment variable WORKOS_API_KEY.');
  }
}

const byStatus = {
  401: UnauthorizedException,
  404: NotFoundException,
  409: ConflictException,
  422: UnprocessableEntityException,
  429: RateLimitExceededException,
} as const;

/** Codes of wrong arguments. */
const ofArguments = new Set(['invalid_request', 'invalid_key_context', 'key_context_too_large']);

/** What the official SDK would throw here; what it has no class for, as it is. */
function translate(error: unknown): unknown {
  if (!(error instanceof VaultError)) return error;
  const { status, code, message } = error;
  if (status === undefined) {
    if (ofArguments.has(code)) return new BadRequestException(error);
    return code === 'timeout' ? new GenericServerException(error, 408, message) : error;
  }
  // `readObject: object not found (status 404)`: what the service said stands between.
  const said = message.replace(/^\w+: /, '').replace(/ \(status \d+\)$/, '');
  const Exception = byStatus[status as keyof typeof byStatus];
  // The Vault answers `{"error"}`, which the official SDK shows so; not of a 404 or 429.
  if (Exception)
    return new Exception(error, status, status === 409 || status === 422 ? `Error: ${said}` : said);
  if (status < 400) return error;
  return new OauthException(error, status, said);
}

/** The same object, with what its methods throw translated. */
function translated<T extends object>(target: T): T {
  const translatedResult = (result: unknown): unknown => {
    if (!(result instanceof Promise)) return result;
    const settled = result.then(
      (value: unknown) => (isPage(value) ? translated(value) : value),
      (error: unknown) => {
        throw translate(error);
      },
    );
    if (!(Symbol.asyncIterator in result)) return settled;
    return Object.assign(settled, {
      async *[Symbol.asyncIterator]() {
        yield* (await settled) as AsyncIterable<unknown>;
      },
    });
  };
  return new Proxy(target, {
    get(object, name) {
      const member: unknown = Reflect.get(object, name, object);
      if (typeof member !== 'function' || name === 'constructor' || name === Symbol.asyncIterator)
        return member;
      return (...parameters: unknown[]) => {
        try {
          return translatedResult(Reflect.apply(member, object, parameters));
        } catch (error) {
          throw translate(error);
        }
      };
    },
  });
}

const isPage = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && 'autoPagination' in value;

const fromProcess = (): string | undefined =>
  (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env?.WORKOS_API_KEY;

/**
 * The official SDK's `WorkOS`, of which there is the Vault.
 *
 * @example
 * ```ts
 * const workos = new WorkOS(env.WORKOS_API_KEY);
 * await workos.vault.createObject({ name: 'token', value: 's3cret', context: { organization_id: 'org_123' } });
 * ```
 */
export class WorkOS {
  /** The Vault. What it throws are this module's exceptions, by the official names. */
  readonly vault: VaultClient;

  /** @throws {NoApiKeyProvidedException} */
  constructor(key?: string | WorkOSOptions, options?: WorkOSOptions) {
    const given: WorkOSOptions = typeof key === 'object' ? key : { ...options, ...(key && { apiKey: key }) };
    const apiKey = given.apiKey ?? fromProcess();
    if (!apiKey) throw new NoApiKeyProvidedException();
    const { apiHostname = 'api.workos.com', port, https = true, fetchFn } = given;
    const settings: VaultClientOptions = {
      apiKey,
      clientId: given.clientId,
      baseUrl: `${https ? 'https' : 'http'}://${apiHostname}${port === undefined ? '' : `:${port}`}`,
      timeoutMs: given.timeout,
      maxRetries: given.maxRetries,
      fetch: fetchFn as FetchLike | undefined,
    };
    this.vault = translated(new VaultClient(settings));
  }
}
