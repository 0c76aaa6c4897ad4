/** Where a person's own private key is found, so that a command line can name it. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { parsePublicKey } from '../../src/trust/public-key.ts';
import { privateKeyOf } from '../../src/signing/private-key-of.ts';
import { tempDir } from '../cli/program.ts';

let home: string;
let line: string;
const env = (): Readonly<Record<string, string>> => ({ HOME: home });
const found = (named: string | null = null): string | null => privateKeyOf(line, named, env());

beforeEach(() => {
  home = tempDir();
  mkdirSync(join(home, '.ssh'));
  const file = join(home, '.ssh/work key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-C', 'dana', '-f', file]);
  line = parsePublicKey(readFileSync(`${file}.pub`, 'utf8').trim()).line;
});

const rename = (name: string): void => {
  for (const end of ['', '.pub']) {
    copyFileSync(join(home, `.ssh/work key${end}`), join(home, `.ssh/${name}${end}`));
    rmSync(join(home, `.ssh/work key${end}`));
  }
  chmodSync(join(home, `.ssh/${name}`), 0o600);
};

test('it is the file beside the .pub that holds the key, as a shell takes it', () => {
  expect(found()).toBe(`'${home}/.ssh/work key'`);
  rename('id_ed25519');
  expect(found()).toBe('~/.ssh/id_ed25519');
});

test('one that was named comes first, wherever it is; one that is another key, or none, is passed over', () => {
  rename('id_ed25519');
  const other = join(tempDir(), 'key');
  for (const end of ['', '.pub']) copyFileSync(join(home, `.ssh/id_ed25519${end}`), `${other}${end}`);
  chmodSync(other, 0o600);
  expect(found(other)).toBe(other);
  expect(found(`${other}.pub`)).toBe(other);
  expect(found(line)).toBe('~/.ssh/id_ed25519');
  expect(found('/nowhere')).toBe('~/.ssh/id_ed25519');
});

test('no private half, no readable .pub, a certificate, a link, a pipe: not here', () => {
  rename('id_ed25519');
  const place = (name: string): string => join(home, '.ssh', name);
  const pub = readFileSync(place('id_ed25519.pub'));
  rmSync(place('id_ed25519'));
  expect(found()).toBeNull();
  rmSync(place('id_ed25519.pub'));
  writeFileSync(place('elsewhere'), pub);
  writeFileSync(place('a'), 'private');
  symlinkSync(place('elsewhere'), place('a.pub'));
  writeFileSync(place('b.pub'), `ssh-ed25519-cert-v01@openssh.com ${String(pub).split(' ')[1] ?? ''}`);
  writeFileSync(place('b'), 'private');
  execFileSync('mkfifo', [place('c.pub')]);
  writeFileSync(place('c'), 'private');
  expect(found()).toBeNull();
  expect(privateKeyOf(line, null, {})).toBeNull();
});
