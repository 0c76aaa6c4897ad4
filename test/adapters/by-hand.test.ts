/** What SECURITY.md tells people to type, typed as written, on a real ledger and on forged ones. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeWorld, type World } from '../crash/access-repository.ts';
import { tempDir } from './git-workbench.ts';

const LEDGER = 'refs/heads/pam-ledger';
const page = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8');
const script = /```sh\n(previous=null\n[^`]*)```/u.exec(page)?.[1] ?? '';

let made: World;
beforeAll(async () => {
  made = await makeWorld(join(tempDir(), 'world'));
  await made.ask({ role: 'reader', duration: '30m' });
  await made.apply();
  await made.sweep({ executor: 'pam-sweep' });
}, 120_000);

function verifyByHand(world: World): readonly string[] {
  const keyOf = (name: string): string =>
    readFileSync(join(world.home, 'keys', `${name}.pub`), 'utf8').trim();
  const executors = ['pam-apply', 'pam-sweep'].map(
    (name) => `${name} namespaces="pam-ledger-v1@pam" ${keyOf(name)}\n`,
  );
  writeFileSync(join(world.dir, 'executors'), executors.join(''));
  const said = execFileSync('sh', ['-c', script], { cwd: world.dir, encoding: 'utf8', stdio: 'pipe' });
  return said.split('\n').slice(0, -1);
}

/** The newest entry with other words, under the signature that it had, on the commit below it. */
function forge(world: World, change: (entry: string) => string): void {
  const write = (text: string): string =>
    execFileSync('git', ['hash-object', '-w', '--stdin'], {
      cwd: world.dir,
      input: text,
      encoding: 'utf8',
    }).trim();
  const entry = execFileSync('git', ['cat-file', 'blob', `${LEDGER}:entry.json`], {
    cwd: world.dir,
    encoding: 'utf8',
  });
  const listed = world.git('ls-tree', LEDGER).split('\n');
  const lines = listed.map((line) =>
    line.endsWith('\tentry.json') ? `100644 blob ${write(change(entry))}\tentry.json` : line,
  );
  const tree = execFileSync('git', ['mktree'], {
    cwd: world.dir,
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
  }).trim();
  world.git('update-ref', LEDGER, world.git('commit-tree', tree, '-p', `${LEDGER}~1`, '-m', 'forged'));
}

describe('a ledger verified without pam', () => {
  it('is whole: every entry in its order, and the first digest is the trust root', () => {
    const world = made.copy(join(tempDir(), 'good'));
    const lines = verifyByHand(world);
    expect(lines).toHaveLength(Number(world.git('rev-list', '--count', LEDGER)));
    expect(lines[0]?.split(' ')[0]).toBe(readFileSync(join(world.home, 'root'), 'utf8'));
  });

  it.each<readonly [string, (world: World) => void]>([
    ['an entry with other words', (world) => forge(world, (entry) => entry.replace('"seq":', '"seq": '))],
    [
      'an entry left out',
      (world) => {
        const tree = world.git('rev-parse', `${LEDGER}^{tree}`);
        world.git('update-ref', LEDGER, world.git('commit-tree', tree, '-p', `${LEDGER}~2`, '-m', 'shorter'));
      },
    ],
    [
      'a commit without an entry',
      (world) => {
        const tree = world.git('rev-parse', 'main^{tree}');
        world.git('update-ref', LEDGER, world.git('commit-tree', tree, '-p', LEDGER, '-m', 'junk'));
      },
    ],
  ])('%s: it stops there', (_, damage) => {
    const world = made.copy(join(tempDir(), 'bad'));
    damage(world);
    expect(() => verifyByHand(world)).toThrow('Command failed');
  });
});
