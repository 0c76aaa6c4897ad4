/**
 * What must hold in the life of every grant, written apart: this file knows people, statements and times, and
 * imports nothing of the rules. The stage tells it what people did and what was asked of the targets; it throws as
 * soon as one of the promises is broken.
 */

export interface ModelRole {
  readonly target: string;
  readonly shared: boolean;
  readonly permissions: readonly string[];
  readonly requesters: readonly string[];
  /** Every rule needs one person, and nobody counts for two. */
  readonly rules: readonly (readonly string[])[];
  readonly mayPreexist: boolean;
}

export interface ModelPolicy {
  readonly roles: Readonly<Record<string, ModelRole>>;
  readonly people: readonly string[];
  /** Service -> owner. */
  readonly services: Readonly<Record<string, string>>;
  readonly admins: readonly string[];
  /** Person -> since when, in seconds, their key is compromised. */
  readonly compromised: Readonly<Record<string, number>>;
}

interface ModelRequest {
  readonly id: string;
  readonly requester: string;
  readonly subject: string;
  readonly role: string;
  readonly seconds: number;
  readonly start: number | null;
  readonly incident: boolean;
}

interface ModelApproval {
  readonly id: string;
  readonly bytes: string;
  readonly signer: string;
  readonly signedAt: number;
}

export interface Intent {
  readonly id: string;
  readonly bytes: string;
  readonly subject: string;
  readonly permissions: readonly string[];
  readonly signers: readonly string[];
  readonly end: number;
  readonly actBy: number;
  readonly preexisting: readonly string[];
}

interface Recorded extends Intent {
  /** First recorded, scheduled or granting: approvals had to count then. */
  readonly first: number;
  readonly role: ModelRole;
  readonly request: ModelRequest;
}

const CLOCKS = 300;

export class LifeModel {
  #policy: ModelPolicy;
  readonly #versions = new Map<string, ModelRequest>();
  readonly #merged = new Map<string, string>();
  readonly #approvals: ModelApproval[] = [];
  readonly #stops: { readonly id: string; readonly signer: string; readonly signedAt: number }[] = [];
  /** Of each id: every version that was seen, with the policy under which it was seen first. */
  readonly #seenUnder = new Map<string, Map<string, ModelPolicy>>();
  readonly #scheduled = new Map<string, number>();
  readonly #intents = new Map<string, Recorded>();
  /** `target subject permission` that was there before pam came. */
  readonly standing = new Set<string>();
  incidentOpen = true;
  grants = 0;
  revocations = 0;

  constructor(policy: ModelPolicy) {
    this.#policy = policy;
  }

  policyChanged(policy: ModelPolicy): void {
    this.#policy = policy;
  }
  asked(bytes: string, request: ModelRequest): void {
    this.#versions.set(bytes, request);
  }
  merged(id: string, bytes: string): void {
    this.#merged.set(id, bytes);
  }
  /** Only approvals that say exactly what they should, signed with the signer's own key. */
  approved(approval: ModelApproval): void {
    this.#approvals.push(approval);
  }
  stopped(id: string, signer: string, signedAt: number): void {
    this.#stops.push({ id, signer, signedAt });
  }
  seen(id: string, bytes: string): void {
    const versions = this.#seenUnder.get(id) ?? new Map<string, ModelPolicy>();
    if (!versions.has(bytes)) versions.set(bytes, this.#policy);
    this.#seenUnder.set(id, versions);
  }
  scheduled(id: string, now: number): void {
    if (!this.#scheduled.has(id)) this.#scheduled.set(id, now);
  }

  /** (a) No access without enough signatures of entitled, disinterested people for exactly it. */
  intended(intent: Intent, now: number): void {
    const fail = (why: string): never => {
      throw new Error(`intent of ${intent.id} at ${now}: ${why}`);
    };
    const { id } = intent;
    const request = this.#versions.get(intent.bytes) ?? fail('nobody asked for these bytes');
    const role = this.#policy.roles[request.role] ?? fail('no such role in the policy in force');
    const before = this.#intents.get(id);
    const first = before?.first ?? this.#scheduled.get(id) ?? now;
    if (request.id !== id) fail('the bytes are of another request');
    if (this.#merged.get(id) !== intent.bytes) fail('main does not hold these bytes');
    if (intent.subject !== request.subject) fail('another subject');
    if ([...intent.permissions].sort().join() !== [...role.permissions].sort().join())
      fail('other permissions');
    if (!role.requesters.includes(request.subject)) fail('the subject may not receive it');
    if (request.incident && !this.incidentOpen) fail('its incident is closed');
    if (this.#stopOf(id, request, now)) fail('it was stopped');
    if (!this.#enough(intent, request, role, first)) fail('not enough people signed for it');
    const end = (request.start ?? before?.first ?? now) + request.seconds;
    if (before !== undefined && before.end !== intent.end) fail('its end moved');
    if (request.start !== null && now < request.start) fail('before its start');
    if (intent.end > end || intent.end <= now) fail(`ends at ${intent.end}, not at ${end}`);
    if (intent.actBy > now + 120 || intent.actBy > intent.end) fail('acts too late');
    this.#intents.set(id, { ...intent, first, role, request });
  }

  grantCalled(id: string, permissions: readonly string[], until: number, now: number): void {
    const intent = this.#intents.get(id);
    if (intent === undefined) throw new Error(`a grant of ${id} that nobody recorded`);
    if (now >= intent.actBy || now >= intent.end) throw new Error(`a grant of ${id} after its time`);
    if (until !== intent.end || permissions.join() !== intent.permissions.join()) {
      throw new Error(`a grant of ${id} that differs from what was recorded`);
    }
    this.grants += 1;
  }

  /** (c) Nothing is taken away that was there before pam came. */
  revokeCalled(id: string, permissions: readonly string[]): void {
    const intent = this.#intents.get(id);
    if (intent === undefined) throw new Error(`a revocation of ${id}, which was never recorded`);
    for (const one of permissions) {
      const key = `${intent.role.target} ${intent.subject} ${one}`;
      if (intent.role.shared && this.standing.has(key))
        throw new Error(`${id} takes standing access away: ${key}`);
    }
    this.revocations += 1;
  }

  /** (c) What the ledger calls live is there while it lasts. */
  liveIsThere(id: string, present: (key: string) => boolean, now: number): void {
    const intent = this.#intents.get(id);
    if (intent === undefined) throw new Error(`${id} is live without an intent`);
    if (intent.end <= now) return;
    for (const one of intent.permissions) {
      if (!present(this.#key(intent, one)))
        throw new Error(`${id} is live until ${intent.end}, but ${one} is gone`);
    }
  }

  /** (b) After a whole sweep: what is at the targets is standing, or a grant that nothing has ended. */
  swept(there: Iterable<string>, now: number): void {
    const alive = new Set<string>(this.standing);
    for (const intent of this.#intents.values()) {
      if (this.#mustEnd(intent, now) !== undefined) continue;
      for (const one of intent.permissions) alive.add(this.#key(intent, one));
    }
    for (const key of there) {
      if (alive.has(key)) continue;
      const why = [...this.#intents.values()]
        .filter((intent) => intent.permissions.some((one) => this.#key(intent, one) === key))
        .map((intent) => `${intent.id} (${this.#mustEnd(intent, now) ?? ''})`);
      throw new Error(`still there after a sweep at ${now}: ${key}: ${why.join(', ')}`);
    }
  }

  /** Targets that keep one object for each grant are told apart by the grant. */
  #key({ id, role, subject }: Recorded, permission: string): string {
    return role.shared ? `${role.target} ${subject} ${permission}` : `${role.target} ${id}`;
  }

  #mustEnd(intent: Recorded, now: number): string | undefined {
    const { id, request, first, signers, end } = intent;
    const policy = this.#policy;
    if (end <= now) return 'over';
    if (this.#stopOf(id, request, now)) return 'stopped';
    if (request.incident && !this.incidentOpen) return 'incident closed';
    const known = (name: string): boolean =>
      policy.people.includes(name) || Object.hasOwn(policy.services, name);
    if (!known(request.subject)) return 'subject gone';
    if (signers.some((one) => (policy.compromised[one] ?? Infinity) <= first)) return 'compromised';
    return undefined;
  }

  /** Signed by somebody entitled now or when a version was seen, with a key that was not compromised by then. */
  #stopOf(id: string, request: ModelRequest, now: number): boolean {
    const then = [...(this.#seenUnder.get(id) ?? [])].flatMap(([bytes, policy]) => {
      const version = this.#versions.get(bytes);
      return version === undefined ? [] : this.#stoppers(policy, version);
    });
    const known = (name: string): boolean =>
      this.#policy.people.includes(name) || Object.hasOwn(this.#policy.services, name);
    const entitled = new Set([...then, ...this.#stoppers(this.#policy, request).filter(known)]);
    return this.#stops.some(
      (stop) =>
        stop.id === id &&
        entitled.has(stop.signer) &&
        (this.#policy.compromised[stop.signer] ?? Infinity) > Math.min(stop.signedAt, now),
    );
  }

  #stoppers(policy: ModelPolicy, request: ModelRequest): readonly string[] {
    const named = policy.roles[request.role]?.rules.flat() ?? [];
    return [...named, ...policy.admins, ...this.#gainers(policy, request)];
  }

  #gainers(policy: ModelPolicy, { requester, subject }: ModelRequest): readonly string[] {
    return [requester, subject].flatMap((id) => [
      id,
      ...(policy.services[id] === undefined ? [] : [policy.services[id]]),
    ]);
  }

  #enough(intent: Intent, request: ModelRequest, role: ModelRole, recorded: number): boolean {
    const gainers = this.#gainers(this.#policy, request);
    const people = new Set(
      this.#approvals
        .filter(
          (one) => one.id === intent.id && one.bytes === intent.bytes && one.signedAt <= recorded + CLOCKS,
        )
        .map(({ signer }) => signer)
        .filter((signer) => this.#policy.people.includes(signer) && !gainers.includes(signer))
        .filter((signer) => (this.#policy.compromised[signer] ?? Infinity) > recorded),
    );
    const place = (rules: readonly (readonly string[])[], free: ReadonlySet<string>): boolean => {
      const [rule, ...rest] = rules;
      if (rule === undefined) return true;
      return rule.some(
        (one) => free.has(one) && place(rest, new Set([...free].filter((other) => other !== one))),
      );
    };
    return place(role.rules, people);
  }
}
