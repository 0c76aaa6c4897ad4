/** Text with meaning: lines, and values that become other values of their kind. */
import { instantOf, parseInstant } from '../../src/model/instant.ts';
import type { Random } from './random.ts';

/** Values that stand elsewhere in the same world: other ids, names, digests, times. */
export type Pool = readonly [string, ...string[]];

const LOOKALIKES: Readonly<Record<string, string>> = {
  a: '\u0430',
  e: '\u0435',
  o: '\u043e',
  p: '\u0440',
  c: '\u0441',
  i: '\u0456',
  l: '1',
  '-': '\u2010',
  ':': '\uff1a',
  '0': 'O',
};
const SECONDS: readonly [number, ...number[]] = [-1, 1, 60, -60, 300, 3600, -86_400, 86_400, 400 * 86_400];
const WORDS: Pool = [
  '',
  ' ',
  '-',
  '*',
  '~',
  'null',
  'true',
  'no',
  '0',
  '0x10',
  '1e3',
  '-1',
  '.inf',
  '99999d',
  '0s',
  '1:30',
  '2026-02-30T00:00:00Z',
  '2026-11-22T24:00:00Z',
  '9999-12-31T23:59:59Z',
  '0000-01-01T00:00:00Z',
  '2026-11-22',
  '__proto__',
  'constructor',
  '@leads',
  '@',
  'ssh-ed25519 AAAA',
  '../../etc',
  'a\nb',
  '\u202edba',
  '\ud800',
  'x'.repeat(41),
  'x'.repeat(9000),
];

export function mutateValue(random: Random, value: string, pool: Pool): string {
  const at = random.below(value.length + 1);
  switch (
    random.weighed({ kind: 24, pool: 3, shift: 8, word: 4, alike: 2, drop: 2, add: 2, case: 1, double: 1 })
  ) {
    case 'kind':
      return sameKind(random, value, pool);
    case 'pool':
      return random.pick(pool);
    case 'shift':
      return shifted(random, value);
    case 'word':
      return random.pick(WORDS);
    case 'alike':
      return value.slice(0, at) + (LOOKALIKES[value.charAt(at)] ?? value.charAt(at)) + value.slice(at + 1);
    case 'drop':
      return value.slice(0, at) + value.slice(at + 1);
    case 'add':
      return value.slice(0, at) + random.pick([' ', '\n', '0', 'a', '\t', '/', '"']) + value.slice(at);
    case 'case':
      return value.toUpperCase();
    case 'double':
      return value + value;
  }
}

const KINDS: readonly RegExp[] = [
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/u,
  /^\d+[smhd]$/u,
  /^\d{8}-.*-[a-z0-9]{6}$/u,
  /^sha256:[0-9a-f]{64}$/u,
  /^SHA256:[A-Za-z0-9+/]{43}$/u,
  /^(?:ssh|sk|ecdsa)-\S+ [A-Za-z0-9+/=]+$/u,
  /^[a-z][a-z0-9-]*$/u,
  /^[a-z]+:\S+$/u,
];

/** A time for a time, a name for a name: mutants that only a rule can tell from the truth. */
function sameKind(random: Random, value: string, pool: Pool): string {
  const kind = KINDS.find((one) => one.test(value));
  return (kind && random.pick(pool.filter((one) => one !== value && kind.test(one)))) ?? `${value} x`;
}

/** Times move, numbers grow, hex digits turn; what holds none of them becomes a little longer. */
function shifted(random: Random, value: string): string {
  const instant = parseInstant(value);
  if (instant !== undefined) return instantOf(Date.parse(instant) + random.pick(SECONDS) * 1000);
  const number = /\d+/u.exec(value);
  if (number === null) return `${value}x`;
  const next = String(Math.max(0, Number(number[0]) + random.pick([-1, 1, 10, 1000, 2 ** 31, 2 ** 53])));
  return value.slice(0, number.index) + next + value.slice(number.index + number[0].length);
}

export function mutateLines(random: Random, text: string, pool: Pool): string {
  const lines = text.split('\n');
  const at = random.below(lines.length);
  const other = random.below(lines.length);
  const line = lines[at] ?? '';
  const cut = line.indexOf(': ');
  const without = lines.filter((_, index) => index !== at);
  switch (random.weighed({ value: 9, drop: 2, double: 2, swap: 2, move: 1, join: 1, key: 2, foreign: 2 })) {
    case 'value':
      if (cut === -1) return [...lines, line].join('\n');
      return with_(lines, at, line.slice(0, cut + 2) + mutateValue(random, line.slice(cut + 2), pool));
    case 'drop':
      return without.join('\n');
    case 'double':
      return [...lines.slice(0, other), line, ...lines.slice(other)].join('\n');
    case 'swap':
      return with_(with_(lines, at, lines[other] ?? '').split('\n'), other, line);
    case 'move':
      return [...without.slice(0, other), line, ...without.slice(other)].join('\n');
    case 'join':
      return [...lines.slice(0, at), `${line}${lines[at + 1] ?? ''}`, ...lines.slice(at + 2)].join('\n');
    case 'key':
      return with_(lines, at, mutateValue(random, line.slice(0, Math.max(0, cut)), pool) + line.slice(cut));
    case 'foreign':
      return [...lines.slice(0, at), `${random.pick(pool)}: ${random.pick(pool)}`, ...lines.slice(at)].join(
        '\n',
      );
  }
}

function with_(lines: readonly string[], at: number, line: string): string {
  return lines.map((old, index) => (index === at ? line : old)).join('\n');
}
