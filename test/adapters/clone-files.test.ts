/** Refs and settings as the files of a clone say them: what git itself would answer, or nothing at all. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/git/read-config.ts';
import { readRefs } from '../../src/git/read-ref.ts';
import { openRepository } from '../../src/git/repository.ts';
import { commit, env, git, head, newRepository, tempDir, write } from './git-workbench.ts';

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

const asFilesSay = (dir: string, ...prefixes: string[]): readonly string[] | undefined => {
  const found = readRefs(join(dir, '.git'), prefixes);
  return found === undefined ? undefined : [...found].map((one) => one.join(' '));
};

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
  it.each<[string, (gitDir: string) => void]>([
    ['a symbolic ref', (at) => writeFileSync(join(at, 'refs/heads/pam/x'), 'ref: refs/heads/main\n')],
    ['no object id', (at) => writeFileSync(join(at, 'refs/heads/pam/x'), `${bad}\n`)],
    ['an id of noughts', (at) => writeFileSync(join(at, 'refs/heads/pam/x'), `${'0'.repeat(40)}\n`)],
    ['a lock', (at) => writeFileSync(join(at, 'refs/heads/pam/1-a.lock'), '')],
    ['an odd name', (at) => writeFileSync(join(at, 'refs/heads/pam/--exec=x'), `${bad}a\n`)],
    ['a linked file', (at) => symlinkSync('../main', join(at, 'refs/heads/pam/link'))],
    ['a linked directory', (at) => symlinkSync('../..', join(at, 'refs/heads/pam/dir'))],
    [
      'linked packed refs',
      (at) => {
        renameSync(join(at, 'packed-refs'), join(at, 'elsewhere'));
        symlinkSync('elsewhere', join(at, 'packed-refs'));
      },
    ],
    [
      'an odd packed line',
      (at) => writeFileSync(join(at, 'packed-refs'), `# x\n${bad} refs/heads/pam/1-a\n`),
    ],
    [
      'a packed name that pam does not speak',
      (at) => writeFileSync(join(at, 'packed-refs'), `${bad}a refs/heads/pam/--exec=x\n`),
    ],
    [
      'a packed name with a blank',
      (at) => writeFileSync(join(at, 'packed-refs'), `${bad}a refs/heads/pam/1 - a\n`),
    ],
  ])('%s is left to git', (_, spoil) => {
    const spoilt = manyRefs();
    spoil(join(spoilt, '.git'));
    expect(asFilesSay(spoilt, 'refs/heads/pam/')).toBeUndefined();
  });

  it('a link on the way is left to git', () => {
    const spoilt = manyRefs();
    symlinkSync('pam', join(spoilt, '.git/refs/heads/linked'));
    expect(asFilesSay(spoilt, 'refs/heads/linked/deep/')).toBeUndefined();
  });

  it('what lies beside the way is not looked at', () => {
    const beside = manyRefs();
    git(beside, 'symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main');
    expect(asFilesSay(beside, 'refs/remotes/origin/main', 'refs/heads/pam/')).toHaveLength(4);
    expect(asFilesSay(beside, 'refs/remotes/origin/')).toBeUndefined();
  });

  it('and then git answers', async () => {
    const linked = manyRefs();
    git(linked, 'symbolic-ref', 'refs/heads/pam/x', 'refs/heads/main');
    const found = await (await openRepository(linked, env)).refs(['refs/heads/pam/']);
    expect(found.get('refs/heads/pam/x')).toBe(head(linked));
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
