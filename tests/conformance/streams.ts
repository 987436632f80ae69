import { assert } from 'chai';
import { VaultClient } from 'workos-vault-edge';
import vectors from '../vectors/streams.json' with { type: 'json' };
import { base, bytes, type Case, ciphers, counting, fails, json, local, stubbed } from './case.ts';

const context = { organization_id: 'org_1' };

/** A stream that gives out bytes in pieces of these lengths, over and over. */
function pieces(data: Uint8Array<ArrayBuffer>, lengths: number[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  let [at, turn] = [0, 0];
  return new ReadableStream({
    pull(controller) {
      if (at >= data.length) return controller.close();
      const length = lengths[turn++ % lengths.length] ?? 1;
      controller.enqueue(data.slice(at, at + length));
      at += length;
    },
  });
}

/** Everything a stream gives out. By a reader: a `Response` of Chromium's hides what a stream failed with. */
async function all(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: number[] = [];
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read())
    for (const byte of next.value) parts.push(byte);
  return Uint8Array.from(parts);
}

const from = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

const through = (
  data: Uint8Array<ArrayBuffer>,
  transform: TransformStream<BufferSource, Uint8Array<ArrayBuffer>>,
  lengths = [data.length || 1],
) => all(pieces(data, lengths).pipeThrough(transform));

export const streams: Case[] = [
  {
    name: 'bytes of every length come back, whatever the pieces, by either cipher, with one request each way',
    run: async () => {
      let calls = 0;
      for (const cipher of ciphers) {
        const { vault, count } = counting({ cipher });
        calls = 0;
        for (const length of [0, 1, 1023, 1024, 1025, 2048, 5000]) {
          for (const lengths of [[length || 1], [1, 700, 3], [1024]]) {
            const options = { associatedData: 'files/7', chunkSize: 1024 };
            const sealed = await through(bytes(length), vault.encryptStream(context, options), lengths);
            const chunks = Math.max(1, Math.ceil(length / 1024));
            assert.equal(new TextDecoder().decode(sealed.subarray(0, 6)), 'WVSTRM');
            assert.isAtLeast(sealed.length, length + 18 + chunks * 16);
            const opened = await through(sealed, vault.decryptStream({ associatedData: 'files/7' }), lengths);
            assert.deepEqual(opened, bytes(length));
            calls++;
          }
        }
        assert.deepEqual(count, { 'data-key': calls, decrypt: calls });
      }
    },
  },
  {
    name: 'a stream in the default chunks, in constant memory',
    run: async () => {
      const { vault } = local();
      const length = 3_000_000;
      const sealed = await through(bytes(length), vault.encryptStream(context), [70_001, 3]);
      assert.isBelow(sealed.length, length + 46 * 16 + 400);
      const opened = await through(sealed, vault.decryptStream(), [100_000]);
      assert.deepEqual(opened, bytes(length));
      // What goes in comes out while more goes in: nothing waits for the end.
      const transform = vault.encryptStream(context);
      const [writer, reader] = [transform.writable.getWriter(), transform.readable.getReader()];
      const writing = (async () => {
        for (let chunk = 0; chunk < 5; chunk++) await writer.write(bytes(65_536));
      })();
      const lengths: (number | undefined)[] = [];
      for (let chunk = 0; chunk < 5; chunk++) lengths.push((await reader.read()).value?.length);
      assert.deepEqual(lengths.slice(1), [65_552, 65_552, 65_552, 65_552]);
      await writing;
      await writer.abort().catch(() => {});
    },
  },
  {
    name: 'the published vectors are read',
    run: async () => {
      assert.isAtLeast(vectors.length, 5);
      for (const vector of vectors) {
        for (const cipher of ciphers) {
          const { vault, requests } = stubbed(() => json({ id: 'k', data_key: vector.data_key }), { cipher });
          const sealed = from(vector.stream);
          const opened = await through(
            sealed,
            vault.decryptStream({ associatedData: vector.associated_data }),
            [100],
          );
          assert.deepEqual(opened, from(vector.plaintext), vector.name);
          assert.deepEqual(JSON.parse(String(requests[0]?.init.body)), { keys: vector.encrypted_keys });
        }
      }
    },
  },
  {
    name: 'what was cut, moved, repeated, joined, changed or bound elsewhere fails, and gives out no false byte',
    run: async () => {
      const { vault } = local();
      const plaintext = bytes(4 * 1024 + 7);
      const sealed = await through(
        plaintext,
        vault.encryptStream(context, { chunkSize: 1024, associatedData: 'a' }),
      );
      const start = sealed.length - 4 * 1040 - 23;
      const chunk = (index: number) =>
        sealed.subarray(start + index * 1040, Math.min(start + (index + 1) * 1040, sealed.length));
      const of = (...indexes: number[]) =>
        Uint8Array.from(
          [sealed.subarray(0, start), ...indexes.map(chunk)].flatMap((part) => Array.from(part)),
        );
      assert.deepEqual(of(0, 1, 2, 3, 4), sealed);
      const changed = sealed.slice();
      changed[start + 2100] = (changed[start + 2100] ?? 0) ^ 1;
      const wrong: [string, Uint8Array<ArrayBuffer>, string][] = [
        ['cut between chunks', of(0, 1, 2, 3), 'a'],
        ['cut within a chunk', sealed.slice(0, start + 1500), 'a'],
        ['cut within the last tag', sealed.slice(0, -1), 'a'],
        ['moved', of(1, 0, 2, 3, 4), 'a'],
        ['repeated', of(0, 1, 1, 2, 3, 4), 'a'],
        ['left out', of(0, 1, 3, 4), 'a'],
        ['joined', of(0, 1, 2, 3, 4, 0, 1, 2, 3, 4), 'a'],
        ['changed', changed, 'a'],
        ['bound elsewhere', sealed, 'b'],
      ];
      for (const [what, stream, associatedData] of wrong) {
        const given: number[] = [];
        const reader = pieces(stream, [500]).pipeThrough(vault.decryptStream({ associatedData })).getReader();
        const error = await fails('decryption_failed', async () => {
          for (;;) {
            const { done, value } = await reader.read();
            if (done) throw new Error(`${what}: it ended well`);
            given.push(...value);
          }
        });
        assert.equal(error.message, 'the stream could not be decrypted', what);
        assert.isBelow(given.length, plaintext.length);
        assert.deepEqual(given, Array.from(plaintext.subarray(0, given.length)), what);
      }
    },
  },
  {
    name: 'what is no stream, and wrong arguments, are told',
    run: async () => {
      const { vault, count } = counting();
      const told = async (stream: Uint8Array<ArrayBuffer>) =>
        (await fails('malformed_envelope', () => through(stream, vault.decryptStream(), [3]))).message;
      assert.equal(await told(new Uint8Array(0)), 'stream: it is empty');
      assert.match(await told(bytes(100)), /does not begin as a stream/);
      const head = new TextEncoder().encode('WVSTRM\x01');
      assert.match(await told(head), /cut off in its header/);
      assert.match(
        await told(new TextEncoder().encode('WVSTRM\x09')),
        /its version is 9, this release reads version 1/,
      );
      const wrong: [string, () => unknown][] = [
        ['chunkSize', () => vault.encryptStream(context, { chunkSize: 1023 })],
        ['chunkSize', () => vault.encryptStream(context, { chunkSize: 2 ** 24 + 1 })],
        ['chunkSize', () => vault.encryptStream(context, { chunkSize: '4096' as never })],
        ['associatedData', () => vault.encryptStream(context, { associatedData: 5 as never })],
        ['chunk_size', () => vault.encryptStream(context, { chunk_size: 4096 } as never)],
        ['chunkSize', () => vault.decryptStream({ chunkSize: 4096 } as never)],
        ['associatedData', () => vault.decryptStream({ associatedData: 5 as never })],
      ];
      for (const [field, call] of wrong) {
        const error = await fails('invalid_request', call);
        assert.equal(error.problems[0]?.field, field);
      }
      await fails('invalid_key_context', () => vault.encryptStream({}));
      assert.isEmpty(count, 'nothing of this needed a request');
      const text = new ReadableStream({ start: (controller) => controller.enqueue('text') });
      const notBytes = await fails('invalid_request', () =>
        all(text.pipeThrough(vault.encryptStream(context))),
      );
      assert.match(notBytes.message, /TextEncoderStream/);
    },
  },
  {
    name: 'a failed request for the key is the failure of the stream',
    run: async () => {
      const { vault } = stubbed(() => json({}, 503), { maxRetries: 0 });
      await fails('server_error', () => through(bytes(10), vault.encryptStream(context)));
      const { vault: good } = local();
      const sealed = await through(bytes(10), good.encryptStream(context));
      await fails('server_error', () => through(sealed, vault.decryptStream()));
      const { vault: stranger } = local();
      await fails('decryption_failed', () => through(sealed, stranger.decryptStream()));
      await fails('aborted', () =>
        through(bytes(10), good.encryptStream(context, { signal: AbortSignal.abort() })),
      );
    },
  },
  {
    name: 'pieces whose buffer was given away are refused: nothing is left out unnoticed',
    run: async () => {
      const { vault } = local();
      const given = bytes(100);
      structuredClone(given, { transfer: [given.buffer] });
      const error = await fails('invalid_request', () =>
        all(
          new ReadableStream({ start: (to) => to.enqueue(given) }).pipeThrough(vault.encryptStream(context)),
        ),
      );
      assert.match(error.message, /whose buffer is gone/);
      // Also where it goes while its chunks are sealed.
      const large = bytes(100_000);
      const transform = vault.encryptStream(context, { chunkSize: 1024 });
      const writing = transform.writable.getWriter().write(large);
      const reader = transform.readable.getReader();
      await reader.read();
      await reader.read();
      structuredClone(large, { transfer: [large.buffer] });
      await fails('invalid_request', async () => {
        for (;;) if ((await reader.read()).done) throw new Error('it ended well');
      });
      await fails('invalid_request', () => writing);
    },
  },
  {
    name: 'a large piece is sealed as it is read, not before',
    run: async () => {
      const { vault } = local();
      const transform = vault.encryptStream(context, { chunkSize: 1024 });
      let written = false;
      const writing = transform.writable
        .getWriter()
        .write(bytes(50_000))
        .then(() => {
          written = true;
        });
      const reader = transform.readable.getReader();
      for (let chunk = 0; chunk < 10; chunk++) assert.isDefined((await reader.read()).value);
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.isFalse(written, '39 chunks are still to be read');
      for (let chunk = 0; chunk < 39; chunk++) await reader.read();
      await writing;
    },
  },
  {
    name: 'a stream that is aborted or cancelled ends at once, also while its key is asked for',
    run: async () => {
      let [asked, ended] = [0, 0];
      const vault = new VaultClient(
        base((_, init) => {
          asked++;
          return new Promise((_, reject) =>
            init.signal?.addEventListener('abort', () => {
              ended++;
              reject(new Error('aborted'));
            }),
          );
        }),
      );
      const aborted = vault.encryptStream(context);
      const writing = aborted.writable.getWriter();
      const written = writing.write(bytes(5)).catch((error: unknown) => error);
      const soon = () => new Promise((resolve) => setTimeout(resolve, 5));
      await soon();
      await writing.abort(new Error('enough'));
      assert.instanceOf(await written, Error);
      const cancelled = vault.encryptStream(context);
      await soon();
      await cancelled.readable.cancel('enough');
      const { vault: good } = local();
      const sealed = await through(bytes(3000), good.encryptStream(context, { chunkSize: 1024 }));
      const opening = vault.decryptStream();
      const open = opening.writable.getWriter();
      const opened = open.write(sealed).catch((error: unknown) => error);
      await soon();
      await opening.readable.cancel('enough');
      await opened;
      await soon();
      assert.deepEqual([asked, ended], [3, 3], 'no request goes on');
      // In the middle of it.
      const half = good.encryptStream(context, { chunkSize: 1024 });
      const reader = half.readable.getReader();
      const writer = half.writable.getWriter();
      const rest = writer.write(bytes(5000)).catch((error: unknown) => error);
      await reader.read();
      await reader.read();
      await reader.cancel('enough');
      assert.equal(await rest, 'enough', 'nothing of its own');
    },
  },
  {
    name: 'a scoped client encrypts streams under its context, and does not decrypt; a closed one does neither',
    run: async () => {
      const { vault } = local();
      const ours = vault.forOrganization('org_1');
      const sealed = await through(bytes(10), ours.encryptStream(undefined));
      assert.deepEqual(await through(sealed, vault.decryptStream()), bytes(10));
      await fails('context_mismatch', () => ours.encryptStream({ organization_id: 'org_2' }));
      assert.notProperty(ours, 'decryptStream');
      vault.close();
      await fails('invalid_request', () => ours.encryptStream(undefined));
      await fails('invalid_request', () => vault.decryptStream());
      await fails('invalid_request', () => new VaultClient(base(fetch)).encryptStream(context, 'x' as never));
    },
  },
];
