// What a caller gave, as text that core reads (`src/wasm/src/tree.rs`): of each value a letter for its kind, how many bytes it
// has, a colon, and what is in it. So one crossing is enough, and none of the caller's code (getters, proxies) runs within one.
import { entries, items, KIND, looked, read, timeText } from './kinds.js';

const encoder = new TextEncoder();

function node(letter: string, content: string): string {
  const { length } = /[\u0080-\uffff]/.test(content) ? encoder.encode(content) : content;
  return `${letter}${length}:${content}`;
}

const flatText = (text: string) => node(KIND.text, text);

/** A value; of lists and maps what they hold, so many levels deep. */
export function flat(value: unknown, levels = 1): string {
  const [kind, name] = looked(value);
  const time = timeText(value);
  if (kind === KIND.text) return node(time === undefined ? kind : 'T', value as string);
  if (time !== undefined) return node('d', time);
  if (kind !== KIND.array && kind !== KIND.object) return node(kind, name);
  if (levels === 0) return node(kind, '');
  const held =
    kind === KIND.array
      ? items(value)?.map((item) => flat(item, levels - 1))
      : entries(value)?.map(([name, its]) => flatText(name) + flat(its, levels - 1));
  // What cannot be read is called what it is, and holds nothing.
  return held ? node(kind, held.join('')) : node(KIND.other, name);
}

/** A call's options, of which these are read, a class's too. `value`: what was made of the value, where it is in order; it
 * is never passed on. */
export function flatOptions(options: object, reads: readonly string[], value?: string): string {
  const members = reads.map((name) => {
    const its = read(options, name);
    const content = name !== 'value' ? flat(its) : value === undefined ? flat(its, 0) : flatText('');
    return flatText(name) + content;
  });
  return node(KIND.object, members.join(''));
}
