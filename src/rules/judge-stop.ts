/**
 * Stops: denial, withdrawal and revocation are one thing, and final (DESIGN rule 8). Whoever is entitled ends the
 * id; a stop by anybody else is nothing, so that nobody can block a request by signing.
 */
import { PamError } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import type { RequestId, Sha256 } from '../model/names.ts';
import type { OpenRecord } from '../model/open-record.ts';
import type { Policy } from '../model/policy.ts';
import type { Signed } from '../model/statement.ts';
import { verifyStatement } from '../trust/verify-statement.ts';
import type { Judged } from './judge-request.ts';
import { stoppersOf } from './people.ts';

export interface StopFacts {
  readonly root: Sha256;
  readonly policy: Policy;
  readonly id: RequestId;
  readonly record: OpenRecord | null;
  readonly stops: readonly Signed[];
  readonly request: { readonly requester: string; readonly subject: string; readonly role: string };
}

export interface Stop {
  readonly signer: string;
  readonly because: string | null;
  readonly signed: Signed;
}

/**
 * Who may stop it: whoever policy names now, and whoever could when it was seen, whatever policy did since. One answer
 * for signing, sweeping, recording and auditing, so that no stop is accepted that nobody carries out.
 */
export function entitledToStop(
  policy: Policy,
  on: StopFacts['request'] & { readonly stoppers?: readonly string[] },
): ReadonlySet<string> {
  return new Set([...stoppersOf(policy, on), ...(on.stoppers ?? [])]);
}

/** The first valid stop by somebody entitled, in the order given. */
export function validStop(
  facts: Omit<StopFacts, 'request' | 'record'> & { readonly stoppers: ReadonlySet<string> },
  now: Instant,
): Stop | undefined {
  for (const signed of facts.stops) {
    try {
      const { claims } = verifyStatement(
        facts.policy,
        signed,
        ({ signer, signedAt, because }) => ({
          type: 'stop',
          root: facts.root,
          signer,
          signedAt,
          request: facts.id,
          because,
        }),
        now,
      );
      if (facts.stoppers.has(claims.signer))
        return { signer: claims.signer, because: claims.because, signed };
    } catch (error) {
      if (!(error instanceof PamError)) throw error;
    }
  }
  return undefined;
}

export function judgeStops(facts: StopFacts, now: Instant): Judged[] {
  const { record } = facts;
  if (record?.state === 'stopped' || record?.ending?.cause === 'stopped') {
    return [
      {
        code: 'E_POL_DENIED',
        ok: false,
        message: `stopped by ${record.ending?.because ?? 'somebody entitled'}`,
        kind: 'rule',
      },
    ];
  }
  const stoppers = new Set([
    ...entitledToStop(facts.policy, facts.request),
    ...(record?.seen == null ? [] : entitledToStop(facts.policy, record.seen)),
  ]);
  const stop = validStop({ ...facts, stoppers }, now);
  if (stop === undefined) return [];
  const why = stop.because === null ? '' : `: ${stop.because}`;
  return [{ code: 'E_POL_DENIED', ok: false, message: `stopped by ${stop.signer}${why}`, kind: 'rule' }];
}
