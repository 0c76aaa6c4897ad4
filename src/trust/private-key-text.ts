/**
 * A private key file as it is written, without its secret: what the OpenSSH form says in the clear (PROTOCOL.key), and
 * what the way through a secret store does to such a file.
 */
import { PamError } from '../model/error.ts';
import { publicKeyFromBlob } from './public-key.ts';
import { WireReader } from './wire.ts';

const BEGIN = /^-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/u;
const MAGIC = 'openssh-key-v1\0';

export const looksPrivate = (text: string): boolean => text.includes('PRIVATE KEY-----');

/** @property line `<type> <base64>`; `null` where the file does not say it in the clear */
export interface InTheClear {
  readonly locked: boolean;
  readonly line: string | null;
}

export function readInTheClear(text: string): InTheClear {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*)-----END OPENSSH PRIVATE KEY-----/u.exec(
    text,
  )?.[1];
  if (body === undefined) return { locked: /ENCRYPTED/u.test(text), line: null };
  const bytes = Buffer.from(body.replace(/\s/gu, ''), 'base64');
  if (bytes.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) return { locked: false, line: null };
  const reader = new WireReader(bytes.subarray(MAGIC.length));
  let locked = false;
  try {
    locked = reader.text() !== 'none';
    // The name of the key derivation, its options, and how many keys there are.
    reader.string();
    reader.string();
    reader.raw(4);
    return { locked, line: publicKeyFromBlob(reader.string()).line };
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
    return { locked, line: null };
  }
}

export interface KeyTextFault {
  /** Completes "the key ...". */
  readonly what: string;
  readonly hint: string;
}

/** The hint, with the names of the file and of a new one beside it. */
export const hintFor = ({ hint }: KeyTextFault, path: string): string =>
  hint.replaceAll('<file>', path).replaceAll('<new file>', `${path}.new`);

/** Why `ssh-keygen` cannot read it, as far as that shows; `undefined`: it looks sound. */
export function faultOfPrivateKey(text: string): KeyTextFault | undefined {
  if (text.trim() === '') return { what: 'is empty', hint: 'put the private key into it' };
  if (text.startsWith('PuTTY-User-Key-File'))
    return {
      what: 'is a key of PuTTY',
      hint: 'convert it: puttygen <file> -O private-openssh -o <new file>',
    };
  if (/^(?:ssh|ecdsa|sk)-\S+ AAAA/u.test(text))
    return { what: 'is the public half', hint: 'name the private one, without .pub' };
  if (text.trim().startsWith('LS0tLS1CRUdJTi'))
    return { what: 'is written in base64 once more', hint: 'decode it: base64 -d <file> > <new file>' };
  if (!looksPrivate(text)) return { what: 'is no private key', hint: 'name the file that ssh-keygen wrote' };
  if (text.includes('\r'))
    return { what: 'has Windows line ends (CRLF)', hint: "take them out: tr -d '\\r' < <file> > <new file>" };
  if (/KEY-----\\n/u.test(text))
    return { what: 'has \\n written out in place of its line ends', hint: 'write it with real line ends' };
  if (!text.trim().includes('\n'))
    return { what: 'stands on one line', hint: 'write it with the line ends that ssh-keygen made' };
  if (!BEGIN.test(text))
    return { what: 'does not begin with -----BEGIN', hint: 'take out what stands before that' };
  if (!text.endsWith('\n'))
    return { what: 'lacks the newline after its last line', hint: 'add it: echo >> <file>' };
  return undefined;
}
