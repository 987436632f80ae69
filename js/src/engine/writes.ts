// Updates and deletions whose answer was lost, and updates of what was read. Sent again they are answered 409 or 404,
// which is a success where the first attempt had landed: that is found out by reading back.
import { failed, VaultError } from '../errors.js';
import type { Bytes, VaultObject } from '../types.js';
import { undeleted } from './answers.js';
import type { Call } from './call.js';
import { type Engine, hasCode, idOf, theirs } from './engine.js';
import { wrong } from './kinds.js';
import { modifyOptions, OPERATION, type Request } from './requests.js';
import { mayHaveLanded, modifyPause } from './retries.js';
import { isBytes, member } from './runtime.js';
import * as shapes from './shapes.js';
import type { Answer } from './transport.js';

/**
 * What became of an update: it was `written`; or the object has the `same` value that was to be written, in the first
 * version since the lock, by this update or by another that wrote the same; or others wrote since, and it is `unknown`
 * whether this update is below theirs.
 */
type Updated = { was: 'written' | 'same'; object: VaultObject<undefined> } | { was: 'unknown' };

function unknown(): VaultError {
  return failed(
    'outcome_unknown',
    'updateObject: an answer was lost, and what came after does not show whether it took effect',
  );
}

/** Whether a failure tells by itself that the request may have taken effect, or that there is nothing to have any on. */
function tellsItself(error: unknown): boolean {
  if (!(error instanceof VaultError)) return true;
  return hasCode(error, 'aborted', 'not_found') || mayHaveLanded(error.code);
}

export async function updateObject(
  engine: Engine,
  options: unknown,
  asked: unknown,
): Promise<VaultObject<undefined>> {
  /** The lock, which core checks. */
  const lock = member(options, 'versionCheck');
  const request = engine.prepare(OPERATION.updateObject, options);
  const call = engine.start(engine.asked(asked), true);
  // As `run` does, with two promises less.
  try {
    await engine.look(request, call);
    const updated = await update(engine, request, typeof lock === 'string' ? lock : undefined, false, call);
    if (updated.was === 'unknown') throw unknown();
    return updated.object;
  } finally {
    call.close();
  }
}

/**
 * Updates an object. `asks`: whether the caller can tell by itself if its change is in the object, so that reading back
 * is left to it: `unknown` then says no more than that an answer was lost.
 */
async function update(
  engine: Engine,
  request: Request,
  lock: string | undefined,
  asks: boolean,
  call: Call,
): Promise<Updated> {
  const note = { uncertain: false };
  let answer: Answer;
  try {
    answer = await engine.send(request, call, note);
  } catch (error) {
    if (!note.uncertain) throw error;
    return resolved(engine, request, lock, asks, error, call);
  }
  return { was: 'written', object: engine.described(answer) };
}

/** What became of an update that ended so, after an attempt whose answer was lost. */
async function resolved(
  engine: Engine,
  request: Request,
  lock: string | undefined,
  asks: boolean,
  error: unknown,
  call: Call,
): Promise<Updated> {
  const conflicts = hasCode(error, 'version_mismatch');
  // A refusal of the last attempt says nothing of those before it.
  if (conflicts ? lock === undefined : tellsItself(error)) throw error;
  if (!conflicts || asks || lock === undefined) return { was: 'unknown' };
  try {
    return await readBack(engine, request, lock, error, call);
  } catch (error) {
    if (hasCode(error, 'version_mismatch') || tellsItself(error)) throw error;
    return { was: 'unknown' };
  }
}

/** Under a lock one write can have followed it. Whose was it? */
async function readBack(
  engine: Engine,
  update: Request,
  lock: string,
  conflict: unknown,
  call: Call,
): Promise<Updated> {
  const id = idOf(update);
  const object = await engine.read(engine.prepare(OPERATION.readObject, { id }), call);
  const isSame = object.value === update.value;
  const list = engine.prepare(OPERATION.listObjectVersions, { id });
  // Newest first.
  const { data } = shapes.shaped(await engine.send(list, call), shapes.versions);
  const since = data.findIndex(({ id }) => id === lock);
  if (since !== 1) return { was: 'unknown' };
  if (!isSame) throw conflict;
  return { was: 'same', object: { ...object, value: undefined } };
}

export async function deleteObject(engine: Engine, options: unknown, asked: unknown): Promise<void> {
  const request = engine.prepare(OPERATION.deleteObject, options);
  return await engine.run(engine.asked(asked), async (call) => {
    await engine.look(request, call);
    const note = { uncertain: false };
    let answer: Answer;
    try {
      answer = await engine.send(request, call, note);
    } catch (error) {
      if (!note.uncertain || !(await isGone(engine, request, error, call))) throw error;
      return;
    }
    if (answer.status !== 204 && !shapes.shaped(answer, shapes.deleted)) throw undeleted(answer);
  });
}

/** Whether a deletion that failed so, after an attempt whose answer was lost, has happened. */
async function isGone(engine: Engine, request: Request, error: unknown, call: Call): Promise<boolean> {
  const gone = ['not_found', 'object_pending_deletion'] as const;
  if (hasCode(error, ...gone)) return true;
  if (!hasCode(error, 'version_mismatch')) return false;
  try {
    await engine.describeBy(request, call);
    return false;
  } catch (error) {
    if (hasCode(error, ...gone)) return true;
    throw error;
  }
}

type Change = (current: VaultObject<string | Bytes>) => unknown;

/** Reads, applies the caller's change, writes under a lock on the version just read; where someone wrote in between,
 * reads again and applies the change to what they wrote. */
export async function modifyObject(
  engine: Engine,
  options: unknown,
  change: Change,
  asked: unknown,
): Promise<VaultObject<string | Bytes | undefined>> {
  const { request: read, attempts, applied } = modifyOptions(options, change);
  /** What another's function returned, awaited. */
  const settled = async (of: Change, current: VaultObject<string | Bytes>) => of(current);
  return await engine.run(engine.asked(asked), async (call) => {
    for (let attempt = 1; ; attempt++) {
      const current = await engine.read(read, call);
      const { id, metadata } = current;
      const version = metadata.versionId as string | null;
      if (version === null) {
        throw failed(
          'malformed_response',
          'the object has no version to lock on (metadata.version_id is null)',
        );
      }
      const value = await call.race(settled(change, current));
      if (value === undefined) return current;
      if (typeof value !== 'string' && !isBytes(value)) {
        const what = 'it to return a string, a Uint8Array or undefined';
        throw wrong('change', what, value, true);
      }
      const lock = { id, versionCheck: version };
      theirs(() => engine.prepare(OPERATION.updateObject, { ...lock, value: '' }));
      const write = engine.prepare(OPERATION.updateObject, { ...lock, value });
      try {
        const updated = await update(engine, write, version, typeof applied === 'function', call);
        if (updated.was === 'written') return updated.object;
      } catch (error) {
        if (!hasCode(error, 'version_mismatch') || attempt >= attempts) throw error;
        await call.pause(modifyPause(attempt));
        continue;
      }
      // Two who make the same value of the same version would both take it for theirs.
      if (typeof applied !== 'function') throw unknown();
      const found = await engine.read(read, call);
      if (await call.race(settled(applied, found))) return found;
      if (attempt >= attempts) throw unknown();
    }
  });
}
