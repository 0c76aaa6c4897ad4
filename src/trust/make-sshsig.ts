/** Writes an SSH signature (PROTOCOL.sshsig) with SHA-512, as `ssh-keygen -Y sign` does. `sshsig.ts` reads them. */
import { printArmor } from './armor.ts';
import { MAGIC, signedData, VERSION } from './sshsig.ts';
import { wireString } from './wire.ts';

const HASH = 'sha512';

/**
 * @param blob the public key, of type ssh-ed25519
 * @param sign over the bytes that it gets; 64 bytes
 */
export function makeEd25519Sshsig(
  message: Uint8Array | string,
  namespace: string,
  blob: Uint8Array,
  sign: (data: Uint8Array) => Uint8Array,
): string {
  const signature = sign(signedData(message, namespace, HASH));
  const version = Buffer.alloc(4);
  version.writeUInt32BE(VERSION);
  const inner = Buffer.concat([wireString('ssh-ed25519'), wireString(signature)]);
  const fields = [blob, namespace, '', HASH, inner].map(wireString);
  return printArmor(Buffer.concat([Buffer.from(MAGIC), version, ...fields]));
}
