/**
 * One meaning for every file: whatever goes the short way says exactly what the parser makes of the same text: data,
 * places, texts. Texts are printed from random trees with odd keys and values here and there, and then spoilt.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPlainYaml } from '../../src/documents/plain-yaml.ts';
import { printRequest } from '../../src/documents/request-file.ts';
import { parseYaml } from '../../src/documents/yaml.ts';
import { PamError } from '../../src/model/error.ts';
import { REQUEST } from '../support/world.ts';

const parsed = (text: string): unknown => {
  try {
    return parseYaml(text, 'f.yaml');
  } catch (error) {
    if (error instanceof PamError) return error.code;
    throw error;
  }
};

type Node =
  | string
  | { readonly map: readonly (readonly [string, Node])[] }
  | { readonly list: readonly Node[] };

const FINE = [
  'word',
  'two words',
  '1',
  'true',
  '"q"',
  "'q'",
  '[a, b]',
  '{ k: v }',
  'a:b',
  '45m',
  '[]',
  'x # c',
];
const ODD_KEYS =
  'null true Null ~ <<  y yes 1a 1 -a .inf "q" \'q\' ? & * ! a~ a/b __proto__ constructor é'.split(' ');
const ODD_VALUES = [
  ...'0 -0 01 +1 -1 1.5 1. .5 1_0 1e3 1E5 0x1 0o7 0b1 9007199254740993 1234567890123456 12:30 1:30:20'.split(
    ' ',
  ),
  ...'True null NULL ~ .inf .nan nan yes false 1d 2026-01-01 2026-01-01T00:00:00Z = << - ? .. ... --- a:'.split(
    ' ',
  ),
  ..."&a *a !t | |- > >- %x @x `x /x _x a#b a? a\\b a=b it's [a,b] [a,] [a:b] [a:] [:a] [?a] [a#b] {a} { } [ ]".split(
    ' ',
  ),
  'a: b',
  'a # b',
  'a #',
  '#c',
  ' x',
  'x ',
  'a  b',
  'a, b',
  'a ] b',
  'a } b',
  'a [b',
  'a {b}',
  'a "b" c',
  'a & b',
  '- x',
  '- - x',
  '&a x',
  '!t x',
  '? a',
  'k: v',
  "'it''s'",
  '"a\\n"',
  '"a" b',
  '"a": b',
  '"x" # c',
  '"x"# c',
  '""',
  '[ a , b ]',
  '[a  b]',
  '[a b]',
  '[a #b]',
  '[a: b]',
  '[a: ]',
  '[a',
  'b]',
  '[1, 01, true, null]',
  '["a", \'b\']',
  '["a"b]',
  '[a] x',
  '[a]# c',
  '[a, [b, [c]]]',
  '[{ a: b }, { c: d }]',
  '{k: v}',
  '{ k:v }',
  '{ k: v, k: w }',
  '{ "k": v }',
  '{ k: }',
  '{ k: , l: m }',
  '{ k: a b }',
  '{ k: a:b }',
  '{ k: { l: m } }',
  '{ true: x }',
  '{ 1: x }',
  '{ a, b: c }',
  '{ k: v } # c',
  '{ k: v',
  'x:y #c',
  'x: #c',
  '--- a',
  '... a',
  'ä',
  'a\tb',
  '',
];
const key = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz') },
  fc.constantFrom(...ODD_KEYS),
);
const value = fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...FINE) }, fc.constantFrom(...ODD_VALUES));
const { mapping } = fc.letrec<{ node: Node; mapping: Node }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    value,
    tie('mapping'),
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((list) => ({ list })),
  ),
  mapping: fc.array(fc.tuple(key, tie('node')), { minLength: 1, maxLength: 4 }).map((map) => ({ map })),
}));

/** @param head what stands before the first line of it, in place of blanks */
function linesOf(node: Node, indent: number, step: number, head = ' '.repeat(indent)): readonly string[] {
  if (typeof node === 'string') return [head + node];
  const later = ' '.repeat(indent);
  if ('list' in node) {
    return node.list.flatMap((one, at) => linesOf(one, indent + 2, step, `${at === 0 ? head : later}- `));
  }
  return node.map.flatMap(([name, one], at) => {
    const begin = `${at === 0 ? head : later}${name}:`;
    return typeof one === 'string' ? [`${begin} ${one}`] : [begin, ...linesOf(one, indent + step, step)];
  });
}

type Spoil = (lines: readonly string[], at: number, column: number, odd: string) => readonly string[];
const edit =
  (change: (line: string, column: number, odd: string) => readonly string[]): Spoil =>
  (lines, at, column, odd) =>
    lines.flatMap((line, here) => (here === at % lines.length ? change(line, column, odd) : [line]));
const SPOILS: readonly Spoil[] = [
  edit(() => []),
  edit((line) => [line, line]),
  edit((line) => [` ${line}`]),
  edit((line) => [line.replace(/^ /u, '')]),
  edit((line, column) => [`${' '.repeat(column % 7)}# c: d`, line]),
  edit((line, column) => [' '.repeat(column % 3), line]),
  edit((line, column, odd) => [`${' '.repeat(column % 7)}${odd}`, line]),
  edit((line, _, odd) => [`${line} ${odd}`]),
  edit((line, column) => {
    const cut = column % (line.length + 1);
    const sign = ' :#-"\'{}[],&*!|>%@?.~'.charAt(column % 21);
    return [line.slice(0, cut) + sign + line.slice(cut + (column % 2))];
  }),
];
const spoils = fc.array(
  fc.tuple(fc.constantFrom(...SPOILS), fc.nat(40), fc.nat(200), fc.constantFrom(...ODD_VALUES)),
  { maxLength: 2 },
);

describe('the short way', () => {
  it('says what the parser says, or nothing', () => {
    let short = 0;
    fc.assert(
      fc.property(mapping, fc.constantFrom(2, 2, 2, 4, 1), spoils, fc.boolean(), (tree, step, all, end) => {
        const lines = all.reduce(
          (before, [spoil, at, column, odd]) => spoil(before, at, column, odd),
          linesOf(tree, 0, step),
        );
        const text = lines.join('\n') + (end ? '\n' : '');
        const plain = readPlainYaml(text);
        if (plain === undefined) return;
        short++;
        // Prototypes, too; keys such as `constructor` would fool vitest's own comparison.
        expect([text, isDeepStrictEqual(plain, parsed(text))]).toEqual([text, true]);
      }),
      { seed: 20_261_125, numRuns: 6000 },
    );
    expect(short).toBeGreaterThan(500);
  });

  it('is taken by what pam prints, and by the policy of the example', () => {
    const example = fileURLToPath(new URL('../../requests', import.meta.url));
    const files = ['pam.yaml', ...readdirSync(join(example, 'policy')).map((name) => `policy/${name}`)];
    for (const text of [
      printRequest(REQUEST),
      ...files.map((path) => readFileSync(join(example, path), 'utf8')),
    ]) {
      const plain = readPlainYaml(text);
      expect(plain).toBeDefined();
      expect(plain).toStrictEqual(parsed(text));
    }
  });

  it.each([
    ['no mapping', '- a\n'],
    ['a list below its key without further blanks', 'a:\n- b\n'],
    ['a dash without a blank', 'a:\n  -bc\n'],
    ['a value of several lines', 'a: b\n  c\n'],
    ['a block of text', 'a: |\n  b\n'],
    ['a key twice', 'a: b\na: c\n'],
    ['a key without a value', 'a:\nb: c\n'],
    ['an anchor', 'a: &b c\n'],
    ['an alias', 'a: *b\n'],
    ['a tag', 'a: !b c\n'],
    ['a directive', '%YAML 1.1\n---\na: b\n'],
    ['a second document', 'a: b\n---\na: b\n'],
    ['an escape', 'a: "\\x41"\n'],
    ['a quote in quotes', "a: 'b''c'\n"],
    ['a number that is not whole', 'a: 1.5\n'],
    ['a number in another base', 'a: 0x1F\n'],
    ['a number too long for a double', 'a: 9007199254740993\n'],
    ['null', 'a: null\n'],
    ['another spelling of true', 'a: TRUE\n'],
    ['brackets over two lines', 'a: [b,\n  c]\n'],
    ['a pair in a list', 'a: [b: c]\n'],
    ['blanks at the end', 'a: b \n'],
    ['a tab', 'a:\tb\n'],
    ['CRLF', 'a: b\r\n'],
    ['letters that are not ASCII', 'a: ä\n'],
    ['brackets in brackets without end', `a: ${'['.repeat(40)}${']'.repeat(40)}\n`],
    ['nothing', ''],
  ])('%s is left to the parser', (_, text) => {
    expect(readPlainYaml(text)).toBeUndefined();
  });
});
