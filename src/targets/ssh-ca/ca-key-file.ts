/** Why `ssh-keygen` cannot use the file of a CA's private key. No path and nothing of the file: it may end up in the ledger. */
import { realpathSync, statSync } from 'node:fs';
import { readPlainFile } from '../../files/plain-file.ts';
import { hintOf, PamError } from '../../model/error.ts';
import { userWithoutEntry } from '../../process/person-here.ts';
import { faultOfPrivateKey, readInTheClear } from '../../trust/private-key-text.ts';

const MAX_BYTES = 64 * 1024;

export function unusableCaKey(path: string, target: string): PamError {
  const [what, hint] = faultOf(path) ?? [
    'cannot be used',
    'it must be a private key file without a passphrase that nobody else can read',
  ];
  return new PamError('E_PRV_CA_KEY', `the CA key of target ${target} ${what}`, { hint });
}

function faultOf(path: string): readonly [what: string, hint: string] | undefined {
  const unknown = userWithoutEntry();
  if (unknown !== undefined) return [`cannot be used: ${unknown.message}`, hintOf(unknown)];
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    return ['is not there', 'name its file in the environment variable that ca_key_env of the target says'];
  }
  const file = readPlainFile(real, MAX_BYTES);
  if (file.state !== 'read')
    return [`cannot be read (${file.state === 'absent' ? 'gone' : file.why})`, 'let this user read it'];
  const text = file.bytes.toString('utf8');
  const fault = faultOfPrivateKey(text);
  if (fault !== undefined) return [fault.what, fault.hint];
  if ((statSync(real).mode & 0o077) !== 0) return ['can be read by other users', 'chmod 600 <file>'];
  if (readInTheClear(text).locked)
    return ['has a passphrase', 'nobody is there to type it: use a key without one'];
  return undefined;
}
