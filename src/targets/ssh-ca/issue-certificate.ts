import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PamError } from '../../model/error.ts';
import type { TargetPlace } from '../../model/target.ts';
import { temporaryDirectory } from '../../process/own-places.ts';
import { type CertificateTerms, faultOfCertificate } from './certificate.ts';
import { asProviderError, runSealed } from '../place.ts';

/** Signs and reads back: what returns is a `<type> <base64>` line on exactly these terms. */
export async function issueCertificate(
  place: TargetPlace,
  caKeyPath: string,
  terms: CertificateTerms,
  timeoutMs: number,
): Promise<string> {
  return await asProviderError('E_PRV_FILES', 'no place to make a certificate in', async () => {
    return await issueIn(place, caKeyPath, terms, timeoutMs);
  });
}

async function issueIn(
  place: TargetPlace,
  caKeyPath: string,
  terms: CertificateTerms,
  timeoutMs: number,
): Promise<string> {
  // It holds nothing secret, but ssh-keygen trusts what it finds there.
  const directory = temporaryDirectory(place.env, 'pam-');
  try {
    const login = join(directory, 'login.pub');
    await writeFile(login, `${terms.loginKey}\n`, { mode: 0o600 });
    const args = [...signingArguments(caKeyPath, terms), login];
    const result = await runSealed(place, 'ssh-keygen', args, { home: directory, cwd: directory, timeoutMs });
    if (result.code !== 0) {
      // Its words may quote paths and key comments: they stay out of errors, which end up in the ledger.
      throw new PamError('E_PRV_CA_KEY', `ssh-keygen could not sign for target ${place.target}`, {
        hint: 'the CA key must be a private key file without a passphrase that nobody else can read',
      });
    }
    const printed = await readFile(join(directory, 'login-cert.pub'), 'utf8');
    const line = printed.trim().split(' ').slice(0, 2).join(' ');
    const fault = faultOfCertificate(line, terms);
    if (fault !== undefined) throw new PamError('E_PRV_READBACK', fault);
    return line;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Without `-n` a certificate is good for any principal, without `-V` for ever: both are asserted by the types. */
function signingArguments(caKeyPath: string, terms: CertificateTerms): string[] {
  if (terms.principals.length === 0) throw new PamError('E_PRV_NAME', 'a certificate needs a principal');
  if (terms.before <= terms.after) throw new PamError('E_PRV_EXPIRED', 'a certificate needs time to live');
  const options = ['clear', ...terms.extensions].flatMap((option) => ['-O', option]);
  const validity = `${utc(terms.after)}:${utc(terms.before)}`;
  const identity = ['-I', terms.keyId, '-n', terms.principals.join(','), '-z', String(terms.serial)];
  return ['-q', '-s', caKeyPath, '-P', '', ...identity, '-V', validity, ...options];
}

/** `YYYYMMDDHHMMSSZ`; without the Z it would mean local time. */
function utc(seconds: bigint): string {
  const text = new Date(Number(seconds) * 1000).toISOString();
  return `${text.slice(0, 19).replace(/[-:T]/gu, '')}Z`;
}
