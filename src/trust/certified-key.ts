/** The key inside of an OpenSSH certificate (PROTOCOL.certkeys): its fields stand behind the nonce, as in its own blob. */
import { PamError } from '../model/error.ts';
import { decodeBase64 } from './base64.ts';
import { type KeyType, keyTypeOf } from './key-types.ts';
import { type PublicKey, publicKeyFromBlob } from './public-key.ts';
import { WireReader, wireString } from './wire.ts';

const SUFFIX = '-cert-v01';
/** As `ssh-keygen` writes `<key>-cert.pub`. */
const LINE = /^([a-z0-9@.-]{1,64}-cert-v\d\d@openssh\.com)[ \t]+([A-Za-z0-9+/=]{1,16384})(?:[ \t]|$)/u;

/**
 * The blob of the key that is certified, as its own `.pub` line has it.
 * @param reader stands behind the nonce
 * @param certificateType `ssh-ed25519-cert-v01@openssh.com`
 */
export function readCertifiedKey(reader: WireReader, certificateType: string): Uint8Array {
  if (!certificateType.includes(SUFFIX)) throw new PamError('E_KEYTYPE', 'this is a key, not a certificate');
  const plain = certificateType.replace(SUFFIX, '');
  // `ssh-ed25519-cert-v01@openssh.com` certifies `ssh-ed25519`; FIDO types keep their domain.
  const type = keyTypeOf(plain.startsWith('sk-') ? plain : plain.replace('@openssh.com', ''));
  const fields = Array.from({ length: fieldCount(type) }, () => wireString(reader.string()));
  return Buffer.concat([wireString(type.name), ...fields]);
}

function fieldCount({ scheme, hardware }: KeyType): number {
  return (scheme.kind === 'ed25519' ? 1 : 2) + (hardware ? 1 : 0);
}

/**
 * The key that a certificate line certifies; whether the certificate is good is not asked. `undefined`: the line is none.
 * @throws PamError when its key is none that signs for pam, or the line is damaged
 */
export function certifiedKeyOf(line: string): PublicKey | undefined {
  const [, type, base64 = ''] = LINE.exec(line) ?? [];
  if (type === undefined) return undefined;
  const blob = decodeBase64(base64);
  if (blob === undefined) throw new PamError('E_KEY_LINE', 'this certificate is cut or damaged');
  const reader = new WireReader(blob);
  if (reader.text() !== type) throw new PamError('E_KEYTYPE', 'the line says another type than it holds');
  reader.string(); // nonce
  return publicKeyFromBlob(readCertifiedKey(reader, type));
}
