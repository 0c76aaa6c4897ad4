/**
 * A signing key as people name one, in the forms that git's `user.signingkey` takes: the path of a private key, the path
 * of a `.pub` file as `ssh-keygen` reads it (comments, blank lines, several keys, CRLF), or the key itself, with or without
 * `key::`, whose private half an agent holds.
 */
import { realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readPlainFile } from '../files/plain-file.ts';
import { expected, PamError } from '../model/error.ts';
import { faultOfPrivateKey, looksPrivate, readInTheClear } from '../trust/private-key-text.ts';
import { parsePublicKey } from '../trust/public-key.ts';
import type { Environment } from './environment.ts';

export type OpenedKey =
  | {
      readonly half: 'public';
      /** `null`: the key itself was named. */
      readonly path: string | null;
      /** At least one; the first is the one that `ssh-keygen` would take. */
      readonly lines: readonly [string, ...string[]];
    }
  | {
      readonly half: 'private';
      readonly path: string;
      readonly text: string;
      /** A passphrase is needed. */
      readonly locked: boolean;
      /** Its public half; `null` where neither the file nor `<file>.pub` says it. */
      readonly line: string | null;
      /** What `<file>.pub` says, where that is another key. */
      readonly otherPublic: string | null;
    };

const MAX_BYTES = 64 * 1024;
/** What git takes for a key, and more types than git does. A path of that shape is written with `./` before it. */
const LITERAL = /^key::|^(?:ssh|ecdsa-sha2|sk)-[!-~]*[ \t]/u;
const BYTE_ORDER_MARK = /^\ufeff/u;

export const isLiteralKey = (named: string): boolean => LITERAL.test(named);

/** Signs nothing and asks for nothing. Throws `E_SIGN`, saying what stands there in place of a key. */
export function openKey(named: string, env: Environment): OpenedKey {
  if (isLiteralKey(named)) return { half: 'public', path: null, lines: [literalLine(named)] };
  const path = expandHome(named, env);
  const text = textOf(path);
  if (looksPrivate(text)) return openPrivate(path, text);
  const [first, ...more] = publicLines(text, path);
  if (first !== undefined) return openPublic(path, [first, ...more]);
  const fault = faultOfPrivateKey(text) ?? { what: 'is no key', hint: OTHER_KEY };
  throw new PamError('E_SIGN', `${path} ${fault.what}`, { hint: fault.hint });
}

/** As git does for `user.signingkey`. */
export function expandHome(path: string, env: Environment): string {
  const home = env['HOME'];
  return home !== undefined && path.startsWith('~/') ? join(home, path.slice(2)) : path;
}

export const OTHER_KEY =
  'is the path right? a person names a key with --key, PAM_KEY or git config pam.key, an executor with --executor-key or PAM_EXECUTOR_KEY';

function literalLine(named: string): string {
  try {
    return parsePublicKey(named.replace(/^key::/u, '').trim()).line;
  } catch (cause) {
    const { message } = expected(cause);
    throw new PamError('E_SIGN', `the key that was named cannot be used: ${message}`, { hint: OTHER_KEY });
  }
}

/** Through links: secret stores lay keys like that. A pipe or a device is not waited for. */
function textOf(path: string): string {
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    const openpgp = looksOpenPgp(path);
    throw new PamError('E_SIGN', `there is no key file ${path}`, {
      hint: openpgp
        ? 'that looks like an OpenPGP key, and pam signs with keys of ssh: git config --global pam.key ~/.ssh/id_ed25519'
        : OTHER_KEY,
    });
  }
  const file = readPlainFile(real, MAX_BYTES);
  if (file.state === 'read') return file.bytes.toString('utf8');
  const why = file.state === 'absent' ? 'is gone' : file.why;
  throw new PamError('E_SIGN', `the key file ${path} ${why}`, { hint: OTHER_KEY });
}

/** A key id, a fingerprint (`!` takes a subkey at its word), or the address of a user id. */
export const looksOpenPgp = (named: string): boolean =>
  /^(?:0x)?[0-9A-Fa-f ]{8,50}!?$/u.test(named) || /^[^/\s]+@[^/\s]+$|<[^>]*@[^>]*>$/u.test(named);

function openPrivate(path: string, text: string): OpenedKey {
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new PamError('E_SIGN', `other users can read the private key ${path}`, {
      hint: `chmod 600 ${path}`,
    });
  }
  const { locked, line } = readInTheClear(text);
  const beside = publicBeside(path);
  const otherPublic = line !== null && beside !== null && beside !== line ? beside : null;
  return { half: 'private', path, text, locked, line: line ?? beside, otherPublic };
}

/** With its private half beside it, it is that one that signs, or an agent that holds it. */
function openPublic(path: string, lines: readonly [string, ...string[]]): OpenedKey {
  const own = path.replace(/\.pub$/u, '');
  if (own !== path && statSync(own, { throwIfNoEntry: false })?.isFile() === true) {
    const text = textOf(own);
    const { line } = readInTheClear(text);
    if (looksPrivate(text) && (line ?? lines[0]) === lines[0]) return openPrivate(own, text);
  }
  return { half: 'public', path, lines };
}

/** What `<path>.pub` says; `null` where there is no such file, or no key in it. Throws `E_SIGN` where it cannot be read. */
export function publicBeside(path: string): string | null {
  if (statSync(`${path}.pub`, { throwIfNoEntry: false })?.isFile() !== true) return null;
  return publicLines(textOf(`${path}.pub`), null)[0] ?? null;
}

/**
 * Lines that hold no key are passed over, as `ssh-keygen` does; where none does, the first that looks like one says why.
 * @param path `null`: what is no key there is passed over
 */
function publicLines(text: string, path: string | null): readonly string[] {
  const found: string[] = [];
  let fault: PamError | undefined;
  for (const each of text.replace(BYTE_ORDER_MARK, '').split(/\r?\n/u)) {
    const line = each.trim();
    if (line === '' || line.startsWith('#')) continue;
    try {
      found.push(parsePublicKey(line).line);
    } catch (error) {
      const { message } = expected(error);
      if (isLiteralKey(line)) fault ??= new PamError('E_SIGN', `${path ?? ''}: ${message}`);
    }
  }
  if (found.length === 0 && fault !== undefined && path !== null) throw fault;
  return [...new Set(found)];
}
