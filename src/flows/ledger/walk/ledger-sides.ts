/**
 * The other sides of a fork. A holder of an executor's key can sign a second entry n and push a merge, in which the
 * one side or the other is walked first: so an entry that stands beside the chain is followed from the entry that it
 * names, by the same rules. Two believed entries of one number are a fork, unless a ratified policy settles it: it
 * names the digest of the entry that is not followed, and stands on the side that is (docs/spec.md, "Forks").
 */
import { gaveNoAnswer, PamError } from '../../../model/error.ts';
import type { Repository } from '../../../model/git.ts';
import type { Fingerprint, Oid, Sha256 } from '../../../model/names.ts';
import type { LedgerPoint } from '../../../model/statement.ts';
import type { ChainState } from '../../../trust/chain-state.ts';
import type { Desk } from '../../desk.ts';
import { executorKeys, type Junk, type SignedJunk, withPlaces } from './ledger-junk.ts';
import { settledBy } from '../../../rules/judge-settled.ts';
import { stateAt } from './state-at.ts';
import { walkLedger } from './walk-ledger.ts';
import { commitsOfEntry, entriesBelow, type Known } from './witness.ts';

export interface Sides {
  /** Entries that are believed beside this chain: each is a fork. */
  readonly believed: readonly LedgerPoint[];
  /** Digests of entries that this chain's policy settled, and of what follows them: junk to everybody. */
  readonly dead: ReadonlySet<Sha256>;
  /** What a policy on another side settles, where that is an entry of this chain: then that side is to be followed. */
  readonly settles: ReadonlySet<Sha256>;
}

const NO_SIDES: Sides = { believed: [], dead: new Set(), settles: new Set() };

interface SideEntry {
  readonly junk: Junk;
  readonly signed: SignedJunk;
}

/**
 * @param junk all that was stepped over on the way to `end`
 * @param executors keys that the policies of that way list for executors
 */
export async function lookAtSides(
  desk: Desk,
  end: Known,
  junk: readonly Junk[],
  executors: ReadonlySet<Fingerprint>,
): Promise<Sides> {
  const signed = junk.filter((one) => one.signed !== null);
  if (signed.length === 0) return NO_SIDES;
  const beside = new Beside(desk.repository, end.state.root, signed, executors);
  await beside.read();
  if (beside.least === undefined) return NO_SIDES;
  const chain = await chainBelow(desk, end, beside.least - 1);
  const dead = beside.deadBy(settledBy(end.state.policy));
  const believed: LedgerPoint[] = [];
  const settles = new Set<Sha256>();
  const left = [...chain.values()].filter(({ head }) => beside.follows(head));
  const ours = new Set([...chain.values()].map(({ head }) => head));
  for (const base of left) {
    const from = await stateOf(desk, end, base);
    if (from === undefined) continue;
    for await (const found of beside.sideFrom(desk, from, ours, dead)) {
      believed.push({ seq: found.seq, head: found.head });
      const named = settledBy(found.policy);
      if (named.some((one) => ours.has(one))) for (const one of named) settles.add(one);
    }
  }
  return { believed, dead, settles };
}

interface ChainPoint extends LedgerPoint {
  readonly commit: Oid;
}

/** The chain's entries from its end down to that number, by digest. */
async function chainBelow(desk: Desk, end: Known, least: number): Promise<ReadonlyMap<Sha256, ChainPoint>> {
  const chain = new Map<Sha256, ChainPoint>();
  for await (const { entry, head, commit } of entriesBelow(desk, end)) {
    chain.set(head, { seq: entry.seq, head, commit });
    if (entry.seq <= least) break;
  }
  return chain;
}

/** Of the commits that hold the entry's bytes, the first that holds its files, too: that digests say. */
async function stateOf(desk: Desk, end: Known, { commit, head }: ChainPoint): Promise<Known | undefined> {
  const at = async (oid: Oid): Promise<Known | undefined> => {
    try {
      const { root } = end.state;
      const state = await stateAt(desk.repository, desk.providers, oid, { root, head });
      return state === undefined ? undefined : { state, commit: oid };
    } catch (error) {
      // A copy with other files beside it, which anybody may push; that git does not answer is something else.
      if (!(error instanceof PamError) || gaveNoAnswer(error)) throw error;
      return undefined;
    }
  };
  const near = await at(commit);
  if (near !== undefined) return near;
  for await (const oid of commitsOfEntry(desk, end.commit, head)) {
    const found = await at(oid);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What executors signed beside the chain, by the entry that each names as the one before it. */
class Beside {
  readonly #repository: Repository;
  readonly #root: Sha256;
  #junk: readonly Junk[];
  readonly #executors: Set<Fingerprint>;
  #after = new Map<Sha256, SideEntry[]>();

  constructor(
    repository: Repository,
    root: Sha256,
    junk: readonly Junk[],
    executors: ReadonlySet<Fingerprint>,
  ) {
    this.#repository = repository;
    this.#root = root;
    this.#junk = junk;
    this.#executors = new Set(executors);
  }

  /** Again whenever a side brings a new executor's key: what it signed was not parsed before. */
  async read(): Promise<void> {
    this.#junk = await withPlaces(this.#repository, this.#junk, this.#executors);
    this.#after = new Map();
    for (const junk of this.#junk) {
      const { signed } = junk;
      const previous = signed?.entry?.previous;
      if (signed?.entry?.root !== this.#root || previous == null || junk.at.parents.length > 1) continue;
      const known = this.#after.get(previous);
      if (known === undefined) this.#after.set(previous, [{ junk, signed }]);
      else known.push({ junk, signed });
    }
  }

  get least(): number | undefined {
    let least: number | undefined;
    for (const candidates of this.#after.values()) {
      for (const { signed } of candidates) {
        const seq = signed.entry?.seq;
        if (seq !== undefined && (least === undefined || seq < least)) least = seq;
      }
    }
    return least;
  }

  follows(head: Sha256): boolean {
    return this.#after.has(head);
  }

  /** What was settled, with everything that names it as the entry below. */
  deadBy(settled: readonly Sha256[]): ReadonlySet<Sha256> {
    const dead = new Set<Sha256>();
    const left = [...settled];
    for (let head = left.pop(); head !== undefined; head = left.pop()) {
      if (dead.has(head)) continue;
      dead.add(head);
      for (const { signed } of this.#after.get(head) ?? []) left.push(signed.head);
    }
    return dead;
  }

  /** Entries that follow from there beside the chain, each believed by the rules that the chain itself is. */
  async *sideFrom(
    desk: Desk,
    base: Known,
    ours: ReadonlySet<Sha256>,
    dead: ReadonlySet<Sha256>,
  ): AsyncGenerator<ChainState, void, undefined> {
    const left: Known[] = [base];
    const seen = new Set<Sha256>();
    for (let from = left.pop(); from !== undefined; from = left.pop()) {
      for (const { junk, signed } of this.#after.get(from.state.head) ?? []) {
        if (ours.has(signed.head) || dead.has(signed.head) || seen.has(signed.head)) continue;
        const { repository, providers } = desk;
        for await (const walked of walkLedger(repository, providers, [junk.at], from.state)) {
          if (walked.kind !== 'step') continue;
          const { after, commit } = walked.step;
          seen.add(after.head);
          left.push({ state: after, commit: commit.oid });
          await this.#learn(after, from.state);
          yield after;
        }
      }
    }
  }

  async #learn({ policy }: ChainState, before: ChainState): Promise<void> {
    if (policy === before.policy) return;
    const fresh = executorKeys(policy).filter((key) => !this.#executors.has(key));
    for (const key of fresh) this.#executors.add(key);
    if (fresh.length > 0) await this.read();
  }
}
