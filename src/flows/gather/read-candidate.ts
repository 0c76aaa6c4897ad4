/** The bytes of a request and of its statement as what deciding looks at: a candidate, however odd they are. */
import { readRequest } from '../../documents/request-file.ts';
import type { Reason } from '../../model/decision.ts';
import { expected } from '../../model/error.ts';
import { requestPath } from '../../model/names.ts';
import type { Signed } from '../../model/statement.ts';
import type { Candidate } from '../../rules/situation.ts';
import { splitSigned } from '../../trust/armor.ts';
import { sha256 } from '../../trust/digest.ts';

export function candidateOf(
  at: Pick<Candidate, 'id' | 'place' | 'head' | 'merged'>,
  bytes: Uint8Array,
  signature: Uint8Array | undefined,
): Candidate {
  const { id } = at;
  return {
    ...at,
    bytes: Buffer.from(bytes).toString('utf8'),
    requestSha256: sha256(bytes),
    signatureSha256: sha256(signature ?? new Uint8Array()),
    signature: signature ?? null,
    request: orReason(() => readRequest(bytes, requestPath(id))),
    statement: signature === undefined ? null : signedOf(signature),
  };
}

function orReason<T>(read: () => T): T | Reason {
  try {
    return read();
  } catch (cause) {
    const error = expected(cause);
    const more = error.issues.map((one) => `${one.line ?? 0}:${one.col ?? 0} ${one.message}`).join('; ');
    return {
      code: error.code,
      ok: false,
      message: more === '' ? error.message : `${error.message}: ${more}`,
    };
  }
}

function signedOf(bytes: Uint8Array): Signed | null {
  try {
    return splitSigned(bytes);
  } catch (error) {
    expected(error);
    return null;
  }
}
