/** Bytes without meaning: flips, cuts, copies, and pieces that parsers have tripped over. */
import type { Random } from './random.ts';

const brackets = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const PIECES: readonly [string, ...string[]] = [
  '\0',
  '\r',
  '\n',
  '\t',
  ' ',
  '%YAML 1.1\n---\n',
  '\n---\n',
  '\n...\n',
  '&a ',
  '*a',
  '!!str ',
  '!foo ',
  '<<: ',
  '? ',
  '- ',
  ': ',
  '# ',
  '{',
  '}',
  '"',
  "'",
  '|\n',
  '\u0085',
  '\u2028',
  '\u202e',
  '\u200b',
  '\ufeff',
  '\\ud800',
  '__proto__: ',
  'constructor: ',
  '-----BEGIN SSH SIGNATURE-----\n',
  '-----END SSH SIGNATURE-----\n',
  brackets(40),
  brackets(900),
  '['.repeat(3000),
  '{"a":'.repeat(500),
  '- '.repeat(700),
];
const BYTES: readonly [number, ...number[]] = [0, 1, 9, 10, 13, 32, 0x7f, 0x80, 0xc0, 0xe2, 0xed, 0xf5, 0xff];

export function mutateBytes(random: Random, bytes: Uint8Array): Buffer {
  const old = Buffer.from(bytes);
  const at = random.below(old.length + 1);
  const to = Math.min(old.length, at + 1 + random.below(random.chance(0.5) ? 4 : 120));
  const around = (middle: Uint8Array, from = at, after = at): Buffer =>
    Buffer.concat([old.subarray(0, from), middle, old.subarray(after)]);
  switch (random.weighed({ flip: 4, set: 3, insert: 4, piece: 6, drop: 3, double: 2, cut: 1, move: 2 })) {
    case 'flip': {
      const copy = Buffer.from(old);
      copy[at % old.length] = (copy[at % old.length] ?? 0) ^ (1 << random.below(8));
      return copy;
    }
    case 'set': {
      const copy = Buffer.from(old);
      copy[at % old.length] = random.pick(BYTES);
      return copy;
    }
    case 'insert':
      return around(Buffer.from(Array.from({ length: 1 + random.below(4) }, () => random.pick(BYTES))));
    case 'piece':
      return around(Buffer.from(random.pick(PIECES)));
    case 'drop':
      return around(new Uint8Array(), at, to);
    case 'double':
      return around(old.subarray(at, to));
    case 'cut':
      return random.chance(0.5) ? old.subarray(0, at) : old.subarray(at);
    case 'move': {
      const rest = around(new Uint8Array(), at, to);
      const place = random.below(rest.length + 1);
      return Buffer.concat([rest.subarray(0, place), old.subarray(at, to), rest.subarray(place)]);
    }
  }
}
