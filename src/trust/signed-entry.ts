/**
 * Entry bytes together with the key that signed them. Only `verifyEntry` makes one, so its holder need not
 * verify again, and no code can parse or follow bytes whose signature was never looked at.
 */
import { PamError } from '../model/error.ts';
import type { Fingerprint } from '../model/names.ts';
import { LEDGER_NAMESPACE } from '../model/statement.ts';
import { isPlainArmor } from './armor.ts';
import { type VerifiedSignature, verifySshsig, verifySshsigAside } from './sshsig.ts';

declare const verified: unique symbol;

export interface SignedEntry {
  readonly bytes: Uint8Array;
  readonly key: Fingerprint;
  readonly [verified]: true;
}

/**
 * Throws `E_ARMOR` for an armor in any other spelling than ssh-keygen's own, and the codes of `verifySshsig`. Whether that key may write the ledger is for `follow-chain`.
 */
export function verifyEntry(bytes: Uint8Array, armor: string): SignedEntry {
  needPlainArmor(armor);
  return signed(bytes, verifySshsig({ message: bytes, armor, namespace: LEDGER_NAMESPACE }));
}

/** The same on another core, for callers with many to read. */
export async function verifyEntryAside(bytes: Uint8Array, armor: string): Promise<SignedEntry> {
  needPlainArmor(armor);
  return signed(bytes, await verifySshsigAside({ message: bytes, armor, namespace: LEDGER_NAMESPACE }));
}

/** An entry's signature was always written by pam, and its readers may only have ssh-keygen. */
function needPlainArmor(armor: string): void {
  if (isPlainArmor(armor)) return;
  throw new PamError('E_ARMOR', 'the signature is not spelt as ssh-keygen writes it');
}

/** The brand exists in types only; this is the one place that may give it. */
const signed = (bytes: Uint8Array, { key }: VerifiedSignature): SignedEntry =>
  ({ bytes, key: key.fingerprint }) as SignedEntry;
