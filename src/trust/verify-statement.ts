/**
 * One statement: signed by the person whom it names, and word for word what it must say. The text is rebuilt from
 * what is known and compared byte for byte, so nothing that a statement says is believed because it says so.
 */
import type { ErrorCode } from '../model/error-codes.ts';
import type { Flags } from '../model/decision.ts';
import { PamError } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import type { Fingerprint, Sha256 } from '../model/names.ts';
import type { Policy } from '../model/policy.ts';
import type { Claimed, Known, Signed, StatementOf, StatementType } from '../model/statement.ts';
import { type Holder, judgeKey } from './keyring.ts';
import { type VerifiedSignature, verifySshsig, verifySshsigAside } from './sshsig.ts';
import { type Claims, claimsOf, firstDifference, printStatement } from './statement-text.ts';
import { STATEMENT_KINDS } from './statements/registry.ts';
import { OTHER_WORDS } from './statements/statement-kind.ts';

export interface VerifiedStatement<T extends StatementType> {
  readonly claims: Claims & Claimed<T>;
  readonly holder: Holder;
  readonly key: Fingerprint;
  readonly flags: Flags;
}

/** Who signed these very words as a statement of this type? Throws the codes of `verifySshsig`. */
export const verifySigned = (type: StatementType, { text, armor }: Signed): VerifiedSignature =>
  verifySshsig({ message: text, armor, namespace: STATEMENT_KINDS[type].namespace });

/** The same on another core, for callers with many to read. */
export const verifySignedAside = async (
  type: StatementType,
  { text, armor }: Signed,
): Promise<VerifiedSignature> =>
  await verifySshsigAside({ message: text, armor, namespace: STATEMENT_KINDS[type].namespace });

/**
 * @param known what the statement must say; with `signer` where only one person can have signed it
 * @param recordedAt when the ledger recorded it, or the moment of deciding
 * @throws PamError with the catalogue's code
 */
export function verifyStatement<T extends StatementType>(
  policy: Policy,
  type: T,
  signed: Signed,
  known: Known<T> & { readonly root: Sha256; readonly signer?: string },
  recordedAt: Instant,
): VerifiedStatement<T> {
  const claims = claimsOf(signed.text, type);
  // First: did this person sign these very words? Until then they speak for no person.
  const { key, flags } = verifySigned(type, signed);
  const { signer, signedAt } = claims;
  const holder = judgeKey(policy, { key: key.fingerprint, signer, signedAt, recordedAt });
  // Then: are they the words that we know? What is used from here on is the rebuilt statement alone.
  const rebuilt: object = { ...claims, ...known, type };
  // Both parts of the type's shape are there, which TypeScript does not see of a type that is a parameter.
  const expected = printStatement(rebuilt as StatementOf<T>);
  if (expected !== signed.text) throw mismatch(type, expected, claims);
  return { claims, holder, key: key.fingerprint, flags };
}

/** Of the lines that every statement begins with. */
const FAULTS: Readonly<Record<string, ErrorCode>> = { root: 'E_APR_GENESIS', type: 'E_APR_TYPE' };

function mismatch(type: StatementType, expected: string, claims: Claims): PamError {
  const difference = firstDifference(expected, claims);
  if (difference === undefined) {
    return new PamError('E_STATEMENT', 'the statement is not written the way pam writes it');
  }
  const { key, found } = difference;
  const code = FAULTS[key] ?? STATEMENT_KINDS[type].faults[key] ?? OTHER_WORDS;
  if (code === 'E_APR_DIGEST') {
    return new PamError(code, `${claims.signer} signed other bytes: the request was changed after that`, {
      hint: 'a new signature is needed, over the request as it is now',
    });
  }
  const was = found === undefined ? 'has no such line' : `says ${found}`;
  return new PamError(
    code,
    `${claims.signer} signed something else: "${key}" must be ${difference.expected}, the statement ${was}`,
    { hint: 'it covers an older or another request; ask for a new signature' },
  );
}
