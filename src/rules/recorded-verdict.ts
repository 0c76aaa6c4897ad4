/**
 * What was decided once and recorded stays the answer to "what was decided": a live grant is approved, whatever a new
 * decision on the same bytes would say (that its id is used up).
 */
import type { Reason } from '../model/decision.ts';
import type { Decision } from '../model/decision.ts';
import type { OpenRecord } from '../model/open-record.ts';
import type { Sha256 } from '../model/names.ts';
import { parsePublicKey } from '../trust/public-key.ts';

/** @param decision a new decision on the request as it stands now */
export function recordedVerdict(
  record: OpenRecord | null,
  requestSha256: Sha256,
  decision: Decision,
): Decision {
  const grant = record?.grant ?? null;
  if (record === null || grant?.granting == null || record.seen?.request_sha256 !== requestSha256)
    return decision;
  const who = grant.approvers.join(', ');
  const approved: Reason = {
    code: 'E_APR_THRESHOLD',
    ok: true,
    message: `approved by ${who}, recorded ${grant.recorded.at}`,
  };
  const { subject, target, login, permissions, login_key: key, duration, start } = grant;
  const loginKey = key === null ? null : parsePublicKey(key).fingerprint;
  return {
    verdict: 'approved',
    final: true,
    // It may have been stopped since, without a sweep having acted on it: that is worth knowing.
    reasons: [approved, ...decision.reasons.filter(({ code, ok }) => code === 'E_POL_DENIED' && !ok)],
    grant: { subject, target, login, permissions, loginKey, duration, start },
    counted: decision.counted,
    next: null,
    helpers: [],
  };
}
