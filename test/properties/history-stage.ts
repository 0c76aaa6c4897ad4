/**
 * Plays histories with the real flows: people ask, sign, deny, merge and ratify; whoever may push forges, copies,
 * edits, deletes and rewinds; two grant executors and a sweeper, each with a memory and a clock of its own, run,
 * pause, meet and die between any two steps. The model beside it is told what happened and judges it.
 */
import { posting } from '../support/posting.ts';
import { apply } from '../../src/flows/executor/apply.ts';
import { audit } from '../../src/flows/audit/audit.ts';
import { beginLedger } from '../../src/flows/setup/begin-ledger.ts';
import type { Desk } from '../../src/flows/desk.ts';
import { fetchState } from '../../src/flows/ledger/fetch-state.ts';
import { lookAtRequest } from '../../src/flows/gather/look-at-request.ts';
import { proposeRequest, type Wish } from '../../src/flows/people/make-request.ts';
import { mergeRequest } from '../../src/flows/people/merge-request.ts';
import { ratifiable, ratify } from '../../src/flows/people/ratify-policy.ts';
import { exitOfRun, type RunResult } from '../../src/flows/executor/run-result.ts';
import { prepareApproval, signApproval } from '../../src/flows/people/sign-approval.ts';
import { prepareStop, signStop } from '../../src/flows/people/sign-stop.ts';
import { sweep } from '../../src/flows/executor/sweep.ts';
import { walkWhole } from '../../src/flows/ledger/walk/walk-whole.ts';
import { printRequest } from '../../src/documents/request-file.ts';
import type { Entry } from '../../src/model/entry.ts';
import { PamError } from '../../src/model/error.ts';
import { type Instant, instantOf, parseDuration, secondsOf } from '../../src/model/instant.ts';
import {
  isOid,
  isRequestId,
  isSha256,
  type Oid,
  requestPath,
  type RequestId,
  type Sha256,
  signaturePath,
} from '../../src/model/names.ts';
import { POLICY_PATHS } from '../../src/model/policy.ts';
import type { Request } from '../../src/model/request.ts';
import { LEDGER_NAMESPACE, type Signed, type StatementOf } from '../../src/model/statement.ts';
import { joinSigned } from '../../src/trust/armor.ts';
import { treeDigest } from '../../src/trust/digest.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import { type Act, tracedDesk } from '../crash/traced-desk.ts';
import { digest, HistoryModel, type ModelPolicy, type Run, signedKey } from './history-model.ts';
import {
  ADMIN,
  BEGIN,
  clockOf,
  deskOf,
  type ExecutorName,
  EXECUTORS,
  type Host,
  type Mood,
  newHost,
  policyTexts,
  signAs,
  Targets,
  type Wires,
} from './history-world.ts';
import { MemoryObjects } from './memory-repository.ts';
import { changedPolicy, FIRST_POLICY } from './history-policies.ts';

export type Fault =
  | { readonly kind: 'none' }
  /** Dies before or after a step; a dead process does nothing any more. */
  | { readonly kind: 'dies'; readonly step: number; readonly after: boolean }
  /** Stands still in front of a step. */
  | { readonly kind: 'pauses'; readonly step: number; readonly seconds: number }
  /** A push arrives, its answer does not. */
  | { readonly kind: 'cut'; readonly step: number }
  /** Others are at work while it stands in front of a step. */
  | { readonly kind: 'meets'; readonly step: number; readonly others: readonly Op[] };

export type Op =
  | {
      readonly do: 'ask';
      readonly who: number;
      readonly role: number;
      readonly minutes: number;
      readonly startIn: number;
      readonly incident: boolean;
      readonly signers: readonly string[];
      readonly merge: 'pam' | 'git' | 'no';
    }
  | {
      readonly do: 'edit';
      readonly n: number;
      readonly minutes: number;
      readonly thief: boolean;
      readonly onMain: boolean;
    }
  | { readonly do: 'approve'; readonly n: number; readonly who: number }
  | { readonly do: 'forge'; readonly n: number; readonly who: number; readonly how: number }
  | { readonly do: 'stop'; readonly n: number; readonly who: number; readonly raw: boolean }
  | { readonly do: 'merge'; readonly n: number; readonly pam: boolean }
  | { readonly do: 'unmerge'; readonly n: number }
  | { readonly do: 'forget'; readonly n: number; readonly every: number }
  | { readonly do: 'policy'; readonly change: number; readonly who: number; readonly signed: boolean }
  | { readonly do: 'nothing' }
  | { readonly do: 'ratify' }
  | { readonly do: 'incident' }
  | { readonly do: 'standing'; readonly who: number; readonly what: number }
  | { readonly do: 'target'; readonly mood: Mood }
  | { readonly do: 'clock'; readonly host: number; readonly skew: number }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'junk'; readonly how: number }
  | { readonly do: 'damage'; readonly back: number }
  | { readonly do: 'rewind-main'; readonly who: number }
  | { readonly do: 'run'; readonly host: number; readonly sweep: boolean; readonly fault: Fault };

const LEDGER = 'refs/heads/pam-ledger';
const MAIN = 'refs/heads/main';
const SIGNERS = ['bob', 'carol', 'erin', 'dana', 'frank', 'grace', 'bot'] as const;
const ROLES = ['reader', 'writer', 'keeper', 'root', 'night'] as const;
const PERMISSIONS = ['read', 'keep', 'write'] as const;

class Dead extends Error {}

interface Version {
  readonly id: RequestId;
  readonly request: Request;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** One world as it was when its first policy had come into force; every history begins with a copy. */
export interface Beginning {
  readonly objects: MemoryObjects;
  readonly remote: ReadonlyMap<string, Oid>;
  readonly root: Sha256;
}

export async function begin(): Promise<Beginning> {
  const objects = new MemoryObjects();
  const remote = new Map<string, Oid>();
  const now = (): number => BEGIN;
  const wires: Wires = {
    objects,
    remote,
    targets: new Targets(now),
    now,
    root: undefined,
    nonce: (bytes) => '0'.repeat(bytes * 2),
  };
  const host = newHost('begin');
  const files = new Map<string, Uint8Array>(
    Object.entries(policyTexts(FIRST_POLICY)).map(([path, text]) => [path, Buffer.from(text)]),
  );
  files.set('incidents/INC-1.yaml', Buffer.from('version: 1\nid: INC-1\nstatus: open\n'));
  const at = instantOf(BEGIN * 1000);
  const main = objects.write({ parents: [], base: null, files, message: 'begin', author: ADMIN, at });
  host.table.set(MAIN, main);
  const admin = { id: ADMIN, keyFile: ADMIN };
  const executor = { name: 'pam-apply', keyFile: 'pam-apply' };
  const { root } = await beginLedger(await deskOf(wires, host), admin, executor);
  return { objects, remote, root };
}

export class HistoryStage {
  readonly model = new HistoryModel();
  readonly seen = new Set<string>();
  readonly targets: Targets;
  #now = BEGIN + 60;
  readonly #wires: Wires;
  readonly #hosts: readonly { readonly name: ExecutorName; readonly host: Host }[];
  readonly #people: Host;
  readonly #auditor: Host;
  readonly #versions: Version[] = [];
  readonly #published: { readonly id: RequestId; readonly signed: Signed }[] = [];
  readonly #policies = new Map<string, ModelPolicy>();
  readonly #junk = new Set<Oid>();
  readonly #active: Run[] = [];
  #nonces = 0;
  #newest: Oid;
  #readMain: Oid | null = null;
  /** The latest that any clock has said in a run. */
  #latest = 0;

  constructor(beginning: Beginning) {
    this.targets = new Targets(() => this.#now);
    this.#wires = {
      objects: new MemoryObjects(beginning.objects),
      remote: new Map(beginning.remote),
      targets: this.targets,
      now: () => this.#now,
      root: beginning.root,
      nonce: (bytes) => (this.#nonces++).toString(16).padStart(bytes * 2, '0'),
    };
    this.#hosts = EXECUTORS.map((name) => ({ name, host: newHost(name) }));
    this.#people = newHost('people');
    this.#auditor = newHost('auditor');
    this.#newest = this.#remote(LEDGER);
    this.#knowPolicy(FIRST_POLICY);
    const first = {
      executor: 'pam-apply',
      mains: new Set<string>(),
      halted: null,
      stops: [],
      granted: new Set<string>(),
    };
    for (const oid of this.#wires.objects.reach(this.#newest)) this.model.appended(this.#entry(oid), first);
    this.#mainMoved();
    for (const key of ['shelf bot read', 'shelf bot keep', 'shelf erin keep']) {
      this.targets.there.set(key, Infinity);
      this.model.standing.add(key);
    }
  }

  async play(op: Op): Promise<void> {
    try {
      await this.#do(op);
    } catch (error) {
      // What people are told is right or wrong elsewhere; here it only must not be a bug.
      if (!(error instanceof PamError) || error.code === 'E_BUG') throw error;
      this.seen.add(error.code);
    }
    if (this.model.broken !== null) throw this.model.broken;
    this.model.liveIsThere((key) => this.targets.present(key), Math.max(this.#latest, this.#now));
  }

  async #do(op: Op): Promise<void> {
    switch (op.do) {
      case 'nothing':
        return;
      case 'ask':
        return await this.#ask(op);
      case 'edit':
        return await this.#edit(op);
      case 'approve':
        return await this.#approve(this.#pick(op.n)?.id, SIGNERS[op.who % SIGNERS.length] ?? 'bob');
      case 'forge':
        return await this.#forge(this.#pick(op.n), SIGNERS[op.who % SIGNERS.length] ?? 'bob', op.how);
      case 'stop':
        return await this.#stop(this.#pick(op.n)?.id, SIGNERS[op.who % SIGNERS.length] ?? 'bob', op.raw);
      case 'merge':
        return await this.#merge(this.#pick(op.n), op.pam);
      case 'unmerge': {
        const version = this.#pick(op.n);
        if (version === undefined) return;
        this.#commitToMain(new Map([...version.files.keys()].map((path) => [path, null])));
        return;
      }
      case 'forget':
        return this.#forget(this.#pick(op.n)?.id, op.every);
      case 'policy': {
        const next = changedPolicy(this.model.policy, op, this.#now);
        this.#knowPolicy(next);
        this.#commitToMain(
          new Map(Object.entries(policyTexts(next)).map(([path, text]) => [path, Buffer.from(text)])),
        );
        if (op.signed) await this.#ratify();
        return;
      }
      case 'ratify':
        return await this.#ratify();
      case 'incident':
        return this.#toggleIncident();
      case 'standing':
        return this.#standing(SIGNERS[2 + (op.who % 2)] ?? 'erin', PERMISSIONS[op.what % 3] ?? 'read');
      case 'target':
        this.targets.mood = op.mood;
        return;
      case 'clock': {
        const at = this.#hosts[op.host % this.#hosts.length];
        if (at !== undefined) at.host.skew = op.skew;
        return;
      }
      case 'wait':
        this.#now += op.seconds;
        return;
      case 'junk':
        return this.#pushJunk(op.how);
      case 'damage':
        return await this.#damage(op.back);
      case 'rewind-main':
        return await this.#rewindMain(op.who);
      case 'run':
        await this.#run(op);
    }
  }

  /** Everything comes to rest; then nothing is left behind, and the ledger alone tells what was done. */
  async settle(): Promise<void> {
    this.targets.mood = 'well';
    for (const { host } of this.#hosts) host.skew = 0;
    const run = async (host: number, sweeps: boolean): Promise<void> => {
      await this.play({ do: 'run', host, sweep: sweeps, fault: { kind: 'none' } });
    };
    await run(2, true);
    for (const host of [0, 1]) {
      this.#restorePolicy();
      await run(host, false);
      await run(1 - host, true);
      this.#now += 5 * 3600;
    }
    for (const host of [0, 1, 2]) await run(host, true);
    // A lost branch comes back with the next entry; where none was due, somebody puts it back by hand.
    const tip = this.#wires.remote.get(LEDGER);
    if (tip === undefined || this.#wires.objects.isAncestor(tip, this.#newest))
      this.#wires.remote.set(LEDGER, this.#newest);
    await this.#auditAgrees();
    const left = this.targets.keys().filter((key) => !this.model.standing.has(key));
    if (left.length > 0) throw new Error(`left behind for ever: ${left.join(', ')}`);
  }

  // --- what people do

  async #desk(): Promise<Desk> {
    return await deskOf(this.#wires, this.#people);
  }

  #instant(): Instant {
    return instantOf(this.#now * 1000);
  }

  /** One of the newest versions of requests. */
  #pick(n: number): Version | undefined {
    return this.#versions[this.#versions.length - 1 - (n % Math.max(1, Math.min(5, this.#versions.length)))];
  }

  async #ask(op: Extract<Op, { do: 'ask' }>): Promise<void> {
    const role = ROLES[op.role % ROLES.length] ?? 'reader';
    const [requester, subject] = (
      [
        ['dana', 'dana'],
        ['erin', 'erin'],
        ['dana', 'dana'],
        ['erin', 'erin'],
        ['dana', 'dana'],
        ['bot', 'bot'],
        ['erin', 'bot'],
      ] as const
    )[op.who % 7] ?? ['dana', 'dana'];
    const start = op.startIn === 0 ? undefined : instantOf((this.#now + op.startIn * 60) * 1000);
    const wish: Wish = {
      role,
      duration: `${op.minutes}m`,
      justification: `Asked for the ${this.#versions.length}th time.`,
      controls: [],
      scope: {},
      subject,
      start,
      incident: op.incident ? 'INC-1' : undefined,
    };
    const desk = await this.#desk();
    const version = await this.#propose(desk, requester, wish);
    for (const signer of op.signers) {
      await this.#approve(version.id, signer).catch(async (error: unknown) => {
        if (!(error instanceof PamError)) throw error;
        // Who may not sign with pam signs without.
        await this.#forge(version, signer, 0);
      });
    }
    if (op.merge !== 'no') await this.#merge(version, op.merge === 'pam');
  }

  /** With pam; who is refused by its pre-checks pushes the same by hand. */
  async #propose(desk: Desk, requester: string, wish: Wish): Promise<Version> {
    try {
      const { request } = await proposeRequest(desk, { id: requester, keyFile: requester }, wish);
      return this.#written(request, requester);
    } catch (error) {
      if (!(error instanceof PamError)) throw error;
      const duration = parseDuration(wish.duration);
      const id = `${this.#instant().slice(0, 10).replaceAll('-', '')}-${wish.role}-x${String(this.#nonces++).padStart(5, '0')}`;
      if (duration === undefined || !isRequestId(id)) throw error;
      const { role, justification, subject = requester, incident, start } = wish;
      const request: Request = {
        version: 1,
        id,
        requester,
        subject,
        role,
        duration,
        justification,
        ...(incident === undefined ? {} : { incident }),
        ...(start === undefined ? {} : { start: instantOf(Date.parse(start)) }),
      };
      const version = this.#written(request, requester);
      this.#pushProposal(version);
      return version;
    }
  }

  /** These bytes exist, and somebody signed them as their request. */
  #written(request: Request, signer: string): Version {
    const bytes = Buffer.from(printRequest(request));
    const { id } = request;
    const text = printStatement({
      type: 'request',
      root: this.#root(),
      signer,
      signedAt: this.#instant(),
      request: id,
      requestSha256: sha(bytes),
    });
    const signed = { text, armor: signAs(signer, text, STATEMENT_KINDS.request.namespace) };
    const version = {
      id,
      request,
      files: new Map<string, Uint8Array>([
        [requestPath(id), bytes],
        [signaturePath(id), Buffer.from(joinSigned(signed))],
      ]),
    };
    this.#versions.push(version);
    const { requester, subject, role, duration, start, incident } = request;
    this.model.asked(digest(bytes), {
      id,
      requester,
      subject,
      role,
      seconds: secondsOf(duration),
      start: start === undefined ? null : Date.parse(start) / 1000,
      incident: incident ?? null,
    });
    return version;
  }

  #root(): Sha256 {
    if (this.#wires.root === undefined) throw new TypeError('no root');
    return this.#wires.root;
  }

  #pushProposal({ id, files }: Version): void {
    const branch = `refs/heads/pam/${id}`;
    const base = this.#wires.remote.get(branch) ?? this.#remote(MAIN);
    this.#wires.remote.set(branch, this.#commit([base], base, files));
  }

  /** Other bytes under the same id: by the requester, or by somebody who wants the id. */
  async #edit(op: Extract<Op, { do: 'edit' }>): Promise<void> {
    const old = this.#pick(op.n);
    const duration = parseDuration(`${op.minutes}m`);
    if (old === undefined || duration === undefined) return await Promise.resolve();
    const thief = old.request.requester === 'erin' ? 'dana' : 'erin';
    const who = op.thief ? { requester: thief, subject: thief } : {};
    const version = this.#written(
      { ...old.request, ...who, duration },
      op.thief ? thief : old.request.requester,
    );
    if (op.onMain) this.#commitToMain(version.files);
    else this.#pushProposal(version);
  }

  async #approve(id: RequestId | undefined, signer: string): Promise<void> {
    if (id === undefined) return;
    const desk = await this.#desk();
    const looked = await lookAtRequest(desk, id);
    const prepared = prepareApproval(looked, signer, 'Nobody else is awake.');
    const { signed } = await signApproval(desk, looked, prepared, { id: signer, keyFile: signer });
    this.#approved(id, prepared.statement, signed);
  }

  #approved(topic: RequestId, statement: StatementOf<'approval'>, signed: Signed): void {
    this.#published.push({ id: topic, signed });
    const { request: id, requestSha256: bytes, signer, signedAt, grant, capacity } = statement;
    const { subject, target, permissions, duration, start } = grant;
    this.model.approved(signedKey(signed), {
      id,
      bytes,
      signer,
      signedAt: Date.parse(signedAt) / 1000,
      fallback: capacity === 'fallback',
      subject,
      target,
      permissions,
      seconds: secondsOf(duration),
      start: start === null ? null : Date.parse(start) / 1000,
    });
  }

  /** Statements that pam would not let anybody sign, pushed by hand. */
  async #forge(version: Version | undefined, signer: string, how: number): Promise<void> {
    if (version === undefined) return;
    const { id } = version;
    const desk = await this.#desk();
    const looked = await lookAtRequest(desk, id);
    const grant = looked.judged?.decision.grant;
    if (grant == null) return;
    const forge = await desk.forge(looked.view.state.policy.config);
    const { seq, head } = looked.view.state;
    const honest: StatementOf<'approval'> = {
      type: 'approval',
      root: this.#root(),
      signer,
      signedAt: this.#instant(),
      request: id,
      requestSha256: looked.judged?.snapshot.requestSha256 ?? sha(''),
      grant,
      capacity: 'named',
      because: null,
      ledger: { seq, head },
    };
    const later = instantOf((this.#now + 1200) * 1000);
    const earlier = instantOf((this.#now - 7200) * 1000);
    const duration = parseDuration('9h') ?? grant.duration;
    const lies: readonly Partial<StatementOf<'approval'>>[] = [
      {},
      { grant: { ...grant, duration } },
      { requestSha256: sha('other bytes') },
      { request: this.#versions[0]?.id ?? id },
      { grant: { ...grant, permissions: ['superuser'] } },
      { grant: { ...grant, subject: 'frank', login: 'frank' } },
      { capacity: 'fallback', because: 'I say so' },
      { signedAt: later },
      { signedAt: earlier, capacity: 'fallback', because: 'I was early' },
      { ledger: { seq, head: sha('another ledger') } },
      { root: sha('another root') },
    ];
    if (how % 13 < lies.length) {
      const statement: StatementOf<'approval'> = { ...honest, ...lies[how % 13] };
      const text = printStatement(statement);
      const signed = { text, armor: signAs(signer, text, STATEMENT_KINDS.approval.namespace) };
      await forge.publish(posting(id, signed, signer));
      // What names another ledger or another root says nothing about this one.
      const aboutThis = statement.root === honest.root && statement.ledger.head === head;
      if (aboutThis) this.#approved(id, statement, signed);
      return;
    }
    const copied = this.#published.findLast((one) => one.id !== id)?.signed;
    const text = printStatement(honest);
    const stolen = { text, armor: signAs('dana', text, STATEMENT_KINDS.approval.namespace) };
    const signed = how % 13 === 12 && copied !== undefined ? copied : stolen;
    if (signer !== 'dana') await forge.publish(posting(id, signed, 'mallory'));
  }

  async #stop(id: RequestId | undefined, signer: string, raw: boolean): Promise<void> {
    if (id === undefined) return;
    const desk = await this.#desk();
    const looked = await lookAtRequest(desk, id);
    if (!raw) {
      const statement = prepareStop(looked, signer, 'done');
      const signed = await signStop(desk, looked, statement, { id: signer, keyFile: signer });
      this.#stopped(id, signer, signed);
      return;
    }
    const stop = { type: 'stop' as const, root: this.#root(), signer, request: id, because: null };
    const text = printStatement({ ...stop, signedAt: this.#instant() });
    const signed = { text, armor: signAs(signer, text, STATEMENT_KINDS.stop.namespace) };
    const forge = await desk.forge(looked.view.state.policy.config);
    await forge.publish(posting(id, signed, signer));
    this.#stopped(id, signer, signed);
  }

  #stopped(id: RequestId, signer: string, signed: Signed): void {
    this.#published.push({ id, signed });
    this.model.stopped(signedKey(signed), { id, signer, signedAt: this.#now });
  }

  async #merge(version: Version | undefined, pam: boolean): Promise<void> {
    if (version === undefined) return;
    if (!pam) return this.#commitToMain(version.files);
    const desk = await this.#desk();
    await mergeRequest(desk, await lookAtRequest(desk, version.id), ADMIN);
    this.#mainMoved();
  }

  async #ratify(): Promise<void> {
    const desk = await this.#desk();
    const found = await ratifiable(desk);
    if (found !== undefined) await ratify(desk, found, { id: ADMIN, keyFile: ADMIN }, null);
  }

  #knowPolicy(policy: ModelPolicy): void {
    const files = new Map<string, Uint8Array>(
      Object.entries(policyTexts(policy)).map(([path, text]) => [path, Buffer.from(text)]),
    );
    const policyDigest = treeDigest(files);
    this.#policies.set(policyDigest, policy);
    this.model.knowPolicy(policyDigest, policy);
  }

  #restorePolicy(): void {
    const policy = this.#policies.get(this.model.inForce) ?? FIRST_POLICY;
    this.#commitToMain(
      new Map(Object.entries(policyTexts(policy)).map(([path, text]) => [path, Buffer.from(text)])),
    );
  }

  #toggleIncident(): void {
    const open = this.#mainFacts(this.#remote(MAIN)).incidentOpen;
    const text = `version: 1\nid: INC-1\nstatus: ${open ? 'closed' : 'open'}\n`;
    this.#commitToMain(new Map([['incidents/INC-1.yaml', Buffer.from(text)]]));
  }

  /** An admin of the target gives access by hand, where pam gave none. */
  #standing(login: string, permission: string): void {
    const key = `shelf ${login} ${permission}`;
    if (this.targets.present(key) || this.model.explains(key, this.#now)) return;
    this.targets.there.set(key, Infinity);
    this.model.standing.add(key);
  }

  // --- what whoever may push does

  #forget(id: RequestId | undefined, every: number): void {
    const branches = [...this.#wires.remote.keys()].filter((ref) =>
      ref.startsWith(`refs/heads/pam-statements/${id}.`),
    );
    for (const [at, ref] of branches.entries()) if (at % every === 0) this.#wires.remote.delete(ref);
  }

  #commitToMain(files: ReadonlyMap<string, Uint8Array | null>): void {
    const main = this.#remote(MAIN);
    this.#wires.remote.set(MAIN, this.#commit([main], main, files));
    this.#mainMoved();
  }

  #commit(parents: readonly Oid[], base: Oid | null, files: ReadonlyMap<string, Uint8Array | null>): Oid {
    const at = this.#instant();
    return this.#wires.objects.write({ parents, base, files, message: 'by hand', author: 'mallory', at });
  }

  #pushJunk(how: number): void {
    const tip = this.#wires.remote.get(LEDGER);
    // Junk on a rewound branch is a fork: nobody appends until somebody puts the branch back (executor-doubt.test.ts).
    if (tip === undefined || !this.#wires.objects.isAncestor(this.#newest, tip)) return;
    const newest = JSON.parse(Buffer.from(this.#entry(this.#newest)).toString('utf8')) as Entry;
    const forged = (executor: string, key: string): ReadonlyMap<string, Uint8Array> => {
      const events = [{ type: 'heartbeat', id: '-', live: 0 }];
      const id = this.#versions[0]?.id ?? '20261122-reader-000000';
      const granting = how % 2 === 0 ? events : [{ type: 'granted', id, receipt: {} }];
      const next = { seq: newest.seq + 1, previous: digest(this.#entry(this.#newest)), executor };
      const text = `${JSON.stringify({ ...newest, root: this.#root(), ...next, events: granting })}\n`;
      return new Map([
        ['entry.json', Buffer.from(text)],
        ['entry.json.sig', Buffer.from(signAs(key, text, LEDGER_NAMESPACE))],
      ]);
    };
    const honest = this.#wires.objects.reach(this.#newest).filter((oid) => !this.#junk.has(oid));
    const old = honest[how % honest.length] ?? this.#newest;
    const files = [
      (): ReadonlyMap<string, Uint8Array> => new Map([['entry.json', Buffer.from('{}\n')]]),
      (): ReadonlyMap<string, Uint8Array> => this.#wires.objects.commit(old).files,
      () => forged('pam-sweep', 'pam-sweep'),
      () => forged('pam-apply', 'dana'),
    ][how % 4]?.();
    const junk = this.#commit([tip], null, files ?? new Map());
    this.#junk.add(junk);
    this.#wires.remote.set(LEDGER, junk);
  }

  /**
   * The ledger branch is rewound or deleted, when every executor has verified its newest entry: who has not cannot
   * know what is missing, and the promise is then only that who has grants nothing and revokes all the same.
   */
  async #damage(back: number): Promise<void> {
    for (let round = 0; round < 3; round++) {
      for (const host of [0, 1, 2])
        await this.#run({ do: 'run', host, sweep: true, fault: { kind: 'none' } }).catch(() => undefined);
    }
    const kept = await Promise.all(
      this.#hosts.map(async ({ name, host }) => {
        const { memory } = await deskOf(this.#wires, host);
        return (await memory.keptHead(`executor.${name}`))?.commit;
      }),
    );
    if (kept.some((commit) => commit !== this.#newest) || this.#wires.remote.get(LEDGER) !== this.#newest)
      return;
    const chain = this.#wires.objects.reach(this.#newest);
    const tip = chain[chain.length - 1 - back];
    if (back === 0 || tip === undefined) this.#wires.remote.delete(LEDGER);
    else this.#wires.remote.set(LEDGER, tip);
    this.seen.add(back === 0 ? 'ledger deleted' : 'ledger rewound');
  }

  /** Main goes back for one run, in which a request would be ready, and comes forward again. */
  async #rewindMain(who: number): Promise<void> {
    const plain = { do: 'run', host: who % 2, sweep: false, fault: { kind: 'none' } } as const;
    const unsigned = { startIn: 0, incident: false, signers: [], merge: 'git' } as const;
    for (const role of [0, 1]) {
      await this.#ask({ do: 'ask', who, role, minutes: 60, ...unsigned });
      await this.play(plain);
    }
    for (const signer of ['bob', 'carol']) await this.#approve(this.#pick(1)?.id, signer);
    const main = this.#remote(MAIN);
    const [older] = this.#wires.objects.commit(main).parents;
    if (older === undefined) return;
    this.#wires.remote.set(MAIN, older);
    this.#mainMoved();
    await this.play(plain);
    this.#wires.remote.set(MAIN, main);
    this.#mainMoved();
  }

  // --- what executors do

  async #run(op: Extract<Op, { do: 'run' }>): Promise<void> {
    const at = this.#hosts[op.host % this.#hosts.length];
    if (at === undefined || this.#active.some(({ executor }) => executor === at.name)) return;
    const { name, host } = at;
    const { fault } = op;
    const run: Run = {
      executor: name,
      mains: new Set([this.#remote(MAIN)]),
      halted: fault.kind === 'meets' ? null : this.#doubt(),
      stops: this.#visibleStops(),
      granted: new Set(),
    };
    this.#active.push(run);
    const life = { dead: false, hit: false };
    const desk = tracedDesk(await deskOf(this.#wires, host), this.#act(run, host, fault, life));
    const executor = { name, keyFile: name };
    let result: RunResult | undefined;
    try {
      const sweeps = op.sweep || name === 'pam-sweep';
      result = sweeps ? await sweep(desk, executor, { targets: [] }) : await apply(desk, executor);
      if (sweeps && !life.dead && !life.hit && exitOfRun(result) === 0)
        this.model.swept(this.targets.keys(), this.#clock(host), run);
      if (!sweeps && !life.dead && this.targets.mood === 'well')
        this.model.applied(run, (key) => this.targets.present(key));
    } catch (error) {
      if (!life.dead || !(error instanceof Dead)) throw error;
    } finally {
      this.#active.splice(this.#active.indexOf(run), 1);
    }
    if (life.dead) this.seen.add('died');
    for (const one of result?.troubles ?? []) this.seen.add(one.code);
  }

  #clock(host: Host): number {
    return Date.parse(clockOf(this.#wires, host)) / 1000;
  }

  #act(run: Run, host: Host, fault: Fault, life: { dead: boolean; hit: boolean }): Act {
    let taken = 0;
    return async (name, step) => {
      if (life.dead) throw new Dead();
      const here = fault.kind !== 'none' && fault.step === taken++;
      life.hit ||= here;
      if (here && fault.kind === 'dies' && !fault.after) this.#die(life);
      if (here && fault.kind === 'pauses') this.#now += fault.seconds;
      if (here && fault.kind === 'meets') for (const other of fault.others) await this.play(other);
      this.#latest = Math.max(this.#latest, this.#clock(host));
      const before = this.#wires.remote.get(LEDGER);
      this.targets.onCall = (call) => {
        this.model.called(call, run);
      };
      const result = await step();
      const tip = this.#wires.remote.get(LEDGER);
      if (name === 'remote.push' && tip !== undefined && tip !== before) this.#appended(tip, run);
      if (here && fault.kind === 'dies') this.#die(life);
      if (here && fault.kind === 'cut' && name === 'remote.push')
        throw new PamError('E_GIT_NETWORK', 'the connection was cut');
      return result;
    };
  }

  #die(life: { dead: boolean }): never {
    life.dead = true;
    throw new Dead();
  }

  #appended(tip: Oid, run: Run): void {
    const bytes = this.#entry(tip);
    this.model.appended(bytes, run);
    this.#newest = tip;
    const { main } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Entry;
    if (main !== undefined && isOid(main)) this.#readMain = main;
  }

  /** Why nothing may be granted by a run that begins now. */
  #doubt(): string | null {
    if (this.#wires.remote.get(LEDGER) !== this.#newest)
      return 'the ledger branch is not at its newest entry';
    const known = this.#readMain;
    if (known !== null && !this.#wires.objects.isAncestor(known, this.#remote(MAIN)))
      return 'main does not descend from what was read before';
    return null;
  }

  #visibleStops() {
    return this.#published.flatMap(({ id, signed }) => {
      const branch = `refs/heads/pam-statements/${id}.${digest(signed.text).slice(7, 23)}`;
      const stop = this.model.stopOf(signedKey(signed));
      return stop !== undefined && this.#wires.remote.has(branch) ? [stop] : [];
    });
  }

  // --- what the model is told

  #remote(ref: string): Oid {
    const oid = this.#wires.remote.get(ref);
    if (oid === undefined) throw new TypeError(`the remote has no ${ref}`);
    return oid;
  }

  #entry(commit: Oid): Uint8Array {
    return this.#wires.objects.commit(commit).files.get('entry.json') ?? new Uint8Array();
  }

  #mainMoved(): void {
    const main = this.#remote(MAIN);
    this.model.mainIs(main, this.#mainFacts(main));
    for (const run of this.#active) run.mains.add(main);
  }

  #mainFacts(commit: Oid) {
    const { files } = this.#wires.objects.commit(commit);
    const requests = [...files].filter(([path]) => path.startsWith('requests/') && path.endsWith('.yaml'));
    const status = Buffer.from(files.get('incidents/INC-1.yaml') ?? new Uint8Array()).toString();
    return {
      policy: treeDigest(
        new Map(POLICY_PATHS.map((path) => [path, files.get(path) ?? new Uint8Array()] as const)),
      ),
      requests: new Map(
        requests.map(([path, bytes]) => [
          path.slice('requests/2026/11/'.length, -'.yaml'.length),
          digest(bytes),
        ]),
      ),
      incidentOpen: status.includes('status: open'),
    };
  }

  /** An auditor who has only the clone finds what was pushed as junk and nothing else, and counts what was done. */
  async #auditAgrees(): Promise<void> {
    const desk = await deskOf(this.#wires, this.#auditor);
    await fetchState(desk);
    const told = await audit(desk, undefined);
    // What an executor's key signed and does not follow is an error; what anybody may push is a warning.
    const errors = told.findings.filter(
      ({ severity, code }) => severity === 'error' || code === 'W_LED_JUNK',
    );
    const junk = this.#wires.objects.reach(this.#remote(LEDGER)).filter((oid) => this.#junk.has(oid));
    const wrong = (what: string): never => {
      throw new Error(`audit: ${what}: ${JSON.stringify(errors)} ${JSON.stringify(told.totals)}`);
    };
    const alarms = errors.filter(({ severity }) => severity === 'error');
    if (errors.length !== junk.length || told.ok !== (alarms.length === 0))
      wrong(`${junk.length} commits of junk were pushed`);
    if (!errors.every(({ message }) => junk.some((oid) => message.includes(oid.slice(0, 12)))))
      wrong('it found something else than the junk');
    const { intents } = this.model.counts;
    if (told.totals.entries !== this.model.seq + 1 || told.totals.grants !== intents)
      wrong(`${this.model.seq + 1} entries and ${intents} intents were written`);
    if (told.totals.live !== 0) wrong('nothing is live');
    const { last } = await walkWhole(desk, { step: () => undefined });
    for (const { id, state } of last.after.index.records.values()) {
      const ours = this.model.records.get(id)?.state;
      const final = state === 'ended' || state === 'failed' || state === 'refused' || state === 'stopped';
      if (ours !== (state === 'unseen' ? undefined : final ? 'over' : state))
        wrong(`${id} is ${state}, and should be ${ours ?? 'unknown'}`);
    }
  }
}

function sha(bytes: string | Uint8Array): Sha256 {
  const text = digest(bytes);
  if (!isSha256(text)) throw new TypeError('not a digest');
  return text;
}
