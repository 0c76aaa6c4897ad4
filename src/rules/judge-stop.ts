/**
 * Stops: denial, withdrawal and revocation are one thing, and final (DESIGN rule 8). A stop by a person who is entitled
 * ends the id; a stop by anybody else is nothing, so that no stranger can block a request by signing. Signing, sweeping,
 * recording and auditing all ask `judgeStop`, so that no stop is accepted in one place and passed over in another.
 */
import type { EventOf } from '../model/entry.ts';
import { expected, PamError } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import type { Fingerprint, RequestId, Sha256 } from '../model/names.ts';
import type { FirstSeen, OpenRecord, SeenPart } from '../model/open-record.ts';
import type { Policy } from '../model/policy.ts';
import type { Claimed, Signed, StatementOf } from '../model/statement.ts';
import { holdersOf, judgeStopKey } from '../trust/keyring.ts';
import { type Claims, claimsOf, printStatement } from '../trust/statement-text.ts';
import type { DecisionReason } from './judge-request.ts';
import { verifySigned } from '../trust/verify-statement.ts';
import { stoppersOf } from './people.ts';

/** What a stop is judged by, beside its own bytes. */
export interface StopGround {
  readonly root: Sha256;
  /** In force. */
  readonly policy: Policy;
  readonly id: RequestId;
  readonly stoppers: ReadonlySet<string>;
  /** Did `seen` write this key down for that person? */
  readonly wasTheirs: (person: string, key: Fingerprint) => boolean;
}

/** What is known of a request: what its file says, or what `seen` recorded of it. */
export type StopSource = Pick<SeenPart, 'requester' | 'subject' | 'role'> & Partial<SeenPart>;

export interface Stop {
  readonly signer: string;
  readonly because: string | null;
  readonly signed: Signed;
}

export type StopVerdict =
  | { readonly kind: 'counts'; readonly stop: Stop }
  /** Signed by a key that pam knows, about this id, and not counted: the run has to say so. */
  | { readonly kind: 'refused'; readonly signer: string; readonly why: PamError }
  /** Anybody could have written it. */
  | { readonly kind: 'junk' };

/**
 * The ground on which stops of this id are judged. Entitled is everybody whom the policy in force names for any of
 * these sources, and everybody who could stop it when a version of it was seen, whatever policy did since.
 */
export function stopGround(
  root: Sha256,
  policy: Policy,
  id: RequestId,
  sources: readonly (StopSource | null | undefined)[],
  firsts: readonly FirstSeen[] = [],
): StopGround {
  const known = sources.filter((one) => one != null);
  const seen = [...known, ...firsts];
  return {
    root,
    policy,
    id,
    stoppers: new Set([
      ...known.flatMap((one) => [...stoppersOf(policy, one)]),
      ...seen.flatMap(({ stoppers }) => stoppers ?? []),
    ]),
    wasTheirs: (person, key) =>
      seen.some(
        ({ stopper_keys: keys }) =>
          keys !== undefined && Object.hasOwn(keys, person) && keys[person]?.includes(key) === true,
      ),
  };
}

/** The ground that a record gives. */
export const groundOf = (root: Sha256, policy: Policy, record: OpenRecord): StopGround =>
  stopGround(root, policy, record.id, [record.seen], record.firsts);

/** @param recordedAt when the ledger recorded it, or now where it has not yet */
export function judgeStop(ground: StopGround, signed: Signed, recordedAt: Instant): StopVerdict {
  const read = signedStop(signed);
  if (read === undefined) return { kind: 'junk' };
  const { claims, key } = read;
  const { signer, signedAt, because } = claims;
  try {
    judgeStopKey(ground.policy, { key, signer, signedAt, recordedAt }, ground.wasTheirs(signer, key));
    if (!ground.stoppers.has(signer))
      throw new PamError('E_APR_SCOPE', `${signer} may not stop ${ground.id}`);
    const { root, id: request } = ground;
    const rebuilt: StatementOf<'stop'> = { type: 'stop', root, signer, signedAt, request, because };
    if (printStatement(rebuilt) !== signed.text)
      throw new PamError('E_STATEMENT', 'the statement is not written the way pam writes it');
    return { kind: 'counts', stop: { signer, because, signed } };
  } catch (cause) {
    const why = expected(cause);
    const known = holdersOf(ground.policy).has(key) || ground.wasTheirs(signer, key);
    return known && isAbout(ground, claims) ? { kind: 'refused', signer, why } : { kind: 'junk' };
  }
}

/** What it says and the key that signed these very words; nothing else about it is known yet. */
function signedStop(
  signed: Signed,
): { readonly claims: Claims & Claimed<'stop'>; readonly key: Fingerprint } | undefined {
  try {
    const claims = claimsOf(signed.text, 'stop');
    return { claims, key: verifySigned('stop', signed).key.fingerprint };
  } catch (error) {
    expected(error);
    return undefined;
  }
}

/** A stop of another id, or of another access repository, may be copied here by anybody who can read it there. */
const isAbout = ({ root, id }: StopGround, { lines }: Claims): boolean =>
  lines.get('type') === 'stop' && lines.get('root') === root && lines.get('request') === id;

export interface JudgedStops {
  /** The first that counts, in the order given. */
  readonly stop: Stop | undefined;
  readonly refused: readonly { readonly signer: string; readonly why: PamError }[];
}

export function judgeAllStops(ground: StopGround, stops: readonly Signed[], now: Instant): JudgedStops {
  const refused: { readonly signer: string; readonly why: PamError }[] = [];
  for (const signed of stops) {
    const verdict = judgeStop(ground, signed, now);
    if (verdict.kind === 'counts') return { stop: verdict.stop, refused };
    if (verdict.kind === 'refused') refused.push(verdict);
  }
  return { stop: undefined, refused };
}

/**
 * A recorded stop: judged by the record as it was before the entry and as it is at the event's own place, behind the
 * `seen` of the same entry. A planner that sees and stops in one entry knows both, and so does every reader.
 * @throws PamError `E_LED_STOP`
 */
export function needEntitledStop(
  ground: { readonly root: Sha256; readonly policy: Policy },
  { id, statement }: EventOf<'stopped'>,
  records: readonly (OpenRecord | undefined)[],
  recordedAt: Instant,
): void {
  const known = records.filter((one) => one !== undefined);
  const sources = known.map(({ seen }) => seen);
  const firsts = known.flatMap(({ firsts: all }) => all ?? []);
  const judged = judgeStop(
    stopGround(ground.root, ground.policy, id, sources, firsts),
    statement,
    recordedAt,
  );
  if (judged.kind === 'counts') return;
  const why = judged.kind === 'refused' ? `: ${judged.why.message}` : '';
  throw new PamError('E_LED_STOP', `the stop of ${id} is signed by no one who may stop it${why}`);
}

export interface StopFacts {
  readonly root: Sha256;
  readonly policy: Policy;
  readonly id: RequestId;
  readonly record: OpenRecord | null;
  readonly stops: readonly Signed[];
  readonly request: StopSource;
}

/** What stops say about a request that is being decided. */
export function judgeStops(facts: StopFacts, now: Instant): DecisionReason[] {
  const { record } = facts;
  const denied = (by: string): DecisionReason => ({
    code: 'E_POL_DENIED',
    ok: false,
    message: `stopped by ${by}`,
    kind: 'rule',
  });
  if (record?.state === 'stopped' || record?.ending?.cause === 'stopped') {
    return [denied(record.ending?.because ?? 'somebody entitled')];
  }
  const { root, policy, id, request, stops } = facts;
  const ground = stopGround(root, policy, id, [request, record?.seen], record?.firsts);
  const { stop } = judgeAllStops(ground, stops, now);
  if (stop === undefined) return [];
  return [denied(stop.because === null ? stop.signer : `${stop.signer}: ${stop.because}`)];
}
