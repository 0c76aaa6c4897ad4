/**
 * The product's promise, written apart from it. The model knows what people really signed, what main held, which
 * entries reached the ledger and which calls reached the targets; it reads the ledger's JSON itself and knows nothing
 * of the rules. It throws as soon as a promise is broken:
 *
 *   - no access without valid signatures of enough entitled, disinterested people for exactly it
 *   - nothing live past its end once a whole sweep ran; a stop is final; an id is used once
 *   - nothing removed that another grant needs, or that was there before pam came; nothing ended without a cause
 *   - the ledger is one chain, nothing is appended in doubt, and it says what was done
 */
import { createHash } from 'node:crypto';
import type { Entry, GrantTerms, LedgerEvent } from '../../src/model/entry.ts';
import type { GrantingEvent } from '../../src/rules/events/granting.ts';
import type { ScheduledEvent } from '../../src/rules/events/scheduled.ts';
import type { SeenEvent } from '../../src/rules/events/seen.ts';
import type { Call } from './history-world.ts';

export interface ModelRule {
  readonly approvers: readonly string[];
  readonly threshold: number;
  readonly fallback: { readonly approvers: readonly string[]; readonly after: number } | null;
}

export interface ModelRole {
  readonly target: 'shelf' | 'bastion';
  readonly permissions: readonly string[];
  readonly requesters: readonly string[];
  readonly rules: readonly ModelRule[];
  readonly maxSeconds: number;
  readonly mayPreexist: boolean;
}

export interface ModelPolicy {
  readonly roles: Readonly<Record<string, ModelRole>>;
  readonly targets: readonly string[];
  readonly people: readonly string[];
  /** Service -> owner. */
  readonly services: Readonly<Record<string, string>>;
  readonly admins: readonly string[];
  /** Person or executor -> since when, in seconds, their key is compromised. */
  readonly compromised: Readonly<Record<string, number>>;
}

/** What a requester signed. */
export interface Asked {
  readonly id: string;
  readonly requester: string;
  readonly subject: string;
  readonly role: string;
  readonly seconds: number;
  readonly start: number | null;
  readonly incident: string | null;
}

/** What an approver signed with their own key, about this access repository. */
export interface Approved {
  readonly id: string;
  readonly bytes: string;
  readonly signer: string;
  readonly signedAt: number;
  readonly fallback: boolean;
  readonly subject: string;
  readonly target: string;
  readonly permissions: readonly string[];
  readonly seconds: number;
  readonly start: number | null;
}

export interface Stopped {
  readonly id: string;
  readonly signer: string;
  readonly signedAt: number;
}

/** What a commit of main holds. */
export interface MainFacts {
  readonly policy: string;
  readonly requests: ReadonlyMap<string, string>;
  readonly incidentOpen: boolean;
}

/** One run of an executor, as far as the model has to know it. */
export interface Run {
  readonly executor: string;
  /** Commits of main that the remote had during the run. */
  readonly mains: Set<string>;
  /** Why nothing may be granted in it, whatever else holds. */
  readonly halted: string | null;
  /** Stops that anybody could read when it began. */
  readonly stops: readonly Stopped[];
  /** What it asked targets to grant. */
  readonly granted: Set<string>;
}

interface Intent {
  /** First recorded: scheduled, or granting. */
  readonly first: number;
  readonly grant: GrantTerms;
  readonly end: number;
  readonly actBy: number;
  /** Whose keys it rests on, each since when. */
  readonly executors: readonly { readonly name: string; readonly at: number }[];
  readonly preexisting: readonly string[];
  readonly serial: number;
}

interface First {
  readonly at: number;
  readonly policy: ModelPolicy;
}

interface Seen extends First {
  readonly bytes: string;
  /** Digest of the requester's newest statement over these bytes. */
  readonly signature: string;
}

interface Life {
  readonly id: string;
  state: 'seen' | 'scheduled' | 'granting' | 'live' | 'ending' | 'over';
  /** The newest version, with clock and policy of the first time that these bytes were seen. */
  seen: Seen | null;
  /** Every version that was seen under this id, as it was seen first. */
  firsts: ReadonlyMap<string, First>;
  scheduled: ScheduledEvent | null;
  scheduledAt: number;
  scheduledBy: string;
  intent: Intent | null;
  overAt: number;
}

const CLOCKS = 300;
const DAY = 86_400;
const DECIDE_WITHIN = 6 * 3600;
const seconds = (instant: string): number => Date.parse(instant) / 1000;
export const digest = (bytes: string | Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
export const signedKey = (signed: { readonly text: string; readonly armor: string }): string =>
  digest(`${signed.text}${signed.armor}`);

export class HistoryModel {
  readonly standing = new Set<string>();
  readonly records = new Map<string, Life>();
  readonly calls: Call[] = [];
  readonly counts = { intents: 0, grants: 0, revocations: 0, resumed: 0, scheduled: 0, kept: 0, anew: 0 };
  seq = -1;
  head: string | null = null;
  inForce = '';
  /** The first promise that was broken: flows go on past a target that throws, the stage does not. */
  broken: Error | null = null;
  readonly #policies = new Map<string, ModelPolicy>();
  readonly #asked = new Map<string, Asked>();
  readonly #approvals = new Map<string, Approved>();
  readonly #stops = new Map<string, Stopped>();
  readonly #mains = new Map<string, MainFacts>();

  knowPolicy(policyDigest: string, policy: ModelPolicy): void {
    this.#policies.set(policyDigest, policy);
  }
  asked(bytes: string, asked: Asked): void {
    this.#asked.set(bytes, asked);
  }
  approved(key: string, approval: Approved): void {
    this.#approvals.set(key, approval);
  }
  stopped(key: string, stop: Stopped): void {
    this.#stops.set(key, stop);
  }
  stopOf(key: string): Stopped | undefined {
    return this.#stops.get(key);
  }
  mainIs(commit: string, facts: MainFacts): void {
    this.#mains.set(commit, facts);
  }
  get policy(): ModelPolicy {
    return this.#policyOf(this.inForce);
  }

  /** An executor's push moved the ledger branch. */
  appended(bytes: Uint8Array, run: Run): void {
    const entry = JSON.parse(Buffer.from(bytes).toString('utf8')) as Entry;
    const fail = this.#fail(`entry ${entry.seq} by ${entry.executor} at ${entry.at}`);
    if (entry.seq !== this.seq + 1 || entry.previous !== this.head) fail('it does not extend the chain');
    if (entry.executor !== run.executor) fail('another executor signed it');
    // A policy may be written by an executor of the version that it brings.
    const [only] = entry.events;
    const judges = [this.inForce, ...(only?.type === 'policy' ? [only.digest] : [])];
    const revoked = (one: string): boolean =>
      this.#policies.get(one)?.compromised[entry.executor] !== undefined;
    if (judges.every(revoked)) fail('its key is on the list of revoked keys');
    const policy = this.#policies.get(this.inForce);
    this.seq = entry.seq;
    this.head = digest(bytes);
    for (const event of entry.events) this.#event(event, entry, run, policy, fail);
  }

  #event(event: LedgerEvent, entry: Entry, run: Run, policy: ModelPolicy | undefined, fail: Fail): void {
    const at = seconds(entry.at);
    if (event.type === 'genesis' || event.type === 'heartbeat') return;
    if (event.type === 'policy') {
      if (!this.#policies.has(event.digest)) fail('nobody wrote this policy');
      this.inForce = event.digest;
      return;
    }
    if (policy === undefined) return fail('no policy is in force');
    const { id } = event;
    const record = this.records.get(id);
    if (event.type === 'seen') return this.#seen(event, at, policy, fail);
    if (event.type === 'refused') {
      if (record?.seen?.bytes === event.request_sha256) this.#over(record, at);
      return;
    }
    if (record === undefined) return fail(`${event.type} of ${id}, which was never seen`);
    switch (event.type) {
      case 'scheduled':
        this.#judge(event, record, entry, run, policy);
        if (record.state !== 'seen') fail(`${id} is scheduled while it is ${record.state}`);
        Object.assign(record, {
          state: 'scheduled',
          scheduled: event,
          scheduledAt: at,
          scheduledBy: entry.executor,
        });
        this.counts.scheduled += 1;
        return;
      case 'granting':
        return this.#intend(event, record, entry, run, policy, fail);
      case 'granted':
        if (record.state !== 'granting') fail(`${id} is granted while it is ${record.state}`);
        if (!this.#wasCalled('grant', record)) fail(`${id} is granted, but nobody asked the target`);
        record.state = 'live';
        return;
      case 'failed':
        if (record.state !== 'granting') fail(`${id} failed while it is ${record.state}`);
        return this.#over(record, at);
      case 'stopped': {
        const stop = this.#stops.get(signedKey(event.statement));
        if (stop?.id !== id) return fail(`nobody signed the stop of ${id}`);
        if (!this.#entitled(record, policy).has(stop.signer)) fail(`${stop.signer} may not stop ${id}`);
        if (record.state === 'granting' || record.state === 'live') record.state = 'ending';
        else this.#over(record, at);
        return;
      }
      case 'ending': {
        const over = (record.intent?.end ?? Infinity) <= at;
        const why = event.cause === 'found' || over ? 'over' : this.#causeOf(record, policy, run);
        if (why === undefined) fail(`${id} is ended (${event.because}) without a cause`);
        if (event.cause === 'found' && record.state !== 'over') fail(`${id} was found while ${record.state}`);
        record.state = 'ending';
        return;
      }
      case 'revoked': {
        const early = record.state !== 'ending' && at < (record.intent?.end ?? Infinity);
        if (early) fail(`${id} is revoked before its end without a cause`);
        for (const permission of record.intent?.grant.permissions ?? []) {
          const kept = event.kept_for[permission];
          if (kept !== undefined) this.counts.kept += 1;
          const known = kept?.every((other) => this.#gives(other, record, permission)) ?? true;
          if (!known) fail(`${id} leaves ${permission} to ${kept?.join(', ')}, which never had it`);
          const had = record.intent?.preexisting.includes(permission) === true;
          if (kept === undefined && !had && !this.#wasCalled('revoke', record, permission))
            fail(`${permission} of ${id} is revoked, but nobody asked the target`);
        }
        return this.#over(record, at);
      }
      case 'revoke_failed':
        return;
    }
  }

  #seen(event: SeenEvent, at: number, policy: ModelPolicy, fail: Fail): void {
    const { id, request_sha256: bytes, signature_sha256: signature } = event;
    const record = this.records.get(id);
    const asked = this.#asked.get(bytes);
    if (asked === undefined) return fail(`seen of ${id}: its requester never signed these bytes`);
    const first = record?.seen == null ? undefined : this.#asked.get(record.seen.bytes);
    if (first !== undefined && first.requester !== asked.requester)
      fail(`${id} was taken from its requester`);
    if (record !== undefined && record.intent !== null) fail(`${id} is seen again after its intent`);
    if (event.stopper_keys === undefined) fail(`${id} is seen without the keys of those who may stop it`);
    // Signed anew, whatever stood between, the same bytes keep the clock and the people of the first time.
    const known = record?.firsts.get(bytes);
    if (known !== undefined) this.counts.anew += 1;
    const kept = known ?? { at, policy };
    this.records.set(id, {
      id,
      state: 'seen',
      seen: { bytes, signature, ...kept },
      firsts: new Map([...(record?.firsts ?? []), [bytes, kept]]),
      scheduled: null,
      scheduledAt: 0,
      scheduledBy: '',
      intent: null,
      overAt: 0,
    });
  }

  #intend(event: GrantingEvent, record: Life, entry: Entry, run: Run, policy: ModelPolicy, fail: Fail): void {
    const { id } = record;
    const at = seconds(entry.at);
    const before = record.intent;
    if (record.state !== 'seen' && record.state !== 'scheduled' && record.state !== 'granting')
      fail(`${id} is granted again: it is ${record.state}`);
    this.#judge(event, record, entry, run, policy);
    const [end, actBy] = [seconds(event.grant.end), seconds(event.act_by)];
    if (actBy > at + 120 || actBy > end) fail(`${id} may be acted on until ${event.act_by}`);
    if (before !== null) {
      if (before.end !== end || before.serial !== event.handle.serial) fail(`${id} is resumed as another`);
      if (at < before.actBy) fail(`${id} is resumed while its executor may be at work`);
      this.counts.resumed += 1;
    }
    const { target, login, permissions } = event.grant;
    const standing = permissions.filter((one) => this.standing.has(`${target} ${login} ${one}`));
    if (before === null && event.preexisting.join() !== standing.join())
      fail(`${id} found [${event.preexisting.join()}], there was [${standing.join()}]`);
    const role = this.#asked.get(digest(event.evidence.request))?.role ?? '';
    if (standing.length > 0 && before === null && policy.roles[role]?.mayPreexist !== true)
      fail(`${id} is built on standing access`);
    // What it rests on was recorded by whoever scheduled it.
    const scheduled = { name: record.scheduledBy, at: record.scheduledAt };
    const scheduler = record.scheduled === null ? [] : [scheduled];
    record.intent = {
      first: before?.first ?? (record.scheduled === null ? at : record.scheduledAt),
      grant: event.grant,
      end,
      actBy,
      executors: [...(before?.executors ?? scheduler), { name: entry.executor, at }],
      preexisting: event.preexisting,
      serial: event.handle.serial,
    };
    record.state = 'granting';
    this.counts.intents += 1;
  }

  /** May exactly this be given? From the evidence that the ledger keeps, and from what people really signed. */
  #judge(
    event: GrantingEvent | ScheduledEvent,
    record: Life,
    entry: Entry,
    run: Run,
    policy: ModelPolicy,
  ): void {
    const { id, seen } = record;
    const fail = this.#fail(`${event.type} of ${id} at ${entry.at} by ${entry.executor}`);
    const at = seconds(entry.at);
    const bytes = digest(event.evidence.request);
    const asked = this.#asked.get(bytes);
    if (run.halted !== null) fail(`nothing may be granted now: ${run.halted}`);
    if (asked === undefined || asked.id !== id) return fail('nobody asked for these bytes');
    if (seen?.bytes !== bytes) return fail('other bytes were seen');
    if (seen.signature !== signedKey(event.evidence.statement)) fail('another statement of it was seen');
    const main = this.#mains.get(entry.main ?? '');
    if (main === undefined || !run.mains.has(entry.main ?? '')) return fail('it read no commit of main');
    if (main.requests.get(id) !== bytes) fail('main does not hold it');
    if (main.policy !== this.inForce) fail('the policy on main is not the one in force');
    if (asked.incident !== null && !main.incidentOpen) fail('its incident is not open');
    const role = policy.roles[asked.role];
    if (role === undefined || !policy.targets.includes(role.target)) return fail('policy has no such role');
    if (!role.requesters.includes(asked.subject)) fail(`${asked.subject} may not have it`);
    if (!this.#known(policy, asked.subject)) fail(`${asked.subject} is gone`);
    if (asked.seconds > role.maxSeconds) fail('it is longer than the role allows');
    if (run.stops.some((stop) => this.#counts(stop, record, policy, at))) fail('it was stopped');
    const first = record.intent?.first ?? (record.scheduled === null ? at : record.scheduledAt);
    if (first > seen.at + DECIDE_WITHIN) fail('it was decided too late');
    const { grant } = event;
    const told = [grant.subject, grant.login, grant.target, [...grant.permissions].sort().join()].join();
    if (told !== [asked.subject, asked.subject, role.target, [...role.permissions].sort().join()].join())
      fail('it gives something else');
    const from = asked.start ?? record.intent?.first ?? at;
    if (event.type === 'granting' && at < from) fail('before its start');
    const given = seconds(grant.end);
    if (record.intent === null ? given !== from + asked.seconds : given !== record.intent.end)
      fail(`it ends at ${grant.end}`);
    if (given <= at) fail('its end has passed');
    this.#judgeSigners(event, { asked, bytes, role, seen, policy, first, at }, fail);
  }

  #judgeSigners(
    { evidence, grant }: GrantingEvent | ScheduledEvent,
    on: {
      readonly asked: Asked;
      readonly bytes: string;
      readonly role: ModelRole;
      readonly seen: First;
      readonly policy: ModelPolicy;
      readonly first: number;
      readonly at: number;
    },
    fail: Fail,
  ): void {
    const { asked, bytes, role, seen, policy, first, at } = on;
    const gain = new Set([...this.#gainers(policy, asked), ...this.#gainers(seen.policy, asked)]);
    const requested = seconds(/^signed-at: (.*)$/mu.exec(evidence.statement.text)?.[1] ?? '');
    const people = new Map<string, Approved>();
    for (const signed of evidence.approvals) {
      const one = this.#approvals.get(signedKey(signed));
      if (one === undefined) return fail(`nobody signed this: ${signed.text}`);
      const exact =
        one.id === asked.id &&
        one.bytes === bytes &&
        one.subject === grant.subject &&
        one.target === grant.target &&
        [...one.permissions].sort().join() === [...grant.permissions].sort().join() &&
        one.seconds === asked.seconds &&
        one.start === asked.start;
      if (!exact) fail(`${one.signer} signed something else`);
      if (!policy.people.includes(one.signer) || gain.has(one.signer)) fail(`${one.signer} may not approve`);
      if ((policy.compromised[one.signer] ?? Infinity) <= first) fail(`${one.signer}'s key was compromised`);
      if (one.signedAt > first + CLOCKS) fail(`${one.signer} signed in the future`);
      if (!(one.signedAt + CLOCKS >= requested)) fail(`${one.signer} signed before the request was signed`);
      if (one.signedAt + DECIDE_WITHIN < first) fail(`${one.signer} signed too long ago`);
      people.set(one.signer, one);
    }
    if ([...people.keys()].sort().join() !== [...grant.approvers].sort().join())
      fail(`it names ${grant.approvers.join()} as approvers`);
    const fits = (rule: ModelRule, one: Approved): boolean => {
      if (!one.fallback) return rule.approvers.includes(one.signer);
      const due = seen.at + (rule.fallback?.after ?? Infinity);
      return rule.fallback?.approvers.includes(one.signer) === true && one.signedAt >= due && at >= due;
    };
    const chairs = role.rules.flatMap((rule) => Array.from({ length: rule.threshold }, () => rule));
    const place = (left: readonly ModelRule[], free: readonly Approved[]): boolean => {
      const [rule, ...rest] = left;
      if (rule === undefined) return true;
      return free.some(
        (one) =>
          fits(rule, one) &&
          place(
            rest,
            free.filter((other) => other !== one),
          ),
      );
    };
    if (!place(chairs, [...people.values()])) fail('not enough people signed for it');
  }

  called(call: Call, run: Run): void {
    this.calls.push(call);
    const { op, id, permissions, clock } = call;
    const fail = this.#fail(`${op} of ${id} at ${clock} by ${run.executor}`);
    const record = this.records.get(id);
    const intent = record?.intent;
    if (record === undefined || intent == null) return fail('no intent is recorded');
    if (call.until !== intent.end || call.login !== intent.grant.login) fail('it differs from the record');
    if (op === 'grant') {
      if (permissions.join() !== intent.grant.permissions.join()) fail('it differs from the record');
      if (clock >= intent.actBy) fail('the time to act is over');
      run.granted.add(id);
      this.counts.grants += 1;
      return;
    }
    this.counts.revocations += 1;
    if (record.state === 'live' && clock < intent.end) fail('it is live, and no cause is recorded');
    if (call.target === 'bastion') return;
    for (const permission of permissions) {
      const key = `shelf ${call.login} ${permission}`;
      if (this.standing.has(key)) fail(`${key} was there before pam came`);
      for (const other of this.records.values()) {
        if (other.id === id || (other.state !== 'live' && other.state !== 'granting')) continue;
        if (!this.#gives(other.id, record, permission) || (other.intent?.end ?? 0) <= clock) continue;
        fail(`${other.id} needs ${key}`);
      }
    }
  }

  /** After a whole sweep: what is at the targets was there before, or is a grant that nothing has ended. */
  swept(there: readonly string[], clock: number, run: Run): void {
    for (const key of there) {
      if (this.standing.has(key)) continue;
      const records = [...this.records.values()].filter((one) => this.#keysOf(one).includes(key));
      const why = records.map((one) => [one.id, this.#mustEnd(one, clock, run)] as const);
      if (why.some(([, end]) => end === undefined)) continue;
      this.#fail(`after a sweep at ${clock} by ${run.executor}`)(
        `${key} is still there: ${JSON.stringify(why)}`,
      );
    }
  }

  /** Who finds at the end of its run that what it granted is over has taken it back by then. */
  applied(run: Run, present: (key: string) => boolean): void {
    for (const record of this.records.values()) {
      if (!run.granted.has(record.id) || record.state !== 'over') continue;
      const left = this.#keysOf(record).filter((key) => present(key) && !this.standing.has(key));
      const alone = left.filter((key) => !this.#isHeld(key));
      if (alone.length > 0) this.#fail(`${record.id} is over`)(`${run.executor} left ${alone.join(', ')}`);
    }
  }

  #isHeld(key: string): boolean {
    return [...this.records.values()].some((one) => one.state !== 'over' && this.#keysOf(one).includes(key));
  }

  /** What the ledger calls live is there, while no clock that ran says that it is over. */
  liveIsThere(present: (key: string) => boolean, latest: number): void {
    for (const record of this.records.values()) {
      if (record.state !== 'live' || (record.intent?.end ?? 0) <= latest) continue;
      for (const key of this.#keysOf(record)) {
        if (present(key)) continue;
        this.#fail(`${record.id}, live until ${record.intent?.grant.end}`)(`${key} is gone`);
      }
    }
    for (const key of this.standing) if (!present(key)) this.#fail('standing access')(`${key} is gone`);
  }

  /** Whether a recorded grant may explain this access, or would be looked for there: a sweep looks back for a day. */
  explains(key: string, now: number): boolean {
    const matters = (one: Life): boolean =>
      one.state !== 'over' || now < Math.max(one.overAt, one.intent?.end ?? 0) + 2 * DAY;
    return [...this.records.values()].some((one) => matters(one) && this.#keysOf(one).includes(key));
  }

  #mustEnd(record: Life, clock: number, run: Run): string | undefined {
    const { intent } = record;
    if (intent === null) return 'never begun';
    // A sweep looks back for a day, and not for ever.
    if (record.state === 'over')
      return clock < Math.max(record.overAt, intent.end) + DAY ? 'over' : undefined;
    if (intent.end <= clock) return 'past its end';
    if (record.state === 'ending') return 'ending';
    if (run.stops.some((stop) => this.#counts(stop, record, this.policy, clock))) return 'stopped';
    return this.#causeOf(record, this.policy, run);
  }

  #causeOf(record: Life, policy: ModelPolicy, run: Run): string | undefined {
    const { intent, seen } = record;
    if (intent === null) return undefined;
    const { grant } = intent;
    const people = [...grant.approvers, ...(grant.target === 'bastion' ? [grant.subject] : [])];
    const keys = [...people.map((name) => ({ name, at: intent.first })), ...intent.executors];
    if (keys.some(({ name, at }) => (policy.compromised[name] ?? Infinity) <= at)) return 'compromised';
    const owner = seen?.policy.services[grant.subject];
    if ([grant.subject, ...(owner === undefined ? [] : [owner])].some((one) => !this.#known(policy, one)))
      return 'subject gone';
    if (!policy.targets.includes(grant.target)) return 'target gone';
    const closed = [...run.mains].every((one) => this.#mains.get(one)?.incidentOpen === false);
    if (grant.incident !== null && closed) return 'incident closed';
    return undefined;
  }

  #counts(stop: Stopped, record: Life, policy: ModelPolicy, now: number): boolean {
    // However fast its clock ran and whatever became of the key; void only where it was compromised by then.
    const moment = Math.min(stop.signedAt, now);
    return (
      stop.id === record.id &&
      (policy.compromised[stop.signer] ?? Infinity) > moment &&
      this.#entitled(record, policy).has(stop.signer)
    );
  }

  /** The requester, the subject, their owners, all whom the role names, the admins: now, or when a version was seen. */
  #entitled({ seen, firsts }: Life, now: ModelPolicy): ReadonlySet<string> {
    if (seen === null) return new Set();
    const then = [...firsts].flatMap(([bytes, { policy }]) => this.#stoppers(policy, bytes));
    // Who is in no policy any more stops with a key that was written down when they could.
    const today = this.#stoppers(now, seen.bytes).filter((one) => this.#known(now, one));
    return new Set([...then, ...today]);
  }

  #stoppers(policy: ModelPolicy, bytes: string): readonly string[] {
    const asked = this.#asked.get(bytes);
    if (asked === undefined) return [];
    return [
      ...policy.admins,
      ...this.#gainers(policy, asked),
      ...(policy.roles[asked.role]?.rules ?? []).flatMap((rule) => [
        ...rule.approvers,
        ...(rule.fallback?.approvers ?? []),
      ]),
    ];
  }

  #gainers(policy: ModelPolicy, { requester, subject }: Asked): readonly string[] {
    return [requester, subject].flatMap((one) => [one, policy.services[one] ?? one]);
  }

  #known(policy: ModelPolicy, name: string): boolean {
    return policy.people.includes(name) || policy.services[name] !== undefined;
  }

  #keysOf({ id, intent }: Life): readonly string[] {
    if (intent === null) return [];
    const { target, login, permissions } = intent.grant;
    return target === 'bastion' ? [`bastion ${id}`] : permissions.map((one) => `shelf ${login} ${one}`);
  }

  #gives(id: string, like: Life, permission: string): boolean {
    const [a, b] = [this.records.get(id)?.intent?.grant, like.intent?.grant];
    if (a === undefined || b === undefined) return false;
    return a.target === b.target && a.login === b.login && a.permissions.includes(permission);
  }

  #wasCalled(op: Call['op'], { id }: Life, permission?: string): boolean {
    const about = (call: Call): boolean => permission === undefined || call.permissions.includes(permission);
    return this.calls.some((call) => call.op === op && call.id === id && about(call));
  }

  #over(record: Life, at: number): void {
    record.state = 'over';
    record.overAt = at;
  }

  #policyOf(policyDigest: string): ModelPolicy {
    const policy = this.#policies.get(policyDigest);
    if (policy === undefined) throw new TypeError('no policy is in force');
    return policy;
  }

  #fail(where: string): Fail {
    return (why) => {
      this.broken ??= new Error(`${where}: ${why}`);
      throw this.broken;
    };
  }
}

type Fail = (why: string) => void;
