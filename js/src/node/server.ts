/** The emulator as a server on this machine, for programs in any language. */

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { CoreAnswer } from '../../wasm/emulator/emulator.js';
import type { VaultEmulator } from '../emulator.js';
import { openapi } from '../openapi.js';
import { StateFile, stateKey } from './state.js';

/** Largest body that is read; what is larger is answered 413. */
const BODY_MAX = 8 << 20;

/** How to serve. */
export interface ServeOptions {
  /** Default: 4180; 0 for one that is free. */
  port?: number;
  /** Default: 127.0.0.1, which nobody but this machine reaches. */
  host?: string;
  /** A file that keeps the state. Default: none; it is gone with the process. */
  state?: string;
  /** 32 bytes in base64 or hexadecimal that encrypt the file. */
  stateKey?: string;
  /** Called once, where there is no state yet: to seed. */
  seed?: () => void;
  /** Called for each request that was answered. */
  onRequest?: (method: string, target: string, status: number) => void;
}

/** A server that runs. */
export interface ServedVault {
  /** Where it is: `http://127.0.0.1:4180`. */
  url: string;
  /** Answers what is under way, writes the state, and stops. */
  close(): Promise<void>;
}

/** Reads a body, and says where it is too long. */
function read(request: IncomingMessage): Promise<Uint8Array | 'too long'> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    let length = 0;
    request.on('data', (part: Uint8Array) => {
      length += part.length;
      // Read on, so that the answer can be sent, but keep nothing more.
      if (length <= BODY_MAX) parts.push(part);
    });
    request.on('end', () => resolve(length > BODY_MAX ? 'too long' : Buffer.concat(parts)));
    request.on('error', reject);
    request.on('aborted', () => reject(new Error('aborted')));
  });
}

async function send(answer: CoreAnswer, response: ServerResponse, head: boolean): Promise<void> {
  if (answer.delayMs > 0) await pause(answer.delayMs, undefined, { ref: false });
  if (answer.end === 'reset') {
    response.socket?.destroy();
    return;
  }
  const { headers } = answer;
  for (let at = 0; at < headers.length; at += 2)
    response.setHeader(headers[at] as string, headers[at + 1] as string);
  response.statusCode = answer.status;
  const body = Buffer.from(answer.body);
  if (!head && answer.status !== 204) response.setHeader('content-length', body.length);
  if (answer.end === 'cut') {
    response.write(body.subarray(0, body.length >> 1), () => response.socket?.destroy());
    return;
  }
  if (answer.end === 'drip') {
    for (let at = 0; at < body.length && !response.destroyed; at += answer.pieceBytes) {
      await pause(answer.pieceMs, undefined, { ref: false });
      response.write(body.subarray(at, at + answer.pieceBytes));
    }
    response.end();
    return;
  }
  response.end(head ? undefined : body);
}

/** Names a request that the emulator itself does not see. */
const requestId = () => `req_${randomUUID()}`;

/** Serves an emulator. Resolves when it can be reached. */
export async function serve(emulator: VaultEmulator, options: ServeOptions = {}): Promise<ServedVault> {
  const { port = 4180, host = '127.0.0.1' } = options;
  const key = options.stateKey === undefined ? undefined : stateKey(options.stateKey);
  const state =
    options.state === undefined
      ? undefined
      : await StateFile.open(options.state, emulator, key, options.seed ?? (() => {}));
  if (state === undefined) options.seed?.();

  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = 'GET', url: target = '/' } = request;
    if (target === '/openapi.json' && (method === 'GET' || method === 'HEAD')) {
      response.setHeader('content-type', 'application/json');
      response.setHeader('x-request-id', requestId());
      response.end(method === 'HEAD' ? undefined : JSON.stringify(openapi));
      return;
    }
    const body = await read(request);
    const { authorization, 'content-type': contentType } = request.headers;
    const idempotencyKey = request.headers['idempotency-key'];
    const given = {
      ...(authorization === undefined ? {} : { authorization }),
      ...(contentType === undefined ? {} : { contentType }),
      ...(typeof idempotencyKey === 'string' ? { idempotencyKey } : {}),
    };
    // One byte more than is allowed stands for everything that was not kept.
    const bytes = body === 'too long' ? new Uint8Array(BODY_MAX + 1) : body;
    const answer = emulator.handle(method, target, given, bytes);
    try {
      // What is told to have happened must have.
      await state?.flush();
      options.onRequest?.(method, target, answer.status);
      await send(answer, response, method === 'HEAD');
    } finally {
      answer.free();
    }
  };

  const server: Server = createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
    respond(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) {
        response.destroy();
        return;
      }
      response.statusCode = 500;
      response.setHeader('content-type', 'application/json');
      response.setHeader('x-request-id', requestId());
      response.end(JSON.stringify({ error: error instanceof Error ? error.message : 'failed' }));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}`,
    close: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        // Those that a fault keeps open are not waited for.
        setTimeout(() => server.closeAllConnections(), 1000).unref();
      });
      await state?.close();
    },
  };
}
