/** Compared with what Git itself writes, for both of its object formats. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type Oid, isOid } from '../../../src/model/names.ts';
import {
  changesBetween,
  type Directory,
  directoryOf,
  gitTreeId,
  NOTHING,
} from '../../../src/trust/git-tree-id.ts';

const root = mkdtempSync(join(tmpdir(), 'pam-tree-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

function gitSays(files: ReadonlyMap<string, Uint8Array | string>, format: string): Oid {
  const directory = join(root, String((count += 1)));
  mkdirSync(directory);
  const env = { PATH: process.env['PATH'], HOME: root, GIT_CONFIG_NOSYSTEM: '1' };
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: directory, env, encoding: 'utf8' });
  git('init', '-q', `--object-format=${format}`);
  git('config', 'core.autocrlf', 'false');
  for (const [path, content] of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  git('add', '-A');
  const id = git('write-tree').trim();
  if (!isOid(id)) throw new TypeError(`git wrote ${id}`);
  return id;
}

const SETS: readonly ReadonlyMap<string, Uint8Array | string>[] = [
  new Map(),
  new Map([['a', '']]),
  new Map([
    ['entry.json', '{}\n'],
    ['open/20261122/x.json', '1'],
    ['open/beats.json', '2'],
    ['policy/roles.yaml', 'r'],
  ]),
  // Git sorts `a.b` before the directory `a/`, and `a0` after it.
  new Map([
    ['a/x', '1'],
    ['a.b', '2'],
    ['a0', '3'],
    ['a-', '4'],
    ['A', '5'],
  ]),
  new Map([['deep/er/and/deeper', Buffer.from([0, 255, 10, 13])]]),
];

describe('the tree id that Git gives', () => {
  it.each(['sha1', 'sha256'])('%s', (format) => {
    for (const files of SETS) {
      const said = gitSays(files, format);
      expect(gitTreeId(files, said)).toBe(said);
      expect(gitTreeId(new Map([...files].reverse()), said)).toBe(said);
    }
  });

  it('random trees', () => {
    const name = fc.string({ unit: fc.constantFrom(...'ab0.-_'), minLength: 1, maxLength: 3 });
    const safe = name.filter((one) => !/^\.+$/u.test(one));
    const path = fc.array(safe, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    const files = fc
      .dictionary(path, fc.string({ maxLength: 5 }), { maxKeys: 8, noNullPrototype: true })
      .map((paths) => new Map(Object.entries(paths)))
      // A file cannot be a directory too.
      .filter(
        (set) => ![...set.keys()].some((one) => [...set.keys()].some((other) => other.startsWith(`${one}/`))),
      );
    fc.assert(
      fc.property(files, (set) => {
        const said = gitSays(set, 'sha1');
        expect(gitTreeId(set, said)).toBe(said);
      }),
      { numRuns: 25, seed: 7 },
    );
  });
});

describe('what has to be written to make one directory of another', () => {
  /** As `git fast-import` carries it out: removals first. */
  function carriedOut(
    files: ReadonlyMap<string, Uint8Array>,
    changes: ReadonlyMap<string, Uint8Array | null>,
  ): ReadonlyMap<string, Uint8Array> {
    const after = new Map(files);
    for (const [path, bytes] of changes) {
      if (bytes !== null) continue;
      for (const one of files.keys()) if (one === path || one.startsWith(path)) after.delete(one);
    }
    for (const [path, bytes] of changes) if (bytes !== null) after.set(path, bytes);
    return after;
  }
  const sorted = (files: ReadonlyMap<string, Uint8Array>) => [...files].sort(([a], [b]) => (a < b ? -1 : 1));

  const shared = ['one', 'two', 'three'].map((text) => Buffer.from(text));
  /** A name is a file here and a directory there; bytes are often the very same. */
  const anyFiles = fc
    .uniqueArray(
      fc.tuple(fc.constantFrom('a', 'b', 'a/x', 'a/y', 'b/c/d', 'b/c'), fc.constantFrom(...shared)),
      {
        selector: ([path]) => path,
      },
    )
    .map((files) => {
      const paths = files.map(([path]) => path);
      return new Map(files.filter(([path]) => !paths.some((one) => one.startsWith(`${path}/`))));
    });

  it('makes exactly the other one', () => {
    fc.assert(
      fc.property(anyFiles, anyFiles, (one, other) => {
        const changes = changesBetween(directoryOf(one), directoryOf(other));
        expect(sorted(carriedOut(one, changes))).toEqual(sorted(other));
        expect(new Map(sorted(carriedOut(new Map(), changesBetween(NOTHING, directoryOf(one)))))).toEqual(
          new Map(sorted(one)),
        );
      }),
    );
  });

  it('is nothing where both hold the same bytes, and looks into no directory that both hold', () => {
    const [bytes = Buffer.alloc(0)] = shared;
    const files = new Map([['a/x', bytes]]);
    expect(changesBetween(directoryOf(files), directoryOf(files)).size).toBe(0);
    const inside: Directory = new Map([['x', bytes]]);
    const other = Buffer.from('other');
    const [before, after] = [
      new Map([['a', inside]]),
      new Map<string, Directory | Buffer>([
        ['a', inside],
        ['b', other],
      ]),
    ];
    expect([...changesBetween(before, after)]).toEqual([['b', other]]);
  });
});
