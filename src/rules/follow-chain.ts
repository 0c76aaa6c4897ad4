/**
 * One step of the ledger: does this entry follow that state? Whether it does depends only on the entries before
 * it, never on the reader's clock, state or a later policy (DESIGN section 5). Throws `E_LED_...`; the caller
 * steps over what does not verify.
 */
import type { Entry, LedgerEvent } from '../model/entry.ts';
import { PamError } from '../model/error.ts';
import type { Instant } from '../model/instant.ts';
import type { Fingerprint, Sha256 } from '../model/names.ts';
import type { OpenRecord } from '../model/open-record.ts';
import type { Files, Policy } from '../model/policy.ts';
import type { ChainState } from '../trust/chain-state.ts';
import { sha256 } from '../trust/digest.ts';
import { holdersOf, revocationOf } from '../trust/keyring.ts';
import type { SignedEntry } from '../trust/signed-entry.ts';
import type { FoldContext } from './events/event-kind.ts';
import type { PolicyEvent } from './events/policy.ts';
import { EVENTS, kindOf } from './events/registry.ts';
import { EMPTY_INDEX, foldIndex, recordsBefore } from './fold-index.ts';
import { adminsAgree, judgePolicyChange } from './judge-policy-change.ts';
import { indexDigest } from './print-index.ts';
import { judgeRight, mayWriteTogether } from './rights.ts';

export interface NextEntry {
  readonly signed: SignedEntry;
  /** What its bytes say. */
  readonly entry: Entry;
  /** Digest of the policy files that came with it, without reading what they say. */
  readonly broughtDigest: () => Sha256;
  /** The policy that came with it; read only for `genesis` and `policy`. */
  readonly brought: () => { readonly policy: Policy; readonly files: Files };
}

export function beginChain(candidate: NextEntry): ChainState {
  const { entry, signed } = candidate;
  const [event] = entry.events;
  if (entry.seq !== 0 || entry.root !== null || entry.previous !== null || event?.type !== 'genesis') {
    throw new PamError('E_LED_CHAIN', 'entry 0 is not a genesis');
  }
  const { policy, files } = candidate.brought();
  const sums = [...files].map(([path, content]) => [path, sha256(content)]);
  const told = event.policy === policy.digest && entry.policy === policy.digest;
  if (!told || JSON.stringify(Object.entries(event.files)) !== JSON.stringify(sums)) {
    throw new PamError('E_LED_CHAIN', 'the genesis does not describe the policy that stands beside it');
  }
  if (entry.events.length !== 1 || entry.main !== undefined)
    throw new PamError('E_LED_SHAPE', 'a genesis stands alone');
  const key = judgeSigner(candidate, [policy], null);
  judgeRight(policy, entry.executor, event, undefined);
  judgeIndex(entry, indexDigest(EMPTY_INDEX));
  const head = sha256(signed.bytes);
  return { root: head, seq: 0, head, entry, key, policy, policyFiles: files, index: EMPTY_INDEX };
}

export function followChain(state: ChainState, candidate: NextEntry): ChainState {
  const { entry, signed } = candidate;
  const [event] = entry.events;
  if (entry.root !== state.root || entry.seq !== state.seq + 1 || entry.previous !== state.head) {
    throw new PamError('E_LED_CHAIN', `entry ${entry.seq} does not follow entry ${state.seq}`);
  }
  if (event === undefined || !mayWriteTogether(entry.events) || event.type === 'genesis') {
    throw new PamError('E_LED_SHAPE', 'these events do not stand together in an entry');
  }
  // Policy 1 once more, later, is a rollback, and `judgeChange` calls it that.
  if (state.seq === 0 && !(event.type === 'policy' && event.seq === 1)) {
    throw new PamError('E_LED_STEP', 'only policy 1 follows a genesis');
  }
  if (event.type === 'policy') judgeAgreement(state, entry, event, candidate.broughtDigest());
  const change = event.type === 'policy' ? candidate.brought() : undefined;
  const policies = change === undefined ? [state.policy] : [state.policy, change.policy];
  const key = judgeSigner(candidate, policies, newestOrdered(state));
  if (change !== undefined && event.type === 'policy') judgeChange(state, entry, event, change.policy);
  else judgeEvents(state, entry, contextOf(state, entry, key));
  const policy = change?.policy ?? state.policy;
  if (entry.policy !== policy.digest) throw new PamError('E_LED_CHAIN', 'the entry names another policy');
  const index = foldIndex(state.index, entry.events, contextOf(state, entry, key));
  judgeIndex(entry, indexDigest(index));
  const policyFiles = change?.files ?? state.policyFiles;
  return {
    root: state.root,
    seq: entry.seq,
    head: sha256(signed.bytes),
    entry,
    key,
    policy,
    policyFiles,
    index,
  };
}

/** Before a new policy is parsed: are these its bytes, and do the admins in force agree to them? */
export function judgeAgreement(state: ChainState, entry: Entry, event: PolicyEvent, digest: Sha256): void {
  if (event.digest !== digest) {
    throw new PamError('E_LED_CHAIN', 'the policy event names other files than stand beside it');
  }
  const { root, policy } = state;
  const previousDigest = event.seq === 1 ? null : policy.digest;
  const version = {
    root,
    seq: event.seq,
    digest,
    previousDigest,
    statements: event.statements,
    recordedAt: entry.at,
  };
  if (!adminsAgree(policy, version)) {
    throw new PamError('E_POL_UNSIGNED', `policy version ${event.seq} is not signed by enough admins`);
  }
}

function judgeChange(
  state: ChainState,
  entry: Entry,
  event: {
    readonly seq: number;
    readonly digest: Sha256;
    readonly statements: Parameters<typeof judgePolicyChange>[0]['statements'];
  },
  next: Policy,
): void {
  const seq = (state.index.beats?.policy.seq ?? 0) + 1;
  if (event.seq !== seq)
    throw new PamError('E_POL_ROLLBACK', `policy ${event.seq} cannot follow policy ${seq - 1}`);
  if (event.digest !== next.digest || (seq === 1 && next.digest !== state.policy.digest)) {
    throw new PamError('E_LED_CHAIN', 'the policy event names other files than stand beside it');
  }
  if (entry.main !== undefined) throw new PamError('E_LED_SHAPE', 'a policy entry is not an apply entry');
  judgeOrder(state, entry);
  const previous = seq === 1 ? null : state.policy;
  const { root, index } = state;
  judgePolicyChange({ root, seq, next, previous, statements: event.statements, recordedAt: entry.at }, index);
}

/** What folding an entry needs to know beside its events. */
export function contextOf(
  state: ChainState,
  entry: Pick<Entry, 'seq' | 'at' | 'executor' | 'main'>,
  key: Fingerprint,
): FoldContext {
  const { seq, at, executor, main = null } = entry;
  return { seq, at, executor, key, main, policy: state.policy };
}

function judgeEvents(state: ChainState, entry: Entry, context: FoldContext): void {
  for (const event of entry.events) {
    const record = event.id === '-' ? undefined : state.index.records.get(event.id);
    judgeEvent(state, entry, event, record);
  }
  judgeFollowing(state, entry, context);
  if (entry.main === undefined) return;
  if (state.policy.services[entry.executor]?.executes?.may.includes('grant') !== true) {
    throw new PamError('E_LED_KIND', `${entry.executor} may not write apply entries`);
  }
  judgeOrder(state, entry);
}

/** May this executor write this event in an entry of this kind? @param record before the entry */
export function judgeEvent(
  { policy }: ChainState,
  entry: Pick<Entry, 'executor' | 'main'>,
  event: LedgerEvent,
  record: OpenRecord | undefined,
): void {
  judgeRight(policy, entry.executor, event, record);
  if (EVENTS[event.type].entry === 'apply' && entry.main === undefined) {
    throw new PamError('E_LED_SHAPE', `${event.type} belongs into an apply entry`);
  }
}

/** What only the chain can judge: against the same records that the writer and the auditor of the entry use. */
function judgeFollowing(state: ChainState, entry: Entry, context: FoldContext): void {
  if (!entry.events.some(({ type }) => EVENTS[type].follows !== undefined)) return;
  for (const [event, records] of recordsBefore(state.index.records, entry.events, context)) {
    const { id } = event;
    if (id === '-') continue;
    const [before, now] = [state.index.records, records].map((some) => some.get(id));
    kindOf(event).follows?.({ state, at: entry.at, before, now }, event);
  }
}

/**
 * What grants, and what says who may grant, never goes back in time: else a key that policy has revoked since, or a
 * statement that died, would count again in an entry dated before that.
 */
export function judgeOrder(state: ChainState, entry: Entry): void {
  const last = newestOrdered(state);
  if (last !== null && entry.at < last) {
    throw new PamError('E_LED_TIME', `an entry at ${entry.at} cannot follow one at ${last}`);
  }
}

/** When the newest apply or policy entry was recorded. */
export function newestOrdered(state: Pick<ChainState, 'index'>): Instant | null {
  const { beats } = state.index;
  if (beats === null) return null;
  const apply = beats.apply?.at ?? beats.policy.at;
  return apply > beats.policy.at ? apply : beats.policy.at;
}

/** The entry is signed by a key that one of these policies gives this executor. */
function judgeSigner(
  candidate: NextEntry,
  policies: readonly Policy[],
  notBefore: Instant | null,
): Fingerprint {
  const { entry, signed } = candidate;
  // A sweep entry may be dated back (a slow clock), but its key has to be good by now.
  const at = notBefore !== null && entry.at < notBefore ? notBefore : entry.at;
  for (const policy of policies) {
    const holder = holdersOf(policy).get(signed.key);
    if (holder === undefined || holder.kind !== 'service' || holder.id !== entry.executor) continue;
    if (policy.services[entry.executor]?.executes === undefined) continue;
    const { from, until } = holder.key;
    // A key on the list is refused from then on by its place in the chain, so backdating `at` does not help.
    const revoked = revocationOf(policy, signed.key) !== undefined;
    if (!revoked && (from === undefined || from <= at) && (until === undefined || at < until)) {
      return signed.key;
    }
  }
  throw new PamError('E_LED_KEY', `the entry is not signed by a valid key of the executor ${entry.executor}`);
}

function judgeIndex(entry: Entry, digest: Sha256): void {
  if (entry.index !== digest)
    throw new PamError('E_LED_INDEX', `entry ${entry.seq} names another open/ than its events make`);
}

/** Is this the key of some executor in force? Asked before a stranger's bytes are parsed. */
export function isExecutorKey(policy: Policy, key: Fingerprint): boolean {
  const holder = holdersOf(policy).get(key);
  if (holder?.kind !== 'service' || revocationOf(policy, key) !== undefined) return false;
  return policy.services[holder.id]?.executes !== undefined;
}
