import { spawnSync } from 'node:child_process';
import { buildSync } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readYaml } from '../../../src/documents/yaml.ts';
import { codeOf } from '../../support/error-code.ts';

const read = (bytes: string | Uint8Array, max = 16_384) => readYaml(Buffer.from(bytes), 'f.yaml', max);
const code = (bytes: string | Uint8Array, max?: number): string => codeOf(() => read(bytes, max));

describe('the door for YAML', () => {
  it.each<[string, string | Uint8Array, string]>([
    ['[B1] a key twice', 'role: ro\nrole: admin\n', 'E_YAML_DUPKEY'],
    ['[B1] a key twice in two spellings', 'role: ro\n"rol\\u0065": admin\n', 'E_YAML_DUPKEY'],
    ['[B1] a key twice in braces', 'a: { b: 1, b: 2 }\n', 'E_YAML_DUPKEY'],
    ['[B2] a version directive', '%YAML 1.1\n---\nttl: 1:30\nbreak_glass: no\n', 'E_YAML_DIRECTIVE'],
    ['[B2] a directive after a comment', '# x\n%TAG ! a\n---\na: 1\n', 'E_YAML_DIRECTIVE'],
    ['[B3] an anchor', 'a: &x 1\n', 'E_YAML_ALIAS'],
    ['[B3] an alias', 'a: *x\n', 'E_YAML_ALIAS'],
    ['[B3] a merge', 'a: &b { c: 1 }\nd: { <<: *b }\n', 'E_YAML_ALIAS'],
    ['[B4] two documents', 'a: 1\n---\nb: 1\n', 'E_YAML_MULTIDOC'],
    ['[B4] a document end', 'a: 1\n...\nb: 1\n', 'E_YAML_MULTIDOC'],
    ['[B4] an empty document first', '---\n---\na: 1\n', 'E_YAML_MULTIDOC'],
    ['[B5] !!binary', 'a: !!binary aGk=\n', 'E_YAML_TAG'],
    ['[B5] !!str', 'a: !!str 5\n', 'E_YAML_TAG'],
    ['[B5] a tag of their own', 'a: !foo x\n', 'E_YAML_TAG'],
    ['[B5] !!js/function', 'a: !!js/function "x"\n', 'E_YAML_TAG'],
    ['[B5] a bare tag', 'a: ! x\n', 'E_YAML_TAG'],
    ['[B5] a tag in brackets', 'a: [!x b]\n', 'E_YAML_TAG'],
    ['[B7] UTF-16', Buffer.from('\ufeffa: 1\n', 'utf16le'), 'E_YAML_ENCODING'],
    ['[B7] a byte order mark', '\ufeffa: 1\n', 'E_YAML_ENCODING'],
    ['[B7] invalid UTF-8', Buffer.from([0x61, 0x3a, 0x20, 0xff]), 'E_YAML_ENCODING'],
    ['[B7] an overlong slash', Buffer.from([0x61, 0x3a, 0x20, 0xc0, 0xaf]), 'E_YAML_ENCODING'],
    ['[B7] a NUL byte', 'a: \0\n', 'E_YAML_ENCODING'],
    ['[B13] CR alone', 'a: 1\rb: 2\n', 'E_YAML_NEWLINE'],
    ['[B13] NEL', 'a: 1\u0085b: 2\n', 'E_YAML_NEWLINE'],
    ['[B13] a line separator', 'a: 1\u2028b: 2\n', 'E_YAML_NEWLINE'],
    ['[B13] a paragraph separator', 'a: 1\u2029b: 2\n', 'E_YAML_NEWLINE'],
    ['[A9] a raw escape character', 'a: \u001b[2J\n', 'E_REQ_CHARSET'],
    ['[A9] a raw override', 'a: \u202e\n', 'E_REQ_CHARSET'],
    ['a byte order mark inside', 'a: b\ufeffc\n', 'E_REQ_CHARSET'],
    ['a key that is a number', '1: a\n', 'E_YAML_KEY'],
    ['a key that is null', '~: a\n', 'E_YAML_KEY'],
    ['a key that is a list', '[a]: b\n', 'E_YAML_KEY'],
    ['text that is no YAML', 'a: "x\n', 'E_YAML_SYNTAX'],
    ['a colon too many', 'justification: Fix: the lock\n', 'E_YAML_SYNTAX'],
    ['a tab as indentation', 'a:\n\tb: 1\n', 'E_YAML_SYNTAX'],
  ])('%s is refused', (_, bytes, expected) => {
    expect(code(bytes)).toBe(expected);
  });

  it('[B2] reads 1.2 core and nothing of 1.1', () => {
    expect(read('a: no\nb: 1:30\nc: 0o17\nd: 2026-01-01\ne: 1_000\n<<: x\n').data).toEqual({
      a: 'no',
      b: '1:30',
      c: 15,
      d: '2026-01-01',
      e: '1_000',
      '<<': 'x',
    });
  });

  it('[B9] refuses a billion laughs at once', () => {
    const rows = Array.from({ length: 9 }, (_, at) => `k${at}: &k${at} [${`*k${at - 1}, `.repeat(9)}]`);
    const timed = Array.from({ length: 5 }, () => {
      const begun = performance.now();
      expect(code(`${rows.join('\n')}\n`)).toBe('E_YAML_ALIAS');
      return performance.now() - begun;
    });
    // The best of five: a busy machine is no laugh of theirs.
    expect(Math.min(...timed)).toBeLessThan(50);
  });

  it('[B10] refuses a large file before reading it', () => {
    expect(code(`a: ${'x'.repeat(16_381)}`)).toBe('ok');
    expect(code(`a: ${'x'.repeat(16_382)}`)).toBe('E_YAML_SIZE');
    expect(code(new Uint8Array(10_000_000).fill(0xff))).toBe('E_YAML_SIZE');
    const keys = Array.from({ length: 20_000 }, (_, at) => `k${at}:\n`).join('');
    expect(code(keys)).toBe('E_YAML_SIZE');
  });

  it('[B10] takes linear time for as many keys as a policy file may hold', () => {
    const keys = Array.from({ length: 25_000 }, (_, at) => `k${at}:\n`).join('');
    const begun = process.cpuUsage();
    expect(code(keys, 262_144)).toBe('ok');
    // Of this process alone: a busy machine is no fault of the parser. Its own check for duplicates needs ten seconds.
    const { user, system } = process.cpuUsage(begun);
    expect((user + system) / 1e6).toBeLessThan(5);
  });

  it('[B8] survives the two files that abort the parser, and reads the next one', () => {
    // In a process of its own: without the scan it dies by signal, and no test framework could say so.
    const source = `
      import { readYaml } from './src/documents/yaml.ts';
      const codes = ['['.repeat(900) + ']'.repeat(900), '['.repeat(900) + ']'.repeat(900), '{a: '.repeat(3000),
        '- '.repeat(8000), '? '.repeat(8000), 'a: '.repeat(5000), '[a: '.repeat(4000), 'a: 1'].map((text) => {
        try { readYaml(Buffer.from(text), 'f', 16384); return 'ok'; } catch (error) { return error.code; }
      });
      console.log(codes.join());`;
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const { outputFiles } = buildSync({
      stdin: { contents: source, resolveDir: root, loader: 'ts' },
      bundle: true,
      write: false,
      format: 'cjs',
      platform: 'node',
      target: 'node20',
    });
    const run = spawnSync(process.execPath, ['-'], { input: outputFiles[0]?.text ?? '', encoding: 'utf8' });
    expect(run).toMatchObject({ status: 0, signal: null });
    expect(run.stdout.trim()).toBe(`${'E_YAML_DEPTH,'.repeat(7)}ok`);
  });

  it('knows where every value stands', () => {
    const file = read('a:\n  - b: 1\n    "c/d~e": [x,\n      y]\n');
    expect(file.placeOf('/a/0/b')).toEqual({ line: 2, col: 5 });
    expect(file.placeOf('/a/0/c~1d~0e')).toEqual({ line: 3, col: 5 });
    expect(file.placeOf('/a/0/c~1d~0e/1')).toEqual({ line: 4, col: 7 });
    expect(file.placeOf('/a/0/missing/deeper')).toEqual({ line: 2, col: 5 });
  });

  it('points at the character, counting CRLF as one line end', () => {
    expect(() => read('a: 1\r\nb: &x 2\r\n')).toThrow(
      expect.objectContaining({ issues: [expect.objectContaining({ line: 2, col: 4, file: 'f.yaml' })] }),
    );
  });

  it('gives data without prototypes', () => {
    const { data } = read('__proto__: { a: 1 }\nconstructor: b\n');
    expect(Object.getPrototypeOf(data)).toBeNull();
    expect(Object.keys(data as object)).toEqual(['__proto__', 'constructor']);
  });
});
