import * as fc from 'fast-check';
import { Parser, isMap, isPair, isSeq, parseDocument } from 'yaml';
import { describe, expect, it } from 'vitest';
import { readYaml } from '../../../src/documents/yaml.ts';
import { MAX_DEPTH, scanYaml } from '../../../src/documents/yaml-scan.ts';
import { codeOf } from '../../support/error-code.ts';

/** What `parseDocument` really builds: its syntax tree and its document tree. */
function realDepth(text: string): { readonly syntax: number; readonly nodes: number } {
  const options = { schema: 'core', version: '1.2', logLevel: 'silent', uniqueKeys: false } as const;
  return {
    syntax: depthOfToken([...new Parser().parse(text)]),
    nodes: depthOfNode(parseDocument(text, options).contents),
  };
}

function depthOfNode(node: unknown): number {
  if (isPair(node)) return Math.max(depthOfNode(node.key), depthOfNode(node.value));
  if (isMap(node) || isSeq(node)) return 1 + Math.max(0, ...node.items.map(depthOfNode));
  return 0;
}

function depthOfToken(token: unknown): number {
  if (Array.isArray(token)) return Math.max(0, ...token.map(depthOfToken));
  if (typeof token !== 'object' || token === null) return 0;
  const { type, key, value, items } = token as Record<string, unknown>;
  const own = type === 'block-map' || type === 'block-seq' || type === 'flow-collection' ? 1 : 0;
  return own + Math.max(depthOfToken(key), depthOfToken(value), depthOfToken(items));
}

const pieces = fc.constantFrom(
  '- ',
  '? ',
  ': ',
  'a',
  'a: ',
  '- a: ',
  '"',
  "'",
  '[',
  ']',
  '{',
  '}',
  ', ',
  '\n',
  '\n  ',
  '\n    ',
  '\n- ',
  '\n  - ',
  ' ',
  '\t',
  '|\n',
  '>-\n',
  '# ',
  '\r\n',
  '\\',
  '"x"',
  '[a',
  '{a: ',
  ']: ',
  '}: ',
  '\n]',
  '\n---\n',
  'b\n',
  '\n a: ',
);
const repeated = fc
  .tuple(fc.array(pieces, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 60 }))
  .map(([some, times]) => some.join('').repeat(times));
/** Lines that go right, left and stay: what block nesting is made of. */
const lines = fc
  .array(
    fc.tuple(
      fc.integer({ min: 0, max: 60 }),
      fc.constantFrom('a:', '- ', '- a:', '? ', ': ', '- - ', 'a: [', ']', '{', 'a: |'),
    ),
    {
      maxLength: 80,
    },
  )
  .map((rows) => rows.map(([indent, text]) => `${' '.repeat(indent)}${text}\n`).join(''));
const stairs = fc
  .tuple(
    fc.constantFrom('a:', '- a:', '? ', '- ', ': '),
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 50 }),
  )
  .map(([text, step, count]) =>
    Array.from({ length: count }, (_, at) => `${' '.repeat(at * step)}${text}\n`).join(''),
  );

describe('the scan before the parser', () => {
  it.each([
    ['pieces', fc.array(pieces, { maxLength: 200 }).map((some) => some.join(''))],
    ['repeated pieces', repeated],
    ['lines', lines],
    ['stairs', stairs],
    ['two shapes after each other', fc.tuple(repeated, stairs, lines).map((some) => some.join(''))],
  ])('[B8] lets no document through that the parser would nest deeper: %s', (_, documents) => {
    let deepest = 0;
    fc.assert(
      fc.property(documents, (text) => {
        if (!('tokens' in scanYaml(text))) return;
        const { syntax, nodes } = realDepth(text);
        deepest = Math.max(deepest, syntax);
        // A key in brackets becomes a level deeper once its `:` comes; a pair in a list is a level of its own.
        expect(syntax).toBeLessThanOrEqual(MAX_DEPTH + 1);
        expect(nodes).toBeLessThanOrEqual(2 * (MAX_DEPTH + 1));
        const code = codeOf(() => readYaml(Buffer.from(text), 'f', 1 << 20));
        expect([nodes > MAX_DEPTH, code]).not.toEqual([true, 'ok']);
      }),
      { numRuns: 1000 },
    );
    // The property must have met depth at all.
    expect(deepest).toBeGreaterThan(1);
  });

  const nests: readonly (readonly [string, (depth: number) => string])[] = [
    ['lists in brackets', (n) => '['.repeat(n) + ']'.repeat(n)],
    ['mappings in braces', (n) => '{a: '.repeat(n) + '}'.repeat(n)],
    ['brackets never closed', (n) => '['.repeat(n)],
    ['a dash after a dash', (n) => `${'- '.repeat(n)}a`],
    ['a question mark after another', (n) => `${'? '.repeat(n)}a`],
    [
      'mappings by indentation',
      (n) => Array.from({ length: n }, (_, at) => `${' '.repeat(at)}a:\n`).join(''),
    ],
    ['pairs in lists', (n) => '[a: '.repeat(n / 2) + ']'.repeat(n / 2)],
    [
      'lists in mappings at one indentation',
      (n) =>
        Array.from({ length: n / 2 }, (_, at) => `${' '.repeat(at * 2)}a:\n${' '.repeat(at * 2)}-\n`).join(
          '',
        ),
    ],
    ['brackets below blocks', (n) => `a:\n  - ${'['.repeat(n - 2)}${']'.repeat(n - 2)}`],
  ];
  it.each(nests)('[B8] takes 32 and refuses 34: %s', (_, make) => {
    expect(scanYaml(make(32))).toHaveProperty('tokens');
    expect(codeOf(() => readYaml(Buffer.from(make(34)), 'f', 1 << 20))).toBe('E_YAML_DEPTH');
  });

  it('counts what is syntax and nothing else', () => {
    const brackets = '['.repeat(100);
    for (const text of [
      `a: "${brackets}"`,
      `a: '${brackets}'`,
      `# ${brackets}\na: b`,
      `a: |\n  ${brackets}\n`,
      `a: x${brackets}`,
    ]) {
      expect(scanYaml(text)).toHaveProperty('tokens');
    }
    // Looks quoted, is not.
    expect(scanYaml(`a: x"\nb: ${brackets}"`)).toMatchObject({ code: 'E_YAML_DEPTH' });
    expect(scanYaml(`a: "\\\\"\nb: ${brackets}`)).toMatchObject({ code: 'E_YAML_DEPTH' });
    expect(scanYaml(`a: 'it''s'\nb: ${brackets}`)).toMatchObject({ code: 'E_YAML_DEPTH' });
    expect(scanYaml(`a: |\n  "\nb: ${brackets}`)).toMatchObject({ code: 'E_YAML_DEPTH' });
  });

  it('takes every way of writing that a person uses', () => {
    const text = [
      '# a comment: with colon - and [bracket',
      'list: [a, {b: c, d: [e]}, "f: g"]',
      'nested:',
      '- one: 1',
      '  two: |',
      '    text: with - signs',
      '   # not the end',
      '- - deep',
      '  - deeper',
      '? key',
      ': - value',
      'folded: >-',
      '  some text',
      '',
      '  more',
      'last: { a: b,',
      '  c: d }',
      '',
    ].join('\n');
    expect(scanYaml(text)).toHaveProperty('tokens');
    expect(realDepth(text).nodes).toBeGreaterThan(2);
  });
});
