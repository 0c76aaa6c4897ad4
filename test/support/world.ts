/**
 * A small access repository in memory, for tests of floors 0 and 1: keys by name, policy from real YAML files,
 * statements and ledger entries really signed, the chain followed by the real rules. No I/O, no clock, no mocks.
 */
import { printEntry } from '../../src/documents/entry-file.ts';
import { readPolicy } from '../../src/documents/policy-files.ts';
import { printRequest, readRequest } from '../../src/documents/request-file.ts';
import type { Decision } from '../../src/model/decision.ts';
import type { Entry, Evidence, LedgerEvent } from '../../src/model/entry.ts';
import type { GrantingEvent } from '../../src/rules/events/granting.ts';
import type { ScheduledEvent } from '../../src/rules/events/scheduled.ts';
import type { SeenEvent } from '../../src/rules/events/seen.ts';
import { earlier, type Instant, parseDuration, parseInstant, plus } from '../../src/model/instant.ts';
import {
  type Fingerprint,
  isRequestId,
  type Oid,
  requestPath,
  type RequestId,
  type Sha256,
} from '../../src/model/names.ts';
import type { OpenRecord } from '../../src/model/open-record.ts';
import { type Files, POLICY_PATHS, type Policy } from '../../src/model/policy.ts';
import type { Request } from '../../src/model/request.ts';
import {
  type Capacity,
  type ExactGrant,
  type LedgerPoint,
  LEDGER_NAMESPACE,
  type Signed,
  type Statement,
} from '../../src/model/statement.ts';
import { decide, type Snapshot } from '../../src/rules/decide.ts';
import { exactGrant } from '../../src/rules/exact-grant.ts';
import { EMPTY_INDEX, foldIndex } from '../../src/rules/fold-index.ts';
import { ACT_WITHIN_SECONDS } from '../../src/rules/events/record-steps.ts';
import { beginChain, followChain, type NextEntry } from '../../src/rules/follow-chain.ts';
import { termsOf } from '../../src/rules/grant-terms.ts';
import type { Ready } from '../../src/rules/plan-apply.ts';
import type { Candidate, Situation } from '../../src/rules/situation.ts';
import { openBeside } from '../../src/rules/open-requests.ts';
import { indexDigest } from '../../src/rules/print-index.ts';
import { stopperKeysOf } from '../../src/rules/see-request.ts';
import { providers } from '../../src/targets/registry.ts';
import { joinSigned } from '../../src/trust/armor.ts';
import type { ChainState } from '../../src/trust/chain-state.ts';
import { sha256, treeDigest } from '../../src/trust/digest.ts';
import { parsePublicKey } from '../../src/trust/public-key.ts';
import { verifyEntry } from '../../src/trust/signed-entry.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import { makeKey, type SignOptions, type TestKey } from './make-signature.ts';

/** The day that most tests happen on. */
export const DAY = '2026-11-22';
/** An instant: whole, or a time of `DAY` (`12:05`, `12:05:30`). */
export function at(text: string): Instant {
  const short = /^\d{2}:\d{2}$/u.test(text) ? `${text}:00` : text;
  const instant = parseInstant(short.includes('T') ? short : `${DAY}T${short}Z`);
  if (instant === undefined) throw new TypeError(`not an instant: ${text}`);
  return instant;
}

export function requestId(text: string): RequestId {
  if (!isRequestId(text)) throw new TypeError(`not an id: ${text}`);
  return text;
}

const keys = new Map<string, TestKey>();
/** The same key for the same name, in every run: what a seed found is found again. `-sk` is a FIDO key's. */
export function keyNamed(name: string): TestKey {
  const type = name.endsWith('-sk') ? 'sk-ssh-ed25519@openssh.com' : 'ssh-ed25519';
  const key = keys.get(name) ?? makeKey(type, { seed: name });
  keys.set(name, key);
  return key;
}
export const fingerprintOf = (name: string): Fingerprint => parsePublicKey(keyNamed(name).line).fingerprint;

/** `KEY(alice)` and `FINGERPRINT(alice)` in a text, replaced by those of the key with that name. */
export function fillKeys(text: string): string {
  return text
    .replaceAll(/FINGERPRINT\(([a-z0-9-]+)\)/gu, (_, name: string) => fingerprintOf(name))
    .replaceAll(/KEY\(([a-z0-9-]+)\)/gu, (_, name: string) => keyNamed(name).line);
}

export type PolicyTexts = Readonly<Record<(typeof POLICY_PATHS)[number], string>>;

export const TEXTS: PolicyTexts = {
  'pam.yaml': 'version: 1\nforge: { kind: git }\n',
  'policy/people.yaml': `people:
  alice: { name: Alice, keys: [{ key: KEY(alice) }, { key: KEY(alice-second) }] }
  bob: { name: Bob, keys: [{ key: KEY(bob) }, { key: KEY(bob-sk), attested: "sha256:${'b'.repeat(64)}" }] }
  carol: { name: Carol, keys: [{ key: KEY(carol) }, { key: KEY(carol-sk) }] }
  dana: { name: Dana, keys: [{ key: KEY(dana) }], logins: { orders-db: druiz } }
  erin: { name: Erin, keys: [{ key: KEY(erin) }] }
  frank: { name: Frank, keys: [{ key: KEY(frank) }] }
  grace: { name: Grace, keys: [{ key: KEY(grace) }] }
services:
  deploy-bot: { owner: erin, keys: [{ key: KEY(deploy-bot) }] }
  pam-apply: { owner: alice, keys: [{ key: KEY(pam-apply) }], executes: { targets: ["*"], may: [grant, revoke] } }
  pam-sweep: { owner: alice, keys: [{ key: KEY(pam-sweep) }], executes: { targets: ["*"], may: [revoke] } }
groups:
  leads: [alice, bob]
  engineering: [alice, dana, erin]
admins: { people: [alice, bob, grace], threshold: 2 }
`,
  'policy/roles.yaml': `roles:
  dba:
    description: Owner on the orders database
    target: orders-db
    permissions: ["role:{schema}_owner", connect]
    scope: { schema: { enum: [billing, shipping] } }
    risk: admin
    max_duration: 2h
    requesters: ["@engineering", deploy-bot]
    require: [ticket]
    approval:
      - approvers: ["@leads"]
        threshold: 1
        fallback: [{ approvers: [carol], after: 15m }]
    decide_within: 4h
  reader:
    description: May look
    target: orders-db
    permissions: [connect]
    risk: standard
    max_duration: 8h
    requesters: ["@engineering", deploy-bot]
    approval: [{ approvers: ["@leads"], threshold: 1 }]
  operator:
    description: Both of two rules
    target: bastion
    permissions: ["principal:root"]
    risk: admin
    max_duration: 1h
    requesters: ["@engineering"]
    approval:
      - { approvers: [alice, bob], threshold: 1 }
      - { approvers: [bob, carol], threshold: 1 }
`,
  'policy/targets.yaml': `targets:
  orders-db: { provider: command, config: { plugin: legacy } }
  bastion: { provider: ssh-ca, config: { krl_env: PAM_KRL, ca: "FINGERPRINT(ca)" } }
`,
};

export interface WorldPolicy {
  readonly policy: Policy;
  readonly files: Files;
}

export function policyOf(texts: PolicyTexts): WorldPolicy {
  const files: Files = new Map(POLICY_PATHS.map((path) => [path, Buffer.from(fillKeys(texts[path]))]));
  return { policy: readPolicy(files, treeDigest(files), providers), files };
}

/** The texts with one place changed; a text that is not there is a mistake in the test. */
export function textsWith(
  path: keyof PolicyTexts,
  from: string,
  to: string,
  texts: PolicyTexts = TEXTS,
): PolicyTexts {
  if (!texts[path].includes(from)) throw new TypeError(`${path} does not hold ${from}`);
  return { ...texts, [path]: texts[path].replace(from, () => to) };
}

export interface SignHow extends SignOptions {
  /** Name of the key; default: the signer's id. */
  readonly key?: string;
}

export function sign(statement: Statement, how: SignHow = {}): Signed {
  return signText(
    printStatement(statement),
    STATEMENT_KINDS[statement.type].namespace,
    how.key ?? statement.signer,
    how,
  );
}

export function signText(text: string, namespace: string, key: string, how: SignOptions = {}): Signed {
  return { text, armor: keyNamed(key).sign(text, namespace, how) };
}

export interface Append {
  /** Default: `pam-apply`. */
  readonly executor?: string;
  /** Name of the key; default: the executor's. */
  readonly key?: string;
  /** Default: an apply entry if any event needs one. `null`: none. */
  readonly main?: Oid | null;
  readonly brings?: WorldPolicy;
  /** Any field of the entry, right or wrong. */
  readonly change?: Partial<Entry>;
}

const APPLY_ONLY: ReadonlySet<string> = new Set([
  'seen',
  'refused',
  'scheduled',
  'granting',
  'granted',
  'failed',
]);
export const MAIN = 'a'.repeat(40) as Oid;

/** An in-memory ledger: genesis and policy 1 to begin with, then whatever is appended, each entry followed. */
export class Ledger {
  readonly witnesses = new Map<number, Sha256>();
  readonly entries: { readonly before: ChainState | null; readonly after: ChainState }[] = [];
  readonly candidates: NextEntry[] = [];
  state: ChainState;

  constructor(world: WorldPolicy = policyOf(TEXTS), begun: Instant = at('08:00'), executor = 'pam-apply') {
    const genesis = genesisOf(world, begun, executor);
    this.state = beginChain(genesis);
    this.#note(null, genesis);
    this.changePolicy(world, begun, world.policy.admins.people, { executor });
  }

  get policy(): Policy {
    return this.state.policy;
  }
  get point(): LedgerPoint {
    return { seq: this.state.seq, head: this.state.head };
  }
  record(id: RequestId): OpenRecord | null {
    return this.state.index.records.get(id) ?? null;
  }

  /** The entry as its executor would sign it; not appended. */
  draft(events: readonly LedgerEvent[], now: Instant, how: Append = {}): SignedDraft {
    const executor = how.executor ?? 'pam-apply';
    const main = how.main === undefined && events.some(({ type }) => APPLY_ONLY.has(type)) ? MAIN : how.main;
    const key = how.key ?? executor;
    const state = this.state;
    const index = foldIndex(state.index, events, {
      seq: state.seq + 1,
      at: now,
      executor,
      key: fingerprintOf(key),
      main: main ?? null,
      policy: state.policy,
    });
    const entry: Entry = {
      root: state.root,
      seq: state.seq + 1,
      previous: state.head,
      at: now,
      executor,
      policy: (how.brings ?? state).policy.digest,
      index: indexDigest(index),
      ...(main == null ? {} : { main }),
      events,
      ...how.change,
    };
    return signEntry(entry, key, how.brings ?? { policy: state.policy, files: state.policyFiles });
  }

  append(events: readonly LedgerEvent[], now: Instant, how: Append = {}): ChainState {
    return this.follow(this.draft(events, now, how));
  }

  follow(candidate: NextEntry): ChainState {
    const before = this.state;
    this.state = followChain(before, candidate);
    this.#note(before, candidate);
    return this.state;
  }

  policyStatements(world: WorldPolicy, now: Instant, signers: readonly string[]): Signed[] {
    const seq = (this.state.index.beats?.policy.seq ?? 0) + 1;
    return signers.map((signer) =>
      sign({
        type: 'policy',
        root: this.state.root,
        signer,
        signedAt: now,
        seq,
        policySha256: world.policy.digest,
        previousSha256: seq === 1 ? null : this.policy.digest,
      }),
    );
  }

  changePolicy(world: WorldPolicy, now: Instant, signers: readonly string[], how: Append = {}): ChainState {
    const statements = this.policyStatements(world, now, signers);
    const seq = (this.state.index.beats?.policy.seq ?? 0) + 1;
    const { digest } = world.policy;
    return this.append([{ type: 'policy', id: '-', seq, digest, statements }], now, {
      ...how,
      brings: world,
    });
  }

  /** The state as a stranger finds it, who walks the entries from the first to the last. */
  replayed(): ChainState {
    const [genesis, ...rest] = this.candidates;
    if (genesis === undefined) throw new TypeError('a ledger without genesis');
    return rest.reduce(followChain, beginChain(genesis));
  }

  #note(before: ChainState | null, candidate: NextEntry): void {
    this.candidates.push(candidate);
    this.entries.push({ before, after: this.state });
    this.witnesses.set(this.state.seq, this.state.head);
  }
}

export function genesisOf(
  world: WorldPolicy,
  begun: Instant,
  executor = 'pam-apply',
  change: Partial<Entry> = {},
): SignedDraft {
  const { policy, files } = world;
  const sums = Object.fromEntries([...files].map(([path, bytes]) => [path, sha256(bytes)]));
  const entry: Entry = {
    root: null,
    seq: 0,
    previous: null,
    at: begun,
    executor,
    policy: policy.digest,
    index: indexDigest(EMPTY_INDEX),
    events: [{ type: 'genesis', id: '-', policy: policy.digest, files: sums, nonce: '0'.repeat(32) }],
    ...change,
  };
  return signEntry(entry, executor, world);
}

/** A candidate with the armor over its bytes, for tests that put both into a real repository. */
export type SignedDraft = NextEntry & { readonly bytes: Uint8Array; readonly signature: string };

export function signEntry(entry: Entry, key: string, brings: WorldPolicy): SignedDraft {
  const bytes = printEntry(entry);
  const signature = keyNamed(key).sign(bytes, LEDGER_NAMESPACE);
  return {
    signed: verifyEntry(bytes, signature),
    bytes,
    signature,
    entry,
    broughtDigest: () => treeDigest(brings.files),
    brought: () => brings,
  };
}

export const REQUEST: Request = {
  version: 1,
  id: requestId('20261122-dba-aaaaaa'),
  requester: 'dana',
  subject: 'dana',
  role: 'dba',
  scope: { schema: 'billing' },
  duration: parseDuration('45m') ?? never('a duration'),
  justification: 'Stuck migration blocks checkout',
  ticket: 'OPS-1',
};

function never(what: string): never {
  throw new TypeError(`not ${what}`);
}

/** A request file, signed by its requester, as `apply` meets it. */
export interface Asked extends Candidate {
  readonly request: Request;
  readonly statement: Signed;
}

export interface AskHow {
  readonly at?: Instant;
  readonly root: Sha256;
  readonly signer?: string;
  readonly key?: string;
  readonly merged?: boolean;
}

/** `REQUEST` with other fields; its scope is that of the role `dba` alone. */
export function ask(fields: Partial<Request>, how: AskHow): Asked {
  const { scope: _scope, ...plain } = REQUEST;
  const base = (fields.role ?? REQUEST.role) === REQUEST.role ? REQUEST : plain;
  return askText(printRequest({ ...base, ...fields }), fields.id ?? REQUEST.id, how);
}

export function askText(bytes: string, id: RequestId, how: AskHow): Asked {
  const request = readRequest(Buffer.from(bytes), requestPath(id));
  const signer = how.signer ?? request.requester;
  const requestSha256 = sha256(bytes);
  const statement = sign(
    { type: 'request', root: how.root, signer, signedAt: how.at ?? at('12:00'), request: id, requestSha256 },
    { key: how.key ?? signer },
  );
  const signature = Buffer.from(joinSigned(statement));
  const signatureSha256 = sha256(signature);
  const place = `pam/${id}`;
  return {
    id,
    place,
    head: null,
    merged: how.merged ?? true,
    bytes,
    requestSha256,
    signatureSha256,
    signature,
    request,
    statement,
  };
}

export interface ApproveHow extends SignHow {
  readonly at?: Instant;
  readonly capacity?: Capacity;
  readonly because?: string | null;
  readonly ledger?: LedgerPoint;
  readonly root?: Sha256;
  readonly request?: RequestId;
  readonly requestSha256?: Sha256;
  readonly grant?: Partial<ExactGrant>;
}

export function approve(ledger: Ledger, asked: Asked, signer: string, how: ApproveHow = {}): Signed {
  const signedAt = how.at ?? at('12:05');
  const exact = exactGrant(ledger.policy, providers, asked.request, signedAt);
  if (exact === undefined) throw new TypeError('there is no exact grant to approve');
  const { loginKeyLine: _line, ...grant } = exact;
  return sign(
    {
      type: 'approval',
      root: how.root ?? ledger.state.root,
      signer,
      signedAt,
      request: how.request ?? asked.id,
      requestSha256: how.requestSha256 ?? asked.requestSha256,
      grant: { ...grant, ...how.grant },
      capacity: how.capacity ?? 'named',
      because: how.because ?? null,
      ledger: how.ledger ?? ledger.point,
    },
    how,
  );
}

export function stop(ledger: Ledger, id: RequestId, signer: string, how: ApproveHow = {}): Signed {
  const because = how.because ?? null;
  const { root } = ledger.state;
  const request = how.request ?? id;
  return sign(
    { type: 'stop', root: how.root ?? root, signer, signedAt: how.at ?? at('12:06'), request, because },
    how,
  );
}

/** As builds before `stopper_keys` wrote it. */
export function seenEvent(asked: Asked): SeenEvent {
  const { requester, subject, role } = asked.request;
  return {
    type: 'seen',
    id: asked.id,
    request_sha256: asked.requestSha256,
    signature_sha256: asked.signatureSha256,
    proposal: asked.place,
    requester,
    subject,
    role,
  };
}

/** As today's executors write it: with the keys of everybody who may stop it. */
export const keyedEvent = (asked: Asked, policy: Policy): SeenEvent => ({
  ...seenEvent(asked),
  stopper_keys: stopperKeysOf(policy, asked.request),
});

export function snapshot(ledger: Ledger, asked: Asked, more: Partial<Snapshot> = {}): Snapshot {
  return {
    root: ledger.state.root,
    policy: ledger.policy,
    providers,
    id: asked.id,
    request: asked.request,
    requestText: asked.bytes,
    requestSha256: asked.requestSha256,
    signatureSha256: asked.signatureSha256,
    statement: asked.statement,
    record: ledger.record(asked.id),
    beside: openBeside(ledger.state.index, asked.request),
    merged: asked.merged,
    approvals: [],
    stops: [],
    incident: null,
    witnesses: ledger.witnesses,
    evidenceOnly: false,
    halts: [],
    remarks: [],
    ...more,
  };
}

export function situation(
  ledger: Ledger,
  candidates: readonly Candidate[],
  more: Partial<Situation> = {},
): Situation {
  return {
    state: ledger.state,
    providers,
    main: MAIN,
    halts: [],
    candidates,
    aside: [],
    approvals: new Map(),
    stops: new Map(),
    postings: new Map(),
    unread: [],
    incidents: new Map(),
    witnesses: ledger.witnesses,
    ...more,
  };
}

/** The intent that an executor writes for something ready, as the next entry's event number `place`. */
export function intentOf(
  ledger: Ledger,
  ready: Pick<Ready, 'id' | 'terms' | 'snapshot' | 'decision'>,
  now: Instant,
  place = 0,
  preexisting: readonly string[] = [],
): GrantingEvent {
  const { id, terms } = ready;
  const first = ledger.record(id)?.grant?.granting;
  return {
    type: 'granting',
    id,
    evidence: evidenceOf(ready.snapshot, ready.decision),
    grant: terms,
    handle: first?.handle ?? { serial: (ledger.state.seq + 1) * 65_536 + place },
    preexisting,
    act_by: earlier(plus(now, ACT_WITHIN_SECONDS), terms.end),
  };
}

export function evidenceOf(of: Snapshot, decision: Decision): Evidence {
  if (of.record?.grant?.evidence != null) return of.record.grant.evidence;
  const approvals = decision.counted.map(({ signed }) => signed);
  return { request: of.requestText, statement: of.statement ?? never('a signed request'), approvals };
}

/** The request, decided. Throws when it is not approved. */
export function readyNow(of: Snapshot, now: Instant): Pick<Ready, 'id' | 'terms' | 'snapshot' | 'decision'> {
  const decision = decide(of, now);
  const terms = termsOf(of, decision, now);
  if (decision.verdict !== 'approved' || terms === undefined) {
    throw new TypeError(`not approved: ${JSON.stringify(decision.reasons.filter(({ ok }) => !ok))}`);
  }
  return { id: of.id, terms, snapshot: of, decision };
}

export function scheduledEvent(of: Snapshot, now: Instant): ScheduledEvent {
  const { id, terms, decision } = readyNow(of, now);
  return { type: 'scheduled', id, evidence: evidenceOf(of, decision), grant: terms };
}

/** One request seen, granted and read back: the shortest way to a live grant. */
export function grantLive(
  ledger: Ledger,
  fields: Partial<Request>,
  approver: string,
  from: Instant,
  how: Partial<GrantingEvent> = {},
): Asked {
  const asked = ask(fields, { root: ledger.state.root, at: from });
  ledger.append([seenEvent(asked)], from);
  const approvals = [approve(ledger, asked, approver, { at: from })];
  const intent = intentOf(ledger, readyNow(snapshot(ledger, asked, { approvals }), from), from);
  ledger.append([{ ...intent, ...how }], from);
  ledger.append([{ type: 'granted', id: asked.id, receipt: {} }], from);
  return asked;
}

export { providers };
