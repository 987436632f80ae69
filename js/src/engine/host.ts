import { install } from '../../wasm/client/client.js';
import { loaded, VaultError, type VaultErrorFacts } from '../errors.js';
import { toBase64 } from './base64.js';

/** A request, complete but for the base URL and the headers that the client adds. */
export interface Request {
  /** One of {@link OPERATION}. */
  operation: number;
  /** The HTTP method. */
  method: (typeof METHODS)[number];
  /** The path with its query, percent-encoded. */
  target: string;
  /** JSON, where there is a body. */
  body: string | undefined;
  /** The value in it, where there is one. */
  value: string | undefined;
  /** Whether sending it twice ends in the same state as sending it once. */
  repeatable: boolean;
  /** Whether the object's value is to be returned as bytes. */
  bytes: boolean;
  /** Of a data key that may be kept: a text that equal contexts share. */
  contextKey?: string;
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const;

/** The operations by their places in core's `Operation::ALL`. */
export const OPERATION = {
  createObject: 0,
  listObjects: 1,
  readObject: 2,
  readObjectByName: 3,
  describeObject: 4,
  listObjectVersions: 5,
  updateObject: 6,
  deleteObject: 7,
  createDataKey: 8,
  decryptDataKey: 9,
  createRekey: 10,
  listEvents: 11,
} as const;

const host = {
  error: (facts: VaultErrorFacts) => new VaultError(facts),
  request(
    operation: number,
    method: number,
    target: string,
    head: string,
    value: string | undefined,
    tail: string,
    repeatable: boolean,
    bytes: boolean,
  ): Request {
    // The value is quoted here: it never enters the module's memory.
    const body = value === undefined ? head || undefined : head + JSON.stringify(value) + tail;
    return {
      operation,
      method: METHODS[method] as Request['method'],
      target,
      body,
      value,
      repeatable,
      bytes,
    };
  },
  toBase64,
};

/** Gives the loaded module what only JavaScript can do. Called once by each entry, after it loaded the module. */
export function ready(): void {
  install(host);
  loaded();
}
