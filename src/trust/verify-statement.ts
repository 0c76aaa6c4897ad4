/**
 * One statement: signed by the person whom it names, and word for word what it must say. The text is rebuilt from
 * what is known and compared byte for byte, so nothing that a statement says is believed because it says so.
 */
import type { ErrorCode } from '../model/error-codes.ts';
import type { Flags } from '../model/decision.ts';
import { PamError } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import type { Fingerprint } from '../model/names.ts';
import type { Policy } from '../model/policy.ts';
import { NAMESPACES, type Signed, type Statement } from '../model/statement.ts';
import { type Holder, judgeKey } from './keyring.ts';
import { verifySshsig } from './sshsig.ts';
import { type Claims, claimsOf, firstDifference, printStatement } from './statement-text.ts';

export interface VerifiedStatement {
  readonly claims: Claims;
  readonly holder: Holder;
  readonly key: Fingerprint;
  readonly flags: Flags;
}

/**
 * @param expect what the statement must be, given what its signer claims
 * @param recordedAt when the ledger recorded it, or the moment of deciding
 * @throws PamError with the catalogue's code
 */
export function verifyStatement(
  policy: Policy,
  signed: Signed,
  expect: (claims: Claims) => Statement,
  recordedAt: Instant,
): VerifiedStatement {
  const claims = claimsOf(signed.text);
  const statement = expect(claims);
  // First: did this person sign these very words? Until then they speak for nobody.
  const { key, flags } = verifySshsig({
    message: signed.text,
    armor: signed.armor,
    namespace: NAMESPACES[statement.type],
  });
  const holder = judgeKey(policy, {
    key: key.fingerprint,
    signer: claims.signer,
    signedAt: claims.signedAt,
    recordedAt,
  });
  // Then: are they the words that we know? What is used from here on is the rebuilt statement alone.
  const expected = printStatement(statement);
  if (expected !== signed.text) throw mismatch(expected, claims);
  return { claims, holder, key: key.fingerprint, flags };
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  root: 'E_APR_GENESIS',
  request: 'E_APR_REQUEST',
  type: 'E_APR_TYPE',
};

function mismatch(expected: string, claims: Claims): PamError {
  const difference = firstDifference(expected, claims);
  if (difference === undefined) {
    return new PamError('E_STATEMENT', 'the statement is not written the way pam writes it');
  }
  const { key, found } = difference;
  if (key === 'request-sha256') {
    return new PamError(
      'E_APR_DIGEST',
      `${claims.signer} signed other bytes: the request was changed after that`,
      {
        hint: 'a new signature is needed, over the request as it is now',
      },
    );
  }
  const was = found === undefined ? 'has no such line' : `says ${found}`;
  return new PamError(
    CODES[key] ?? 'E_APR_GRANT',
    `${claims.signer} signed something else: "${key}" must be ${difference.expected}, the statement ${was}`,
    { hint: 'it covers an older or another request; ask for a new signature' },
  );
}
