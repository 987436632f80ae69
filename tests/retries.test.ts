// Whether to try again, and when.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { VaultErrorCode } from 'workos-vault-edge';
import { part } from './hosts/parts.ts';

const { mayHaveLanded, modifyPause, pause, Retries } = (await part(
  'engine/retries',
)) as typeof import('../js/src/engine/retries.ts');
const { recoveries } = (await part('errors')) as typeof import('../js/src/errors.ts');

type Retries = InstanceType<typeof Retries>;
type Attempt = Parameters<Retries['decide']>[0];

const codes = Object.keys(recoveries) as VaultErrorCode[];
/** The longest pause that the service may ask for, and the longest that it did not. */
const [PAUSE_MAX_MS, CAP_MS] = [30_000, 8_000];

function attempt(number: number, code: VaultErrorCode, more?: Partial<Attempt>): Attempt {
  return { number, repeatable: true, lostBody: false, waitedForKey: false, leftMs: 60_000, code, ...more };
}

const usual = () => new Retries(undefined, undefined);
const failed = attempt(1, 'server_error');

/** How many retries are in store. */
function left(retries: Retries): number {
  let count = 0;
  while (retries.decide(failed, 1) !== undefined) count++;
  return count;
}

test('only what may help and does no harm is tried again', () => {
  for (const code of codes) {
    const tries = (repeatable: boolean) => usual().decide(attempt(1, code, { repeatable }), 1) !== undefined;
    const mayHelp = ['rate_limited', 'server_error', 'network_error', 'timeout'].includes(code);
    assert.equal(tries(true), mayHelp, code);
    assert.equal(tries(false), code === 'rate_limited', code);
  }
  const retries = usual();
  const pauses = [1, 2, 3, 4].map((number) => retries.decide(attempt(number, 'server_error'), 1));
  assert.deepEqual(pauses, [500, 1000, 2000, undefined]);
  assert.equal(new Retries(0, undefined).decide(failed, 1), undefined);
  assert.equal(new Retries(1, undefined).decide(failed, 0), 0);
  assert.equal(new Retries(1, undefined).decide(attempt(2, 'server_error'), 1), undefined);
});

test('a failure that did nothing for sure has not landed', () => {
  const landed = codes.filter(mayHaveLanded).sort();
  assert.deepEqual(landed, ['malformed_response', 'network_error', 'server_error', 'timeout']);
});

test('a success whose body was lost is tried again where it may be sent twice', () => {
  const decide = (more: Partial<Attempt>) => usual().decide(attempt(1, 'malformed_response', more), 1);
  assert.equal(decide({ lostBody: true }), 500);
  assert.equal(decide({ lostBody: false }), undefined);
  assert.equal(decide({ lostBody: true, repeatable: false }), undefined);
});

test('an inaccessible key is waited for once where asked', () => {
  const inaccessible = (number: number, more?: Partial<Attempt>) =>
    attempt(number, 'customer_key_inaccessible', more);
  const asked = new Retries(0, 45_000);
  assert.equal(asked.decide(inaccessible(1), 1), 45_000);
  assert.equal(asked.decide(inaccessible(1, { repeatable: false }), 1), 45_000);
  assert.equal(asked.decide(inaccessible(2, { waitedForKey: true }), 1), undefined);
  assert.equal(usual().decide(inaccessible(1), 1), undefined);
  assert.equal(asked.decide(inaccessible(1, { leftMs: 45_000 }), 1), undefined, 'not past the deadline');
  assert.equal(asked.decide(inaccessible(1, { leftMs: 45_001 }), 1), 45_000);
  // It is not one of the retries that are allowed otherwise.
  const both = new Retries(1, 45_000);
  assert.equal(both.decide(attempt(2, 'server_error', { waitedForKey: true }), 1), 1000);
  assert.equal(both.decide(attempt(2, 'server_error'), 1), undefined);
  assert.equal(both.decide(attempt(3, 'server_error', { waitedForKey: true }), 1), undefined);
});

test('the service is asked again when it says, unless that is too long', () => {
  const decide = (retryAfterMs: number, random: number, number = 1) =>
    usual().decide(attempt(number, 'rate_limited', { retryAfterMs }), random);
  assert.equal(decide(5000, 1), 5000);
  assert.equal(decide(0, 1), 500);
  assert.equal(decide(0, 0), 0);
  assert.equal(decide(100, 1), 500);
  assert.equal(decide(100, 1, 3), 600, 'no later than half a second after');
  assert.equal(decide(PAUSE_MAX_MS, 1), PAUSE_MAX_MS);
  assert.equal(decide(PAUSE_MAX_MS + 1, 1), undefined);
});

test('nothing is sent twice where neither is asked for', () => {
  const repeats = (...settings: ConstructorParameters<typeof Retries>) => new Retries(...settings).repeats;
  assert.equal(repeats(undefined, undefined), true);
  assert.equal(repeats(1, undefined), true);
  assert.equal(repeats(0, 1), true);
  assert.equal(repeats(0, undefined), false);
});

test('an outage is not multiplied by retries', () => {
  const retries = usual();
  const retry = () => retries.decide(failed, 1) !== undefined;
  // Nothing but failures: a hundred retries for ten thousand calls.
  assert.equal(Array.from({ length: 10_000 }, retry).filter(Boolean).length, 100);
  // Two successes earn one.
  retries.earn();
  assert.ok(!retry());
  retries.earn();
  assert.ok(retry() && !retry());
  // The store does not grow beyond what it was.
  for (let count = 0; count < 10_000; count++) retries.earn();
  assert.equal(left(retries), 100);
  // What is not tried again for other reasons costs nothing.
  const full = usual();
  full.decide(attempt(9, 'server_error'), 1);
  full.decide({ ...failed, leftMs: 0 }, 1);
  full.decide(attempt(1, 'not_found'), 1);
  full.decide(attempt(1, 'rate_limited', { retryAfterMs: PAUSE_MAX_MS + 1 }), 1);
  assert.equal(left(full), 100);
});

test('there is at most a retry for two successes beyond the first hundred', () => {
  const steps = fc.array(fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 60 })), { maxLength: 30 });
  fc.assert(
    fc.property(steps, (steps) => {
      const retries = usual();
      let halves = 200;
      for (const [successes, failures] of steps) {
        for (let count = 0; count < successes; count++) {
          retries.earn();
          halves = Math.min(halves + 1, 200);
        }
        for (let count = 0; count < failures; count++) {
          const mayRetry = halves >= 2;
          if (mayRetry) halves -= 2;
          assert.equal(retries.decide(failed, 1) !== undefined, mayRetry);
        }
      }
    }),
  );
});

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const number = fc.integer({ min: 1, max: 99 });

test('pauses are bounded', () => {
  const asked = fc.option(fc.nat({ max: 100_000 }), { nil: undefined });
  let pauses = 0;
  fc.assert(
    fc.property(number, random, asked, fc.nat({ max: 100_000 }), (number, random, retryAfterMs, leftMs) => {
      const retries = new Retries(100, undefined);
      const ms = retries.decide(attempt(number, 'rate_limited', { leftMs, retryAfterMs }), random);
      if (ms === undefined) {
        const tooLong = retryAfterMs !== undefined && retryAfterMs + 500 >= Math.min(leftMs, PAUSE_MAX_MS);
        assert.ok(tooLong || leftMs <= CAP_MS, 'left at that without a reason');
        return;
      }
      pauses++;
      assert.ok(Number.isInteger(ms) && ms >= 0 && ms < leftMs, 'never past the deadline');
      assert.ok(ms >= (retryAfterMs ?? 0), 'never before the service asks');
      assert.ok(ms <= (retryAfterMs === undefined ? CAP_MS : PAUSE_MAX_MS + 500), `${ms}`);
    }),
    { numRuns: 5000 },
  );
  assert.ok(pauses > 1000, `${pauses} pauses`);
});

test('a pause is anywhere below a bound that doubles up to a cap', () => {
  fc.assert(
    fc.property(number, random, (number, random) => {
      const bound = Math.min(500 * 2 ** (number - 1), CAP_MS);
      const ms = pause(500, CAP_MS, number, random);
      // By less than a millisecond less.
      assert.ok(Number.isInteger(ms) && ms <= bound * random && ms > bound * random - 1, `${ms}`);
    }),
  );
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 99].map((number) => pause(500, CAP_MS, number, 1)),
    [500, 1000, 2000, 4000, 8000, 8000, 8000, 8000],
  );
});

test('modifyObject pauses for a second at most', () => {
  for (let attempt = 1; attempt <= 100; attempt++)
    for (let count = 0; count < 100; count++) {
      const ms = modifyPause(attempt);
      assert.ok(Number.isInteger(ms) && ms >= 0 && ms < Math.min(20 * 2 ** (attempt - 1), 1000), `${ms}`);
    }
});
