/** Refs and settings as the files of a clone say them: what git itself would answer, or nothing at all. */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/git/read-config.ts';
import { readRefs } from '../../src/git/read-ref.ts';
import { openRepository } from '../../src/git/repository.ts';
import { codeOf, commit, env, git, head, newRepository, tempDir, write } from './git-workbench.ts';

/** Loose, packed, both at once, deep, and beside each other. */
function manyRefs(): string {
  const dir = newRepository();
  const [old, tip] = [head(dir), commit(dir, { file: 'two' })];
  for (const name of ['heads/pam/1-a', 'heads/pam/1-b', 'heads/pam/2-a', 'remotes/origin/main', 'tags/v1'])
    git(dir, 'update-ref', `refs/${name}`, old);
  git(dir, 'tag', '-a', '-m', 'peeled', 'v2');
  git(dir, 'pack-refs', '--all');
  git(dir, 'update-ref', 'refs/heads/pam/1-b', tip);
  git(dir, 'update-ref', 'refs/heads/pam/deep/er', tip);
  git(dir, 'update-ref', '-d', 'refs/heads/pam/2-a');
  return dir;
}

const asGitSays = (dir: string, prefix: string): readonly string[] =>
  git(dir, 'for-each-ref', '--format=%(refname) %(objectname)')
    .split('\n')
    .filter((line) => line.startsWith(prefix));

const asFilesSay = (dir: string, ...prefixes: string[]): readonly string[] =>
  [...readRefs(join(dir, '.git'), prefixes)].map((one) => one.join(' '));

describe('refs by their prefix', () => {
  const dir = manyRefs();
  it.each([
    'refs/heads/',
    'refs/heads/pam/',
    'refs/heads/pam/1-',
    'refs/heads/pam/deep/er',
    'refs/heads/pam/2',
    'refs/remotes/',
    'refs/tags/v',
    'refs/heads/none/',
  ])('%s: what git lists', (prefix) => {
    expect(asFilesSay(dir, prefix)).toEqual(asGitSays(dir, prefix));
  });

  it('several at once, each ref once', () => {
    const both = ['refs/heads/pam/1-a', 'refs/tags/'].flatMap((one) => asGitSays(dir, one));
    expect(asFilesSay(dir, 'refs/heads/pam/1-a', 'refs/tags/', 'refs/heads/pam/1-')).toEqual(
      [...both, ...asGitSays(dir, 'refs/heads/pam/1-b')].sort(),
    );
  });

  const bad = 'a'.repeat(39);
  const here = (at: string, name: string): string => join(at, 'refs/heads/pam', name);
  /** What becomes of the refs below `refs/heads/pam/` when one thing among them is not as git writes it. */
  it.each<[string, (gitDir: string) => void, readonly string[]]>([
    ['an object id that is none', (at) => writeFileSync(here(at, 'x'), `${bad}\n`), []],
    ['an id of noughts', (at) => writeFileSync(here(at, 'x'), `${'0'.repeat(40)}\n`), []],
    ['a lock', (at) => writeFileSync(here(at, '1-a.lock'), ''), []],
    ['an odd name', (at) => writeFileSync(here(at, '--exec=x'), `${bad}a\n`), []],
    ['a linked file', (at) => symlinkSync('../main', here(at, 'link')), []],
    ['a link to a device', (at) => symlinkSync('/dev/zero', here(at, 'link')), []],
    ['a linked directory', (at) => symlinkSync('../..', here(at, 'dir')), []],
    ['a pipe', (at) => execFileSync('mkfifo', [here(at, 'pipe')]), []],
    ['a large file', (at) => writeFileSync(here(at, 'large'), ' '.repeat(1_000_000)), []],
    ['a name that leads out', (at) => writeFileSync(here(at, 'x'), 'ref: refs/heads/../../config\n'), []],
    ['a ref to itself', (at) => writeFileSync(here(at, 'x'), 'ref: refs/heads/pam/x\n'), []],
    ['junk over a packed ref', (at) => writeFileSync(here(at, '1-a'), 'junk\n'), ['1-a']],
    ['a pipe over a packed ref', (at) => execFileSync('mkfifo', [here(at, '1-a')]), []],
    [
      'an odd packed line',
      (at) => appendFileSync(join(at, 'packed-refs'), `${bad} refs/heads/pam/9\n\0\n refs/heads/pam/8\n`),
      [],
    ],
    [
      'packed names that pam does not speak',
      (at) =>
        appendFileSync(
          join(at, 'packed-refs'),
          `${bad}a refs/heads/pam/--exec=x\n${bad}a refs/heads/pam/1 - a\n`,
        ),
      [],
    ],
  ])('[X13] %s is no ref, and hides no other one', (_, spoil, gone) => {
    const spoilt = manyRefs();
    const before = asFilesSay(spoilt, 'refs/heads/pam/');
    expect(before).toHaveLength(3);
    spoil(join(spoilt, '.git'));
    const left = before.filter((line) => !gone.some((name) => line.startsWith(`refs/heads/pam/${name} `)));
    expect(asFilesSay(spoilt, 'refs/heads/pam/')).toEqual(left);
  });

  it.each<[string, (packed: string) => void]>([
    ['a link', (packed) => symlinkSync('elsewhere', packed)],
    ['a link to a device', (packed) => symlinkSync('/dev/zero', packed)],
    ['a pipe', (packed) => execFileSync('mkfifo', [packed])],
    ['a directory', (packed) => mkdirSync(packed)],
  ])('[X13] packed refs that are %s hide what is packed, and no ref is moved', async (_, put) => {
    const spoilt = manyRefs();
    const [packed, tip] = [join(spoilt, '.git/packed-refs'), head(spoilt)];
    renameSync(packed, join(spoilt, '.git/elsewhere'));
    put(packed);
    expect(asFilesSay(spoilt, 'refs/heads/pam/').map((line) => line.split(' ')[0])).toEqual([
      'refs/heads/pam/1-b',
      'refs/heads/pam/deep/er',
    ]);
    const repository = await openRepository(spoilt, env);
    const moved = repository.moveRef('refs/heads/new', tip, null);
    expect(await codeOf(moved)).toBe('E_GIT_FILES');
  });

  it('symbolic refs are followed, as git does', () => {
    const linked = manyRefs();
    git(linked, 'symbolic-ref', 'refs/heads/pam/x', 'refs/heads/pam/y');
    git(linked, 'symbolic-ref', 'refs/heads/pam/y', 'refs/heads/main');
    git(linked, 'symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main');
    for (const prefix of ['refs/heads/', 'refs/remotes/'])
      expect(asFilesSay(linked, prefix)).toEqual(asGitSays(linked, prefix));
  });
});

const URL_OF = ['remote', 'origin', 'url'] as const;
const PLAIN = '[core]\n\tbare = false\n[remote "origin"]\n\turl = /srv/a b.git\n\tfetch = +refs/*:refs/*\n';

function configOf(text: string): string {
  const dir = tempDir();
  write(dir, 'config', text);
  return join(dir, 'config');
}

/** `null`: git refuses the file. */
function gitReads(file: string): readonly string[] | null {
  const args = ['config', '--file', file, '--no-includes', '-z', '--get-all', URL_OF.join('.')];
  const { status, stdout } = spawnSync('git', args, { env, encoding: 'utf8' });
  return status === 0 ? stdout.split('\0').slice(0, -1) : status === 1 ? [] : null;
}

describe('a setting of the clone', () => {
  it.each([
    ['once', PLAIN],
    ['in a section of another case', PLAIN.replace('remote', 'Remote').replace('url', 'URL')],
    ['of a remote of another case', PLAIN.replace('origin', 'Origin')],
    ['of another remote', PLAIN.replace('origin', 'other')],
    ['twice', `${PLAIN}[remote "origin"]\n\turl = https://b.example/x\n`],
    ['beside what is included', `${PLAIN}[include]\n\tpath = /tmp/elsewhere\n`],
    ['in a section without a name', PLAIN.replace(' "origin"', '')],
    ['without a last line end', PLAIN.trimEnd()],
  ])('%s: what git reads', (_, text) => {
    const file = configOf(text);
    expect(readConfig(file, URL_OF)).toEqual(gitReads(file));
  });

  it.each([
    ['a comment', `# of mine\n${PLAIN}`],
    ['a comment behind a value', PLAIN.replace('b.git', 'b.git # mine')],
    ['a comment of the other kind', PLAIN.replace('b.git', 'b.git;mine')],
    ['quotes', PLAIN.replace('/srv/a b.git', '"/srv/a  b.git"')],
    ['an escape', PLAIN.replace('a b', 'a\\tb')],
    ['a continued line', PLAIN.replace('a b', 'a\\\nb')],
    ['blanks instead of a tab', PLAIN.replaceAll('\t', '    ')],
    ['blanks behind a value', PLAIN.replace('b.git', 'b.git ')],
    ['a tab in a value', PLAIN.replace('a b', 'a\tb')],
    ['no value', PLAIN.replace('bare = false', 'bare')],
    ['no blank around =', PLAIN.replace('bare = false', 'bare=false')],
    ['a setting in the line of its section', PLAIN.replace('"]\n\t', '"] ')],
    ['a section with a dot', PLAIN.replace('[remote "origin"]', '[remote.origin]')],
    ['an escape in a name', PLAIN.replace('"origin"', '"or\\igin"')],
    ['a carriage return', PLAIN.replaceAll('\n', '\r\n')],
    ['an empty line', `\n${PLAIN}`],
    ['letters that are not ASCII', PLAIN.replace('a b', 'ä b')],
    ['what git refuses', `${PLAIN}[remote\n`],
    ['nothing', ''],
  ])('%s is left to git', (_, text) => {
    expect(readConfig(configOf(text), URL_OF)).toBeUndefined();
  });

  it('a link, a directory, a large file and no file are left to git', () => {
    const dir = tempDir();
    write(dir, 'config', PLAIN);
    symlinkSync('config', join(dir, 'link'));
    mkdirSync(join(dir, 'directory'));
    write(dir, 'large', PLAIN + '[a]\n'.repeat(17_000));
    for (const name of ['link', 'directory', 'large', 'none'])
      expect([name, readConfig(join(dir, name), URL_OF)]).toEqual([name, undefined]);
  });

  it('and then git answers', async () => {
    const dir = newRepository();
    git(dir, 'remote', 'add', 'origin', '/srv/plain');
    write(dir, '.git/config', '[remote "origin"]\n\turl = "/srv/quoted" # mine\n');
    expect((await (await openRepository(dir, env)).remote('origin')).url).toBe('/srv/quoted');
  });
});
