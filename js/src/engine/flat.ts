// What a caller gave, as text that core reads (`src/wasm/src/tree.rs`): of each value a letter for its kind, how many bytes it
// has, a colon, and what is in it. So one crossing is enough, and none of the caller's code (getters, proxies) runs within one.
import { entries, items, KIND, looked, named, read, timeText } from './kinds.js';
import { encoder } from './runtime.js';

function node(letter: string, content: string): string {
  const { length } = /[\u0080-\uffff]/.test(content) ? encoder.encode(content) : content;
  return `${letter}${length}:${content}`;
}

/** Longest text that is passed on, in characters: far beyond what any option may have. */
const TEXT_MAX = 1 << 20;
/** So many of a map's values are passed on; of more the names, as they are counted. */
const MEMBERS_MAX = 100;

const flatText = (text: string) => node(KIND.text, text);

/** A value; of lists and maps what they hold, so many levels deep. */
export function flat(value: unknown, levels = 1): string {
  const [kind, name] = looked(value);
  const time = timeText(value);
  if (kind === KIND.text) {
    if ((value as string).length > TEXT_MAX) return node(KIND.other, 'a string of more than 2^20 characters');
    return node(time === undefined ? kind : 'T', value as string);
  }
  if (time !== undefined) return node('d', time);
  if (kind !== KIND.array && kind !== KIND.object) return node(kind, name);
  if (levels === 0) return node(kind, '');
  const held =
    kind === KIND.array
      ? items(value)?.map((item) => flat(item, levels - 1))
      : entries(value)?.map(
          ([name, its], at) =>
            flatText(name.slice(0, TEXT_MAX)) + (at < MEMBERS_MAX ? flat(its, levels - 1) : flatText(' ')),
        );
  // What cannot be read is called what it is, and holds nothing.
  return held ? node(kind, held.join('')) : node(KIND.other, name);
}

/** What a value is that is none: not which number. */
function flatSecret(value: unknown): string {
  return node(value === undefined ? KIND.missing : KIND.other, named(value, true));
}

/** A call's options, of which these are read, a class's too. `value`: what was made of the value, where it is in order; it
 * is never passed on. */
export function flatOptions(options: object, reads: readonly string[], value?: string): string {
  const members = reads.map((name) => {
    const its = read(options, name);
    if (name === 'value') return flatText(name) + (value === undefined ? flatSecret(its) : flatText(''));
    return flatText(name) + flat(its, Number(name === 'context' || name === 'events'));
  });
  return node(KIND.object, members.join(''));
}
