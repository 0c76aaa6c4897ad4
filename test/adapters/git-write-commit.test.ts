/** Commits that we make ourselves are, byte for byte, those that stock git makes of the same changes. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openRepository } from '../../src/git/repository.ts';
import { readable } from '../../src/model/git.ts';
import type { Oid } from '../../src/model/names.ts';
import { env, git, head, instant, newRepository, oidOf, utf8 } from './git-workbench.ts';

const at = instant('2026-11-22T18:00:00Z');
type Changes = ReadonlyMap<string, Uint8Array | null>;

/** What stands in a repository already, however odd: modes, a link, a submodule, a name that is no UTF-8. */
function oddBase(dir: string): Oid {
  const blob = git(dir, 'rev-parse', 'HEAD:pam.yaml').trim();
  const lines = [
    `100644 blob ${blob}\ta`,
    `100755 blob ${blob}\ta.b`,
    `120000 blob ${blob}\tlink`,
    `160000 commit ${head(dir)}\tsub`,
    `100644 blob ${blob}\tlatin-\xe9`,
    `100644 blob ${blob}\tb/c/d`,
    `100644 blob ${blob}\tb/c.d`,
    `100755 blob ${blob}\tb/run`,
    `100644 blob ${blob}\tb-/x`,
    `100644 blob ${blob}\t\xc3\xbc/old`,
  ];
  const index = { ...env, GIT_INDEX_FILE: join(dir, '.git/odd') };
  const input = Buffer.from(`${lines.join('\0')}\0`, 'latin1');
  execFileSync('git', ['update-index', '-z', '--index-info'], { cwd: dir, env: index, input });
  const tree = execFileSync('git', ['write-tree'], { cwd: dir, env: index, encoding: 'utf8' }).trim();
  return oidOf(git(dir, 'commit-tree', '-m', 'odd', tree).trim());
}

/** The same changes on the same base, by `git fast-import`. */
function stockTree(dir: string, base: Oid | null, changes: Changes): string {
  const quoted = (path: string): string => JSON.stringify(path);
  const removed = [...changes].filter(([, bytes]) => bytes === null);
  const written = [...changes].flatMap(([path, bytes]) => (bytes === null ? [] : [[path, bytes] as const]));
  const input = Buffer.concat([
    Buffer.from('commit refs/heads/stock\nmark :1\ncommitter x <x@pam> 1795370400 +0000\ndata 1\nm\n'),
    Buffer.from(base === null ? '' : `from ${base}\n`),
    ...removed.map(([path]) => Buffer.from(`D ${quoted(path.replace(/\/$/u, ''))}\n`)),
    ...written.flatMap(([path, bytes]) => [
      Buffer.from(`M 100644 inline ${quoted(path)}\ndata ${bytes.length}\n`),
      bytes,
      Buffer.from('\n'),
    ]),
    Buffer.from(
      'get-mark :1\nls :1 ""\nreset refs/heads/stock\nfrom 0000000000000000000000000000000000000000\ndone\n',
    ),
  ]);
  const said = execFileSync('git', ['fast-import', '--quiet', '--done', '--force'], { cwd: dir, env, input });
  const [, root = ''] = said.toString('utf8').split('\n');
  return /^040000 tree ([0-9a-f]+)\t$/u.exec(root)?.[1] ?? root;
}

const NAMES = [
  'a',
  'a/x',
  'a.b',
  'b',
  'b/c',
  'b/c/d',
  'b/c.d',
  'b/run',
  'b-',
  'b-/x',
  'link',
  'sub',
  'ü/"q',
  'n/e/w',
];
const anyChanges = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom('', '/', 'one', 'two')), {
    selector: ([path]) => path,
    maxLength: 8,
  })
  .map((changes) => {
    const writes = changes.flatMap(([path, what]) => (what.length > 1 ? [path] : []));
    // Of what is written nothing can be a file and a directory.
    const clear = changes.filter(
      ([path, what]) => what.length <= 1 || !writes.some((other) => other.startsWith(`${path}/`)),
    );
    return new Map(
      clear.map(([path, what]): [string, Uint8Array | null] =>
        what.length > 1 ? [path, Buffer.from(what)] : [`${path}${what}`, null],
      ),
    );
  });

describe('a commit of our own making', () => {
  it('has the tree that git fast-import makes of the same changes, whatever stood there before', async () => {
    const dir = newRepository();
    const odd = oddBase(dir);
    const repository = await openRepository(dir, env);
    await fc.assert(
      fc.asyncProperty(anyChanges, fc.boolean(), async (files, fromNothing) => {
        const base = fromNothing ? null : odd;
        const made = await repository.writeCommit({
          parents: [],
          base,
          files,
          message: 'm',
          author: 'x',
          at,
        });
        expect(git(dir, 'rev-parse', `${made}^{tree}`).trim()).toBe(stockTree(dir, base, files));
      }),
      { numRuns: 60, seed: 11 },
    );
    git(dir, 'fsck', '--strict', '--no-dangling');
  });

  it.each(['sha1', 'sha256'])('many files go to git in one pack, few one by one (%s)', async (format) => {
    const dir = newRepository(`--object-format=${format}`);
    const repository = await openRepository(dir, env);
    const packs = (): number =>
      readdirSync(join(dir, '.git/objects/pack')).filter((name) => name.endsWith('.pack')).length;
    const write = async (count: number): Promise<Oid> =>
      await repository.writeCommit({
        parents: [head(dir)],
        base: head(dir),
        files: new Map(Array.from({ length: count }, (_, n) => [`open/${n}`, Buffer.from(`${count} ${n}`)])),
        message: 'm',
        author: 'x',
        at,
      });
    const few = await write(20);
    expect(packs()).toBe(0);
    const many = await write(300);
    expect(packs()).toBe(1);
    for (const [oid, count] of [
      [few, 20],
      [many, 300],
    ] as const) {
      expect(await repository.list(oid, 'open')).toHaveLength(count);
      const treeish = oid;
      const [last] = await repository.read([{ treeish, path: `open/${count - 1}` }], 100);
      expect(utf8(last)).toBe(`${count} ${count - 1}`);
    }
    // The same file in many places is one object.
    const same = Array.from({ length: 300 }, (_, n): [string, Uint8Array] => [`same/${n}`, Buffer.from('x')]);
    const oid = await repository.writeCommit({
      parents: [],
      base: null,
      files: new Map(same),
      message: 'm',
      author: 'x',
      at,
    });
    expect([packs(), readable(await repository.list(oid, 'same'), 'same').length]).toEqual([1, 300]);
    git(dir, 'fsck', '--strict', '--no-dangling');
  });

  it('of every size', async () => {
    const dir = newRepository();
    const repository = await openRepository(dir, env);
    // The size of an object stands in a pack in groups of bits; each border once.
    const sizes = [0, 1, 15, 16, 17, 2047, 2048, 2049, 262_143, 262_144, 262_145];
    const bytes = (size: number): Buffer => Buffer.alloc(size, `${size} `);
    const oid = await repository.writeCommit({
      parents: [],
      base: null,
      files: new Map(sizes.map((size) => [`${size}`, bytes(size)])),
      message: 'm',
      author: 'x',
      at,
    });
    const read = await repository.read(
      sizes.map((size) => ({ treeish: oid, path: `${size}` })),
      300_000,
    );
    expect(read.map(utf8)).toEqual(sizes.map((size) => bytes(size).toString()));
  });
});
