/** `pam keys line FILE`: what policy takes of a .pub file, and what is none, told in words. */
import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { keyNamed } from '../support/world.ts';
import { type Ran, tempDir } from './program.ts';
import { runHere } from './run-here.ts';

let home: string;
const place = (name: string): string => join(home, name);
const put = (name: string, text: string | Uint8Array): string => {
  writeFileSync(place(name), text);
  return name;
};
const line = async (...args: readonly string[]): Promise<Ran> =>
  await runHere(['keys', 'line', ...args], {
    cwd: home,
    env: { PATH: process.env['PATH'] ?? '', HOME: home },
  });
const keygen = (...args: readonly string[]): string =>
  execFileSync('ssh-keygen', [...args], { cwd: home, encoding: 'utf8' });
const bare = (name: string): string => readFileSync(place(name), 'utf8').split(' ').slice(0, 2).join(' ');

beforeAll(() => {
  home = tempDir();
  for (const [name, ...type] of [
    ['dana', 'ed25519'],
    ['ca', 'ed25519'],
    ['ec', 'ecdsa'],
    ['rsa', 'rsa'],
  ] as const)
    keygen('-q', '-t', ...type, '-N', '', '-C', 'jörg’s laptop', '-f', name);
});

describe('the line of', () => {
  test.each(['dana', 'ec', 'rsa'])('a key of %s: type and base64, no comment', async (name) => {
    expect(await line(`${name}.pub`)).toMatchObject({ code: 0, err: '', out: `${bare(`${name}.pub`)}\n` });
    const { code, out } = await line(`${name}.pub`, '--json');
    expect({ code, document: JSON.parse(out) }).toEqual({
      code: 0,
      document: {
        schema: 'pam.key/1',
        line: bare(`${name}.pub`),
        fingerprint: keygen('-l', '-f', `${name}.pub`).split(' ')[1],
        kind: 'ssh-key',
      },
    });
  });

  test('a security key', async () => {
    const key = keyNamed('bob-sk').line;
    const { out } = await line(put('sk.pub', `${key} bob\n`), '--json');
    expect(JSON.parse(out)).toMatchObject({ line: key, kind: 'security-key' });
  });

  test.each(['dana', 'ec', 'rsa'])('a certificate for %s: the key that it certifies', async (name) => {
    keygen('-q', '-s', 'ca', '-I', 'dana', '-n', 'root', `${name}.pub`);
    expect(await line(`${name}-cert.pub`)).toMatchObject({
      code: 0,
      err: '',
      out: `${bare(`${name}.pub`)}\n`,
    });
  });

  test('a file as people have them: comments, blank lines, CRLF, a byte order mark, the same key twice, a link', async () => {
    const key = bare('dana.pub');
    const out = `${key}\n`;
    expect(await line(put('odd.pub', `\ufeff# work\r\n\r\n  ${key} dana\r\n${key}\r\n`))).toMatchObject({
      code: 0,
      out,
    });
    symlinkSync(place('odd.pub'), place('link.pub'));
    expect(await line('link.pub')).toMatchObject({ code: 0, out });
    expect(await line('~/dana.pub')).toMatchObject({ code: 0, out });
    expect(await line(place('dana.pub'))).toMatchObject({ code: 0, out });
  });
});

describe('what is no public key', () => {
  const key = (): string => readFileSync(place('dana.pub'), 'utf8');
  const SECRET = /b3BlbnNzaC1rZXk|Traceback|\bat .*\.ts|\\[sSdDwWpuU]|\^\[/u;

  test.each([
    ['the private key', () => 'dana', 4, 'dana is a private key, which belongs to its owner alone'],
    ['nothing', () => put('a', ''), 4, 'a: there is no key'],
    ['only a comment', () => put('b', '# key\n'), 4, 'b: there is no key'],
    ['half a line', () => put('c', key().slice(0, 40)), 4, 'c: the data ends in the middle of a field'],
    ['two keys', () => put('d', `${key()}${readFileSync(place('ec.pub'), 'utf8')}`), 4, 'd holds 2 keys'],
    ['options', () => put('e', `from="10.0.0.1" ${key()}`), 4, 'e: something stands before the type'],
    [
      'a fingerprint',
      () => put('f', 'SHA256:RzGj8OxIlFIvu2XwwqLhFuC18KV9V++5UspWS8FMqII\n'),
      4,
      'f: this is the fingerprint',
    ],
    ['another form', () => put('g', keygen('-e', '-f', 'dana.pub')), 4, 'g: this is a key in another form'],
    [
      'bytes',
      () => put('h', Buffer.from(Array.from({ length: 3000 }, (_, at) => (at * 7919) % 256))),
      4,
      'h: ',
    ],
    [
      'half a certificate',
      () =>
        put('i', 'ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAA\n'),
      4,
      'i: the data ends',
    ],
    [
      'a certificate of no base64',
      () => put('j', 'ssh-ed25519-cert-v01@openssh.com AAAA=A\n'),
      4,
      'j: this certificate is cut or damaged',
    ],
    [
      'a type of its own',
      () => put('k', `ssh-dss ${key().split(' ')[1] ?? ''}\n`),
      4,
      'k: the key line says "ssh-dss"',
    ],
    ['a large file', () => put('l', 'x'.repeat(70_000)), 2, 'l has more than the 65536 bytes'],
    ['a directory', () => '.', 2, '. is no regular file'],
    ['a file that is not there', () => 'nowhere.pub', 2, 'there is no file nowhere.pub'],
  ])('%s', async (_, made, code, message) => {
    const name = made();
    const ran = await line(name);
    expect({ code: ran.code, out: ran.out }).toEqual({ code, out: '' });
    expect(ran.err).toContain(`error: ${message}`);
    expect(ran.err).toMatch(/\[E_[A-Z_]+\]\nhint: .+\n$/u);
    expect(ran.err).not.toMatch(SECRET);
    const { err } = await line(name, '--json');
    expect(JSON.parse(err)).toMatchObject({
      schema: 'pam.error/1',
      hint: expect.stringMatching(/./u) as string,
    });
  });

  test('a pipe is not waited for', async () => {
    execFileSync('mkfifo', [place('pipe')]);
    expect((await line('pipe')).err).toContain('pipe is no regular file [E_USAGE]\nhint: pam keys --help\n');
  });
});
