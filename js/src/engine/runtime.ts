// What some runtimes have and others do not, and looks at what others made.

/** A property of what may be anything: nothing where there is none, or its getter throws. */
export function member(of: unknown, name: string): unknown {
  try {
    return (of as Record<string, unknown> | null | undefined)?.[name];
  } catch {
    return undefined;
  }
}

/** Whether a text has no half of a character (a lone surrogate). */
export function isWellFormed(text: string): boolean {
  return (text as unknown as { isWellFormed(): boolean }).isWellFormed();
}

/** To UTF-8. */
export const encoder = new TextEncoder();

interface Process {
  getBuiltinModule?: (name: string) => unknown;
}

/** A module of Node's, where the runtime has it and gives it at once: Node, Deno, Bun, workerd with `nodejs_compat`. */
export function builtin<T>(name: string): T | undefined {
  try {
    return (globalThis as { process?: Process }).process?.getBuiltinModule?.(name) as T | undefined;
  } catch {
    return undefined;
  }
}

interface NodeBuffer {
  from(text: string, encoding: 'base64'): Uint8Array<ArrayBuffer>;
  from(buffer: ArrayBufferLike, at: number, length: number): NodeBytes;
  /** Memory of its own that nobody has cleared. */
  allocUnsafeSlow?: (length: number) => Uint8Array<ArrayBuffer>;
}
interface NodeBytes {
  toString(encoding: 'base64' | 'latin1'): string;
  write(text: string, encoding: 'base64'): number;
}
export const isWorkerd = globalThis.navigator?.userAgent === 'Cloudflare-Workers';

interface OwnBase64 {
  setFromBase64(text: string): { written: number };
}
/** Node's `Buffer`, and those that others have in its place. */
export const buffer =
  (globalThis as { Buffer?: NodeBuffer }).Buffer ?? builtin<{ Buffer: NodeBuffer }>('node:buffer')?.Buffer;

const { fromBase64 } = Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
/** Whether that takes more for base64 than the language's own (ES2026) does. */
export const isLoose = fromBase64 === undefined;
/** Base64 as the runtime reads it, which may be more than is base64. */
export const decodeOwn: (text: string) => Uint8Array<ArrayBuffer> = fromBase64
  ? (text) => fromBase64.call(Uint8Array, text)
  : buffer
    ? (text) => buffer.from(text, 'base64')
    : (text) => {
        const binary = atob(text);
        const bytes = new Uint8Array(binary.length);
        for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
        return bytes;
      };
/** The same into memory at hand: how many bytes it made. */
export const decodeInto: ((text: string, bytes: Uint8Array) => number) | undefined = fromBase64
  ? (text, bytes) => (bytes as unknown as OwnBase64).setFromBase64(text).written
  : buffer && ((text, bytes) => buffer.from(bytes.buffer, 0, bytes.length).write(text, 'base64'));

export function isBytes(value: unknown): value is Uint8Array {
  try {
    return value instanceof Uint8Array;
  } catch {
    // A proxy that was revoked.
    return false;
  }
}

/** A copy of bytes: what the caller does with theirs afterwards does not count. Nothing where their buffer is gone; throws
 * what `tooMuch` makes where there are more than `max`. */
export function copyOf(
  bytes: Uint8Array,
  max: number,
  tooMuch: () => Error,
): Uint8Array<ArrayBuffer> | undefined {
  let copy: Uint8Array<ArrayBuffer> | undefined;
  try {
    if (bytes.length <= max) copy = new Uint8Array(bytes);
  } catch {
    return undefined;
  }
  // A class of the caller's may say that it has fewer than it has.
  if (copy === undefined || copy.length > max) throw tooMuch();
  return copy;
}
