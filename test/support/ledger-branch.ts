/**
 * A ledger branch in memory to which anybody may push anything: sides of a fork, merges, copies, orphans. Machines read
 * it by the real flows; nothing but git and the targets is replaced.
 */
import { type Audited, audit } from '../../src/flows/audit/audit.ts';
import { apply } from '../../src/flows/executor/apply.ts';
import type { Desk } from '../../src/flows/desk.ts';
import { keepHead } from '../../src/flows/ledger/kept-head.ts';
import { type LedgerView, readLedger } from '../../src/flows/ledger/read-ledger.ts';
import type { RunResult } from '../../src/flows/executor/run-result.ts';
import { sweep } from '../../src/flows/executor/sweep.ts';
import type { LedgerEvent } from '../../src/model/entry.ts';
import { type Instant, unixSeconds } from '../../src/model/instant.ts';
import type { Oid, Sha256 } from '../../src/model/names.ts';
import { LEDGER_NAMESPACE } from '../../src/model/statement.ts';
import { tellEntry } from '../../src/rules/tell-entry.ts';
import { type Host, deskOf, newHost, Targets, type Wires } from '../properties/history-world.ts';
import { MemoryObjects, type RefTable } from '../properties/memory-repository.ts';
import { ledgerFiles } from './ledger-files.ts';
import {
  type Append,
  at,
  fingerprintOf,
  keyNamed,
  Ledger,
  policyOf,
  TEXTS,
  type WorldPolicy,
} from './world.ts';

export const LEDGER = 'refs/heads/pam-ledger';
type Files = ReadonlyMap<string, Uint8Array>;

/** One side's story, with the commit that its newest entry stands in. */
export interface Side {
  readonly ledger: Ledger;
  tip: Oid;
  /** Commit of each entry by its number. */
  readonly commits: Map<number, Oid>;
}

export class LedgerBranch {
  readonly objects = new MemoryObjects();
  readonly remote: RefTable = new Map();
  readonly targets: Targets;
  readonly main: Side;
  now: Instant = at('13:00');
  #marks = 0;

  constructor(policy: WorldPolicy = policyOf(TEXTS), ledger = new Ledger(policy)) {
    this.targets = new Targets(() => unixSeconds(this.now));
    this.main = this.#side(ledger);
    this.remote.set('refs/heads/main', this.commit(policy.files, []));
  }

  get root(): Sha256 {
    return this.main.ledger.state.root;
  }

  #side(ledger: Ledger): Side {
    let parents: readonly Oid[] = [];
    const commits = new Map<number, Oid>();
    ledger.candidates.forEach(({ signed, entry }, seq) => {
      const state = ledger.entries[seq]?.after;
      if (state === undefined) throw new TypeError('an entry without a state');
      const armor = keyNamed(entry.executor).sign(signed.bytes, LEDGER_NAMESPACE);
      const tip = this.commit(ledgerFiles(state, signed.bytes, armor), parents, tellEntry(entry));
      commits.set(seq, tip);
      parents = [tip];
    });
    const [tip] = parents;
    if (tip === undefined) throw new TypeError('a ledger without entries');
    this.push(tip);
    return { ledger, tip, commits };
  }

  /** Another story from here on, by somebody who holds an executor's key. */
  fork(side: Side = this.main): Side {
    const ledger = new Ledger();
    ledger.state = side.ledger.state;
    return { ledger, tip: side.tip, commits: new Map(side.commits) };
  }

  /** The next entry of a side, as its executor writes it, on top of that side's commit (or of `on`). */
  append(
    side: Side,
    events: readonly LedgerEvent[],
    now: Instant,
    how: Append & { readonly on?: Oid } = {},
  ): Oid {
    const draft = side.ledger.draft(events, now, how);
    const state = side.ledger.follow(draft);
    const files = ledgerFiles(state, draft.bytes, draft.signature);
    side.tip = this.commit(files, [how.on ?? side.tip], tellEntry(draft.entry));
    side.commits.set(state.seq, side.tip);
    return side.tip;
  }

  beat(side: Side, now: Instant, how: Append & { readonly on?: Oid } = {}): Oid {
    return this.append(side, [{ type: 'heartbeat', id: '-', live: 0 }], now, {
      executor: 'pam-sweep',
      ...how,
    });
  }

  changePolicy(
    side: Side,
    world: WorldPolicy,
    now: Instant,
    signers: readonly string[],
    how: Append & { readonly on?: Oid } = {},
  ): Oid {
    const statements = side.ledger.policyStatements(world, now, signers);
    const seq = (side.ledger.state.index.beats?.policy.seq ?? 0) + 1;
    const event = { type: 'policy', id: '-', seq, digest: world.policy.digest, statements } as const;
    return this.append(side, [event], now, { ...how, brings: world });
  }

  commit(files: ReadonlyMap<string, Uint8Array | string>, parents: readonly Oid[], message = 'pushed'): Oid {
    const bytes = new Map([...files].map(([path, content]) => [path, Buffer.from(content)]));
    const mark = String((this.#marks += 1));
    const who = { author: 'somebody', at: at('12:00'), mark };
    return this.objects.write({ parents, base: null, files: bytes, message, ...who });
  }

  filesOf(commit: Oid): Files {
    return this.objects.files(commit);
  }

  push(commit: Oid): void {
    this.remote.set(LEDGER, commit);
  }

  /** A machine of its own: no kept head, the root pinned, or not. */
  machine(name: string, pinned = true): Machine {
    const root = pinned ? this.root : undefined;
    const nonce = (bytes: number): string => String((this.#marks += 1)).padStart(bytes * 2, '0');
    const wires: Wires = {
      objects: this.objects,
      remote: this.remote,
      targets: this.targets,
      now: () => unixSeconds(this.now),
      root,
      nonce,
    };
    return new Machine(wires, newHost(name));
  }
}

export class Machine {
  readonly notes: string[] = [];
  /** It clones anew for each run, and lacks the commit of its kept head. */
  clonesAnew = false;
  /** What stands in place of the kept head's signature. */
  signature: string | undefined;
  readonly #wires: Wires;
  readonly #host: Host;

  constructor(wires: Wires, host: Host) {
    this.#wires = wires;
    this.#host = host;
  }

  async desk(): Promise<Desk> {
    const desk = await deskOf(this.#wires, this.#host);
    await (await desk.remote?.open())?.fetch(['+refs/heads/*:refs/remotes/origin/*']);
    const keptHead: Desk['memory']['keptHead'] = async (owner, root) => {
      const kept = await desk.memory.keptHead(owner, root);
      return kept === undefined || !this.clonesAnew
        ? kept
        : { ...kept, commit: null, signature: this.signature ?? kept.signature };
    };
    return {
      ...desk,
      memory: { ...desk.memory, keptHead },
      note: (text) => void this.notes.push(text),
      keyOf: async (name) => await Promise.resolve(fingerprintOf(name)),
      sign: async (text, namespace, name) => await Promise.resolve(keyNamed(name).sign(text, namespace)),
    };
  }

  /** Reads as that executor, or as a person, and keeps the head. */
  async read(name: string | null = 'pam-apply'): Promise<LedgerView> {
    const executor = name === null ? null : { name, keyFile: name };
    const desk = await this.desk();
    const view = await readLedger(desk, executor);
    await keepHead(desk, executor, view);
    return view;
  }

  async sweep(name = 'pam-sweep'): Promise<RunResult> {
    return await sweep(await this.desk(), { name, keyFile: name }, { targets: [] });
  }

  async apply(name = 'pam-apply'): Promise<RunResult> {
    return await apply(await this.desk(), { name, keyFile: name });
  }

  async audit(): Promise<Audited> {
    return await audit(await this.desk());
  }
}
