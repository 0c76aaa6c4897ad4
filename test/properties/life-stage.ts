/**
 * Plays histories: people ask, sign, deny and merge; admins change policy; an executor applies and sweeps by the
 * real planners on a real signed ledger, crashes between any two steps, and asks targets that live in memory. The
 * model beside it is told what happened and judges it.
 */
import { printRequest } from '../../src/documents/request-file.ts';
import type { LedgerEvent } from '../../src/model/entry.ts';
import type { GrantingEvent } from '../../src/rules/events/granting.ts';
import { type Instant, instantOf, parseDuration, unixSeconds } from '../../src/model/instant.ts';
import type { IncidentState } from '../../src/model/incident.ts';
import { isRequestId, type RequestId } from '../../src/model/names.ts';
import { mayBeLive, type OpenRecord } from '../../src/model/open-record.ts';
import type { Request } from '../../src/model/request.ts';
import type { Signed } from '../../src/model/statement.ts';
import { exactGrant, roleOf } from '../../src/rules/exact-grant.ts';
import { planApply, type Ready } from '../../src/rules/plan-apply.ts';
import { planSweep } from '../../src/rules/plan-sweep.ts';
import { printIndex } from '../../src/rules/print-index.ts';
import { accessOf, isExplained, isHeld, removalOf } from '../../src/rules/still-needed.ts';
import { sha256 } from '../../src/trust/digest.ts';
import {
  approve,
  type Asked,
  askText,
  at,
  evidenceOf,
  intentOf,
  Ledger,
  MAIN,
  policyOf,
  type PolicyTexts,
  providers,
  requestId,
  situation,
  stop,
  type WorldPolicy,
} from '../support/world.ts';
import { LifeModel, type ModelPolicy } from './life-model.ts';

export type Op =
  | {
      readonly do: 'ask';
      readonly who: number;
      readonly role: number;
      readonly minutes: number;
      readonly startIn: number;
      readonly incident: boolean;
      readonly signers: readonly string[];
      readonly merged: boolean;
    }
  | { readonly do: 'edit'; readonly n: number; readonly minutes: number }
  | { readonly do: 'approve'; readonly n: number; readonly who: number; readonly how: number }
  | { readonly do: 'stop'; readonly n: number; readonly who: number }
  | { readonly do: 'merge'; readonly n: number }
  | { readonly do: 'policy'; readonly change: number }
  | { readonly do: 'incident' }
  | { readonly do: 'down'; readonly down: boolean }
  | { readonly do: 'wait'; readonly seconds: number }
  | { readonly do: 'apply'; readonly crash: number; readonly meanwhile: number }
  | { readonly do: 'sweep'; readonly crash: number };

const ASKERS = ['dana', 'erin', 'bot'] as const;
const SIGNERS = ['bob', 'carol', 'erin', 'dana', 'frank', 'grace', 'bot'] as const;
const ROLES = ['db', 'look', 'root'] as const;

const FIRST: ModelPolicy = {
  roles: {
    db: {
      target: 'orders-db',
      shared: true,
      permissions: ['connect', 'write'],
      requesters: ['dana', 'erin', 'bot'],
      rules: [['bob', 'carol', 'erin']],
      mayPreexist: false,
    },
    look: {
      target: 'orders-db',
      shared: true,
      permissions: ['connect'],
      requesters: ['dana', 'erin', 'bot'],
      rules: [['bob', 'carol']],
      mayPreexist: true,
    },
    root: {
      target: 'bastion',
      shared: false,
      permissions: ['principal:root'],
      requesters: ['dana', 'erin'],
      rules: [
        ['bob', 'carol'],
        ['carol', 'erin'],
      ],
      mayPreexist: false,
    },
  },
  people: ['bob', 'carol', 'dana', 'erin', 'frank', 'grace'],
  services: { bot: 'erin', 'pam-apply': 'grace', 'pam-sweep': 'grace' },
  admins: ['grace'],
  compromised: {},
};

function textsOf(policy: ModelPolicy): PolicyTexts {
  const people = policy.people.map((one) => `  ${one}: { name: ${one}, keys: [{ key: KEY(${one}) }] }\n`);
  const executes: Readonly<Record<string, string>> = {
    'pam-apply': ', executes: { targets: ["*"], may: [grant, revoke] }',
    'pam-sweep': ', executes: { targets: ["*"], may: [revoke] }',
  };
  const services = Object.entries(policy.services).map(
    ([id, owner]) => `  ${id}: { owner: ${owner}, keys: [{ key: KEY(${id}) }]${executes[id] ?? ''} }\n`,
  );
  const revoked = Object.entries(policy.compromised).map(
    ([id, since]) =>
      `  - { fingerprint: "FINGERPRINT(${id})", at: ${instantOf(since * 1000)}, reason: compromised }\n`,
  );
  const roles = Object.entries(policy.roles).map(
    ([name, role]) => `  ${name}:
    description: ${name}
    target: ${role.target}
    permissions: ${JSON.stringify(role.permissions)}
    risk: standard
    max_duration: 4h
    may_preexist: ${role.mayPreexist}
    requesters: ${JSON.stringify(role.requesters)}
    decide_within: 6h
    approval:
${role.rules.map((rule) => `      - { approvers: ${JSON.stringify(rule)}, threshold: 1 }\n`).join('')}`,
  );
  return {
    'pam.yaml': 'version: 1\nforge: { kind: git }\nopen_requests: 1000\n',
    'policy/people.yaml': `people:\n${people.join('')}services:\n${services.join('')}admins: { people: ${JSON.stringify(policy.admins)}, threshold: 1 }\n${revoked.length === 0 ? '' : `revoked_keys:\n${revoked.join('')}`}`,
    'policy/roles.yaml': `roles:\n${roles.join('')}`,
    'policy/targets.yaml':
      'targets:\n  orders-db: { provider: command, config: { plugin: legacy } }\n  bastion: { provider: ssh-ca, config: { krl_env: PAM_KRL, ca: "FINGERPRINT(ca)" } }\n',
  };
}

const policies = new Map<string, WorldPolicy | null>();
/** `null` where the change would make an invalid policy. */
function worldOf(policy: ModelPolicy): WorldPolicy | null {
  const key = JSON.stringify(policy);
  const known = policies.get(key);
  if (known !== undefined) return known;
  let made: WorldPolicy | null = null;
  try {
    made = policyOf(textsOf(policy));
  } catch {
    // Not enough approvers left, say: such a policy is never in force.
  }
  policies.set(key, made);
  return made;
}

class Crash extends Error {}

export class LifeStage {
  readonly ledger: Ledger;
  readonly model = new LifeModel(FIRST);
  #policy = FIRST;
  #now = unixSeconds(at('08:00'));
  #serial = 0;
  #down = false;
  readonly #asked: Asked[] = [];
  readonly #proposed = new Map<RequestId, Asked>();
  readonly #main = new Map<RequestId, Asked>();
  readonly #approvals = new Map<RequestId, Signed[]>();
  readonly #stops = new Map<RequestId, Signed[]>();
  /** `target subject permission`, or `target id` where every grant is an object of its own. */
  readonly #there = new Map<string, number>();

  constructor() {
    const world = worldOf(FIRST);
    if (world === null) throw new TypeError('the first policy is not valid');
    this.ledger = new Ledger(world, this.#clock());
    this.#there.set('orders-db erin connect', Infinity);
    this.model.standing.add('orders-db erin connect');
  }

  play(op: Op): void {
    switch (op.do) {
      case 'ask':
        this.#ask(op);
        break;
      case 'edit':
        this.#edit(op.n, op.minutes);
        break;
      case 'approve':
        this.#approve(this.#pick(op.n), SIGNERS[op.who % SIGNERS.length] ?? 'bob', op.how);
        break;
      case 'stop':
        this.#stop(this.#pick(op.n), SIGNERS[op.who % SIGNERS.length] ?? 'bob');
        break;
      case 'merge':
        this.#merge(this.#pick(op.n));
        break;
      case 'policy':
        this.#changePolicy(op.change);
        break;
      case 'incident':
        this.model.incidentOpen = !this.model.incidentOpen;
        break;
      case 'down':
        this.#down = op.down;
        break;
      case 'wait':
        this.#wait(op.seconds);
        break;
      case 'apply':
        this.#run(() => this.#apply(op.crash, op.meanwhile));
        break;
      case 'sweep':
        this.#run(() => this.#sweep(op.crash));
        break;
    }
    this.#check();
  }

  /** Everything comes to rest: no crash, targets up, the clock past every end. */
  settle(): void {
    this.#down = false;
    for (let round = 0; round < 2; round++) {
      this.#apply(-1, 0);
      this.#sweep(-1);
      this.#wait(5 * 3600);
    }
    this.#wait(31 * 86_400);
    this.#apply(-1, 0);
    this.#sweep(-1);
    const left = [...this.#there].filter(
      ([key, until]) => until > this.#now && !this.model.standing.has(key),
    );
    if (left.length > 0) throw new Error(`left behind for ever: ${JSON.stringify(left)}`);
    this.#replay();
  }

  #clock(): Instant {
    return instantOf(this.#now * 1000);
  }
  #wait(seconds: number): void {
    this.#now += seconds;
  }
  #pick(n: number): Asked | undefined {
    return this.#asked[this.#asked.length - 1 - (n % Math.max(1, Math.min(4, this.#asked.length)))];
  }

  #ask(op: Extract<Op, { do: 'ask' }>): void {
    const requester = ASKERS[op.who % ASKERS.length] ?? 'dana';
    const role = ROLES[op.role % ROLES.length] ?? 'db';
    this.#serial += 1;
    const id = requestId(
      `${this.#clock().slice(0, 10).replaceAll('-', '')}-${role}-${String(this.#serial).padStart(6, '0')}`,
    );
    const start = op.startIn === 0 ? {} : { start: instantOf((this.#now + op.startIn * 60) * 1000) };
    const asked = this.#make({
      id,
      requester,
      subject: requester,
      role,
      minutes: op.minutes,
      ...start,
      ...(op.incident ? { incident: 'INC-1' } : {}),
    });
    for (const signer of op.signers) this.#approve(asked, signer, 0);
    if (op.merged) this.#merge(asked);
  }

  #make(from: {
    id: RequestId;
    requester: string;
    subject: string;
    role: string;
    minutes: number;
    start?: Instant;
    incident?: string;
  }): Asked {
    const { minutes, start, incident, ...names } = from;
    const duration = parseDuration(`${minutes}m`);
    if (duration === undefined) throw new TypeError('not a duration');
    const request: Request = {
      version: 1,
      ...names,
      duration,
      justification: `version ${this.#asked.length}`,
      ...(start === undefined ? {} : { start }),
      ...(incident === undefined ? {} : { incident }),
    };
    const how = { root: this.ledger.state.root, at: this.#clock(), merged: false };
    const asked = askText(printRequest(request), request.id, how);
    this.#asked.push(asked);
    this.#proposed.set(asked.id, asked);
    this.model.asked(asked.requestSha256, {
      id: asked.id,
      requester: names.requester,
      subject: names.subject,
      role: names.role,
      seconds: minutes * 60,
      start: start === undefined ? null : unixSeconds(start),
      incident: incident !== undefined,
    });
    return asked;
  }

  /** Other bytes under the same id, on the proposal; a merge may bring them to main at any time. */
  #edit(n: number, minutes: number): void {
    const old = this.#pick(n);
    if (old === undefined) return;
    const { id, requester, subject, role, start, incident } = old.request;
    this.#make({
      id,
      requester,
      subject,
      role,
      minutes,
      ...(start === undefined ? {} : { start }),
      ...(incident === undefined ? {} : { incident }),
    });
  }

  #approve(asked: Asked | undefined, signer: string, how: number): void {
    if (asked === undefined) return;
    // Where policy leaves nothing exact to show, there is nothing to sign.
    if (exactGrant(this.ledger.policy, providers, asked.request, this.#clock()) === undefined) return;
    const lies = [
      {},
      {},
      {},
      { grant: { duration: parseDuration('9h') ?? asked.request.duration } },
      { key: 'thief' },
      { requestSha256: sha256('other bytes') },
      { ledger: { seq: 0, head: sha256('another ledger') } },
      { request: requestId('20261122-db-zzzzzz') },
      { root: sha256('another root') },
      { grant: { permissions: ['superuser'] } },
    ];
    const lie = lies[how % lies.length] ?? {};
    const signedAt = this.#clock();
    const signed = approve(this.ledger, asked, signer, { at: signedAt, ...lie });
    this.#approvals.set(asked.id, [...(this.#approvals.get(asked.id) ?? []), signed]);
    if (Object.keys(lie).length === 0) {
      this.model.approved({ id: asked.id, bytes: asked.requestSha256, signer, signedAt: this.#now });
    }
  }

  #stop(asked: Asked | undefined, signer: string): void {
    if (asked === undefined) return;
    const signed = stop(this.ledger, asked.id, signer, { at: this.#clock() });
    this.#stops.set(asked.id, [...(this.#stops.get(asked.id) ?? []), signed]);
    this.model.stopped(asked.id, signer, this.#now);
  }

  #merge(asked: Asked | undefined): void {
    if (asked === undefined) return;
    this.#main.set(asked.id, { ...asked, merged: true });
    this.model.merged(asked.id, asked.requestSha256);
  }

  #changePolicy(change: number): void {
    const before = this.#policy;
    const dropped = ['bob', 'carol', 'bob', 'carol', 'erin', 'dana', 'bot'][change % 7] ?? 'bob';
    const roleName = ROLES[change % ROLES.length] ?? 'db';
    const role = before.roles[roleName];
    const { [roleName]: _gone, ...otherRoles } = before.roles;
    const without = (list: readonly string[]): string[] => list.filter((one) => one !== dropped);
    const changes: readonly (() => ModelPolicy)[] = [
      () => FIRST,
      () => ({ ...FIRST, compromised: before.compromised }),
      () => ({ ...before, compromised: { ...before.compromised, [dropped]: this.#now } }),
      () => ({ ...before, compromised: { ...before.compromised, [dropped]: this.#now - 1800 } }),
      () => ({ ...before, roles: otherRoles }),
      () =>
        role === undefined
          ? before
          : {
              ...before,
              roles: { ...before.roles, [roleName]: { ...role, rules: role.rules.map(without) } },
            },
      () =>
        role === undefined
          ? before
          : {
              ...before,
              roles: { ...before.roles, [roleName]: { ...role, permissions: role.permissions.slice(0, 1) } },
            },
      () => ({
        ...before,
        people: before.people.filter((one) => one !== 'dana'),
        roles: Object.fromEntries(
          Object.entries(before.roles).map(([name, one]) => [
            name,
            { ...one, requesters: one.requesters.filter((who) => who !== 'dana') },
          ]),
        ),
      }),
    ];
    const next = changes[Math.floor(change / 8) % changes.length]?.() ?? before;
    // Grace signs the policies; the model has no history without an admin.
    if (next.compromised['grace'] !== undefined || next.compromised['pam-apply'] !== undefined) return;
    const world = worldOf(next);
    if (world === null || world.policy.digest === this.ledger.policy.digest) return;
    this.ledger.changePolicy(world, this.#clock(), ['grace']);
    this.#policy = next;
    this.model.policyChanged(next);
  }

  #run(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }

  #steps(crash: number): () => void {
    let left = crash;
    return () => {
      if (left === 0) throw new Crash();
      left -= 1;
    };
  }

  #situation() {
    const candidates = [...this.#proposed.values()].map((one) => this.#main.get(one.id) ?? one);
    const approvals = this.#approvals;
    const incidents = this.#incidents();
    return situation(
      this.ledger,
      candidates.filter(({ id }) => this.#isNear(id)),
      { approvals, stops: this.#stops, incidents },
    );
  }

  /** `gather` looks only at ids in `open/` and at those dated within a day. */
  #isNear(id: RequestId): boolean {
    const dates = [-86_400, 0, 86_400].map((offset) =>
      instantOf((this.#now + offset) * 1000)
        .slice(0, 10)
        .replaceAll('-', ''),
    );
    return dates.includes(id.slice(0, 8)) || this.ledger.record(id) !== null;
  }

  #incidents(): ReadonlyMap<string, IncidentState> {
    return new Map([
      ['INC-1', this.model.incidentOpen ? { state: 'open' } : { state: 'closed', why: 'it is over' }],
    ]);
  }

  #append(
    events: readonly LedgerEvent[],
    how: { readonly executor?: string; readonly main: typeof MAIN | null },
  ): void {
    if (events.length === 0) return;
    for (const event of events) if (event.type === 'seen') this.model.seen(event.id, event.request_sha256);
    this.ledger.append(events, this.#clock(), how);
    for (const event of events) {
      if (event.type === 'scheduled') this.model.scheduled(event.id, this.#now);
      if (event.type !== 'granting') continue;
      const { grant, evidence, preexisting } = event;
      this.model.intended(
        {
          id: event.id,
          bytes: sha256(evidence.request),
          subject: grant.subject,
          permissions: grant.permissions,
          signers: grant.approvers,
          end: unixSeconds(grant.end),
          actBy: unixSeconds(event.act_by),
          preexisting,
        },
        this.#now,
      );
    }
  }

  #apply(crash: number, meanwhile: number): void {
    const step = this.#steps(crash);
    const now = this.#clock();
    const plan = planApply(this.#situation(), now);
    const refuse = [...plan.refuse];
    const standing: { readonly ready: Ready; readonly preexisting: readonly string[] }[] = [];
    for (const ready of plan.ready) {
      if (ready.action === 'schedule' || this.#down) continue;
      const preexisting = this.#standing(ready);
      if (preexisting.length === 0 || roleOf(this.ledger.policy, ready.terms.role)?.may_preexist === true) {
        standing.push({ ready, preexisting });
      } else {
        const reasons = [{ code: 'E_POL_STANDING', message: 'it is there already' }];
        refuse.push({ type: 'refused', id: ready.id, request_sha256: ready.snapshot.requestSha256, reasons });
      }
    }
    const scheduled = plan.ready.flatMap((ready): LedgerEvent[] =>
      ready.action === 'schedule'
        ? [
            {
              type: 'scheduled',
              id: ready.id,
              evidence: evidenceOf(ready.snapshot, ready.decision),
              grant: ready.terms,
            },
          ]
        : [],
    );
    const before: LedgerEvent[] = [...plan.see, ...plan.stop, ...refuse, ...scheduled];
    const intents = standing.map(({ ready, preexisting }, place) =>
      intentOf(this.ledger, ready, now, before.length + place, preexisting),
    );
    step();
    this.#append([...before, ...intents], { main: MAIN });
    step();
    this.#meanwhile(meanwhile);
    const outcomes: { readonly id: RequestId; readonly event: LedgerEvent }[] = [];
    for (const intent of intents) {
      step();
      const event = this.#grant(intent);
      if (event !== undefined) outcomes.push({ id: intent.id, event });
      step();
    }
    for (const { record } of plan.abandon) {
      step();
      const newest = this.ledger.record(record.id) ?? record;
      if (this.#revoke(newest, new Set([record.id]))) {
        outcomes.push({
          id: record.id,
          event: { type: 'failed', id: record.id, error: { code: 'E_PRV_ABANDONED', message: 'no outcome' } },
        });
      }
    }
    step();
    this.#append(
      outcomes.flatMap(({ id, event }) => (this.ledger.record(id)?.state === 'granting' ? [event] : [])),
      { main: MAIN },
    );
    for (const { id, event } of outcomes) {
      const record = this.ledger.record(id);
      if (event.type === 'granted' && record !== null && record.state !== 'live')
        this.#revoke(record, new Set([id]));
    }
  }

  /** What happens to others while an executor stands between its intent and the target. */
  #meanwhile(what: number): void {
    if (what === 1) this.#wait(60);
    if (what === 2) this.#wait(150);
    if (what === 3) this.#sweep(-1);
    if (what === 4) {
      this.#stop(this.#asked.at(-1), 'grace');
      this.#sweep(-1);
    }
  }

  #standing({ id, terms }: Ready): readonly string[] {
    const recorded = this.ledger.record(id)?.grant?.granting;
    if (recorded != null) return recorded.preexisting;
    if (terms.provider !== 'command') return [];
    const { target, login } = terms;
    return terms.permissions.filter(
      (permission) =>
        this.#present(`${target} ${login} ${permission}`) &&
        !isExplained(providers, this.ledger.state.index, accessOf(terms, permission), id),
    );
  }

  #present(key: string): boolean {
    return (this.#there.get(key) ?? 0) > this.#now;
  }

  #grant(intent: GrantingEvent): LedgerEvent | undefined {
    const { id, grant } = intent;
    if (this.#clock() >= intent.act_by) return undefined;
    const record = this.ledger.record(id);
    if (this.#down) {
      // Nothing can be shown about a target that does not answer: the intent stays.
      return undefined;
    }
    const until = unixSeconds(record?.grant?.end ?? grant.end);
    this.model.grantCalled(id, grant.permissions, until, this.#now);
    if (grant.provider === 'command') {
      // This target does not expire anything by itself.
      for (const one of grant.permissions) this.#there.set(`${grant.target} ${grant.login} ${one}`, Infinity);
    } else this.#there.set(`${grant.target} ${id}`, until);
    return { type: 'granted', id, receipt: {} };
  }

  #revoke(record: OpenRecord, alsoEnding: ReadonlySet<RequestId>): boolean {
    const { id, grant } = record;
    if (this.#down || grant === null) return false;
    const shared = grant.provider === 'command';
    const { remove } = removalOf(
      providers,
      this.ledger.state.index,
      record,
      shared ? 'shared' : 'own',
      alsoEnding,
    );
    this.model.revokeCalled(id, remove);
    if (!shared) this.#there.delete(`${grant.target} ${id}`);
    else for (const one of remove) this.#there.delete(`${grant.target} ${grant.login} ${one}`);
    return true;
  }

  #sweep(crash: number): void {
    const step = this.#steps(crash);
    const { root, policy, index } = this.ledger.state;
    const plan = planSweep(
      { root, policy, providers, index, stops: this.#stops, incidents: this.#incidents() },
      this.#clock(),
    );
    const found = this.#down ? [] : plan.recheck.filter((record) => this.#isStillThere(record));
    const again = found.map(
      (record): LedgerEvent => ({ type: 'ending', id: record.id, cause: 'found', because: 'it is back' }),
    );
    step();
    this.#append([...plan.drop, ...plan.end.flatMap(({ event }) => event ?? []), ...again], {
      executor: 'pam-sweep',
      main: null,
    });
    const ending = new Set([...plan.end.map(({ id }) => id), ...found.map(({ id }) => id)]);
    const done: LedgerEvent[] = [];
    for (const id of ending) {
      step();
      const record = this.ledger.record(id);
      if (record === null) continue;
      const error = { code: 'E_PRV', message: 'the target is down' };
      done.push(
        this.#revoke(record, ending)
          ? { type: 'revoked', id, kept_for: {}, usage: null }
          : { type: 'revoke_failed', id, attempt: record.attempts + 1, error },
      );
    }
    step();
    this.#append(
      done.filter(({ id }) => isRequestId(id) && this.#mayRecordEnd(id)),
      { executor: 'pam-sweep', main: null },
    );
    if (!this.#down)
      this.model.swept(
        [...this.#there.keys()].filter((key) => this.#present(key)),
        this.#now,
      );
  }

  #mayRecordEnd(id: RequestId): boolean {
    const record = this.ledger.record(id);
    if (record === null || !mayBeLive(record)) return false;
    return record.state === 'ending' || (record.grant !== null && record.grant.end <= this.#clock());
  }

  #isStillThere({ id, grant }: OpenRecord): boolean {
    if (grant === null) return false;
    const { target, login, provider } = grant;
    if (provider !== 'command') return this.#present(`${target} ${id}`);
    return grant.permissions.some(
      (permission) =>
        this.#present(`${target} ${login} ${permission}`) &&
        grant.granting?.preexisting.includes(permission) !== true &&
        !isHeld(providers, this.ledger.state.index, accessOf(grant, permission), id),
    );
  }

  #check(): void {
    for (const standing of this.model.standing) {
      if (!this.#present(standing)) throw new Error(`standing access is gone: ${standing}`);
    }
    for (const record of this.ledger.state.index.records.values()) {
      if (record.state === 'live') this.model.liveIsThere(record.id, (key) => this.#present(key), this.#now);
    }
  }

  /** (d) The index is what the entries say, from the first to the last. */
  #replay(): void {
    const now = [...printIndex(this.ledger.state.index)];
    const told = [...printIndex(this.ledger.replayed().index)];
    if (JSON.stringify(now) !== JSON.stringify(told))
      throw new Error('the index is not what its entries say');
  }
}
