/**
 * Which SSH key types can sign for pam, and how each of them signs. Everything else is refused by name: a new
 * type is a decision, not something that starts to work because OpenSSL learned it.
 */
import { PamError } from '../model/error.ts';

export type Curve = 'nistp256' | 'nistp384' | 'nistp521';

/** An ECDSA key's curve fixes the hash, whatever the signature says about itself (RFC 5656 section 6.2.1). */
export interface EcdsaScheme {
  readonly kind: 'ecdsa';
  readonly curve: Curve;
  readonly jwk: 'P-256' | 'P-384' | 'P-521';
  /** Bytes of one coordinate, and of r and of s. */
  readonly size: number;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
}
export type Scheme = { readonly kind: 'ed25519' } | { readonly kind: 'rsa' } | EcdsaScheme;

export type KeyTypeName =
  | 'ssh-ed25519'
  | 'ssh-rsa'
  | `ecdsa-sha2-${Curve}`
  | 'sk-ssh-ed25519@openssh.com'
  | 'sk-ecdsa-sha2-nistp256@openssh.com';

export interface KeyType {
  readonly name: KeyTypeName;
  /** FIDO: the signature carries flags and a counter (OpenSSH PROTOCOL.u2f). */
  readonly hardware: boolean;
  readonly scheme: Scheme;
}

const P256: EcdsaScheme = { kind: 'ecdsa', curve: 'nistp256', jwk: 'P-256', size: 32, hash: 'sha256' };
const P384: EcdsaScheme = { kind: 'ecdsa', curve: 'nistp384', jwk: 'P-384', size: 48, hash: 'sha384' };
const P521: EcdsaScheme = { kind: 'ecdsa', curve: 'nistp521', jwk: 'P-521', size: 66, hash: 'sha512' };

const ACCEPTED: ReadonlyMap<string, KeyType> = new Map(
  (
    [
      { name: 'ssh-ed25519', hardware: false, scheme: { kind: 'ed25519' } },
      { name: 'ecdsa-sha2-nistp256', hardware: false, scheme: P256 },
      { name: 'ecdsa-sha2-nistp384', hardware: false, scheme: P384 },
      { name: 'ecdsa-sha2-nistp521', hardware: false, scheme: P521 },
      { name: 'ssh-rsa', hardware: false, scheme: { kind: 'rsa' } },
      { name: 'sk-ssh-ed25519@openssh.com', hardware: true, scheme: { kind: 'ed25519' } },
      { name: 'sk-ecdsa-sha2-nistp256@openssh.com', hardware: true, scheme: P256 },
    ] satisfies KeyType[]
  ).map((type) => [type.name, type]),
);

/** Throws `E_KEYTYPE`, naming the type, for every type that does not sign for pam. */
export function keyTypeOf(name: string): KeyType {
  const type = ACCEPTED.get(name);
  if (type !== undefined) return type;
  const shown = JSON.stringify(name.slice(0, 64));
  throw new PamError('E_KEYTYPE', `${whyNot(name)}: ${shown}`, {
    hint: 'use an ed25519, ecdsa or rsa key, or a FIDO key (ssh-keygen -t ed25519-sk)',
  });
}

function whyNot(name: string): string {
  if (name.includes('-cert-v0')) return 'certificates do not sign for pam, list the key itself';
  if (name === 'ssh-dss') return 'dsa keys are too weak';
  if (name.startsWith('webauthn-')) return 'webauthn signatures are not supported';
  if (name.includes('mldsa44')) return 'post-quantum keys are not supported yet';
  return 'unknown key type';
}
