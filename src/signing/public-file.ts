/** The one public key that a file holds, as `ssh-keygen` writes it: `<key>.pub`, of a security key too, or `<key>-cert.pub`. */
import { realpathSync } from 'node:fs';
import { readPlainFile } from '../files/plain-file.ts';
import { EXIT, expected, hintOf, PamError } from '../model/error.ts';
import { certifiedKeyOf } from '../trust/certified-key.ts';
import { looksPrivate } from '../trust/private-key-text.ts';
import { parsePublicKey, type PublicKey } from '../trust/public-key.ts';

const MAX_BYTES = 64 * 1024;

/**
 * Comments and blank lines are passed over. What is no such file is told in words, and nothing of it is repeated: it
 * may be a private key.
 * @param path absolute
 * @param named as the person named it, for messages
 * @throws PamError `E_USAGE` when it cannot be read, else why it is no key, as `invalid`
 */
export function publicKeyIn(path: string, named: string): PublicKey {
  const text = textOf(path, named);
  if (looksPrivate(text))
    throw new PamError('E_KEY_LINE', `${named} is a private key, which belongs to its owner alone`, {
      hint: `its public half is what others may have: pam keys line ${named}.pub`,
      exit: EXIT.invalid,
    });
  const lines = linesOf(text);
  const [line = '', ...more] = lines;
  // A key in another form has many lines, and is told by the first.
  const keys =
    more.length === 0 || line.startsWith('-') ? [keyIn(line, named)] : lines.map((one) => keyIn(one, named));
  const [first, ...others] = keys;
  if (first !== undefined && others.every((one) => one.line === first.line)) return first;
  throw new PamError('E_KEY_LINE', `${named} holds ${keys.length} keys, and policy takes one in a line`, {
    hint: 'put the one that is meant into a file of its own',
    exit: EXIT.invalid,
  });
}

function textOf(path: string, named: string): string {
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    throw new PamError('E_USAGE', `there is no file ${named}`);
  }
  const file = readPlainFile(real, MAX_BYTES);
  if (file.state === 'read') return file.bytes.toString('utf8');
  throw new PamError('E_USAGE', `${named} ${file.state === 'absent' ? 'is gone' : file.why}`);
}

function linesOf(text: string): readonly string[] {
  const lines = text.replace(/^\ufeff/u, '').split(/\r?\n/u);
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
}

function keyIn(line: string, named: string): PublicKey {
  try {
    return certifiedKeyOf(line) ?? parsePublicKey(line);
  } catch (cause) {
    const error = expected(cause);
    throw new PamError(error.code, `${named}: ${error.message}`, {
      hint: hintOf(error),
      exit: EXIT.invalid,
    });
  }
}
