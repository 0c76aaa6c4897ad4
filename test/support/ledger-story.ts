/**
 * Tells a history: people really sign, executors really write, the real rules follow. A lie is told at its place,
 * and the story goes on as honest executors would make it go on: what does not follow is stepped over.
 */
import { printEntry, readEntry } from '../../src/documents/entry-file.ts';
import { readPolicy } from '../../src/documents/policy-files.ts';
import { readRequest } from '../../src/documents/request-file.ts';
import type { Entry, GrantTerms, LedgerEvent } from '../../src/model/entry.ts';
import type { EndCause } from '../../src/rules/events/ending.ts';
import type { GrantingEvent } from '../../src/rules/events/granting.ts';
import { PamError } from '../../src/model/error.ts';
import { earlier, type Instant, plus, secondsOf } from '../../src/model/instant.ts';
import { requestPath, type Sha256 } from '../../src/model/names.ts';
import { LEDGER_NAMESPACE, type Signed } from '../../src/model/statement.ts';
import { decide } from '../../src/rules/decide.ts';
import { exactGrant } from '../../src/rules/exact-grant.ts';
import { foldIndex } from '../../src/rules/fold-index.ts';
import { ACT_WITHIN_SECONDS } from '../../src/rules/events/record-steps.ts';
import { termsOf } from '../../src/rules/grant-terms.ts';
import { indexDigest, printIndex } from '../../src/rules/print-index.ts';
import type { ChainState } from '../../src/trust/chain-state.ts';
import { sha256, treeDigest } from '../../src/trust/digest.ts';
import { verifyEntry } from '../../src/trust/signed-entry.ts';
import type { ApproverWord, EntryWord, EventWord } from './ledger-words.ts';
import {
  approve,
  type Asked,
  askText,
  at,
  evidenceOf,
  fingerprintOf,
  genesisOf,
  keyedEvent,
  keyNamed,
  Ledger,
  MAIN,
  providers,
  requestId,
  seenEvent,
  sign,
  snapshot,
  stop,
  type WorldPolicy,
} from './world.ts';

export interface TreeFile {
  readonly mode: string;
  readonly bytes: Uint8Array;
}

/** One commit of the ledger branch. Its parent is the one before it unless `parents` names others. */
export interface Written {
  readonly label: string;
  readonly at: Instant;
  readonly message: string;
  readonly files: ReadonlyMap<string, TreeFile>;
  readonly parents?: readonly string[];
}

export interface Told {
  readonly commits: readonly Written[];
  readonly ledger: Ledger;
  /** Entry's digest by label. */
  readonly heads: ReadonlyMap<string, Sha256>;
}

export interface Script {
  readonly policies: Readonly<Record<string, WorldPolicy>>;
  /** The text of a request file, by its name in the script. */
  readonly requestText: (name: string) => string;
  readonly message: (entry: Entry) => string;
  readonly entries: readonly (EntryWord & { readonly lied?: boolean })[];
}

const OTHER_DIGEST = sha256('another');
const APPLY_ONLY: ReadonlySet<string> = new Set([
  'seen',
  'refused',
  'scheduled',
  'granting',
  'granted',
  'failed',
]);
const BEGUN = at('08:00');

export class Story {
  readonly #script: Script;
  readonly #ledger: Ledger;
  readonly #asked = new Map<string, Asked>();
  readonly #states = new Map<string, ChainState>();
  readonly #heads = new Map<string, Sha256>();
  readonly #commits: Written[] = [];
  #lied = false;

  constructor(script: Script) {
    this.#script = script;
    const first = script.policies['one'];
    if (first === undefined) throw new TypeError('a history begins with a policy called one');
    this.#ledger = new Ledger(first, BEGUN);
    this.#ledger.candidates.forEach(({ signed, entry }, seq) => {
      const signature = keyNamed('pam-apply').sign(signed.bytes, LEDGER_NAMESPACE);
      const state = this.#ledger.entries[seq]?.after;
      if (state === undefined) throw new TypeError('an entry without a state');
      this.#states.set(String(seq), state);
      this.#write({ n: seq, at: '08:00', events: [] }, signed.bytes, signature, entry, state);
    });
  }

  tell(): Told {
    for (const word of this.#script.entries) this.#tellOne(word);
    return { commits: this.#commits, ledger: this.#ledger, heads: this.#heads };
  }

  #tellOne(word: EntryWord & { readonly lied?: boolean }): void {
    const newest = this.#ledger.state;
    const on = word.on === undefined ? newest : this.#states.get(String(word.on));
    if (on === undefined) throw new TypeError(`there is no entry ${word.on} to follow`);
    const honest = word.lied !== true;
    this.#lied ||= !honest;
    this.#ledger.state = on;
    let drafted: ReturnType<Story['draft']>;
    try {
      drafted = this.draft(word);
    } catch (error) {
      // After a lie, an honest executor leaves out what no longer follows.
      if (honest && this.#lied) return;
      throw error;
    } finally {
      this.#ledger.state = newest;
    }
    const { bytes, signature, entry, index, brings } = drafted;
    const after = word.files === undefined && word.on === undefined ? this.#follow(drafted) : undefined;
    if (after === undefined && honest) {
      if (this.#lied) return;
      throw new TypeError(`entry ${word.n} of the history does not follow`);
    }
    if (honest && !this.#lied && String(word.n) !== String(entry.seq)) {
      throw new TypeError(`entry ${word.n} of the history is entry ${entry.seq}`);
    }
    if (after !== undefined) this.#states.set(String(word.n), after);
    this.#write(word, bytes, signature, entry, { policyFiles: (brings ?? on).policyFiles, index });
  }

  #follow({ bytes, signature, brings }: ReturnType<Story['draft']>): ChainState | undefined {
    try {
      const files = brings?.policyFiles ?? this.#ledger.state.policyFiles;
      return this.#ledger.follow({
        signed: verifyEntry(bytes, signature),
        entry: readEntry(bytes),
        broughtDigest: () => treeDigest(files),
        brought: () => ({ files, policy: readPolicy(files, treeDigest(files), providers) }),
      });
    } catch (error) {
      if (error instanceof PamError) return undefined;
      throw error;
    }
  }

  #write(
    word: EntryWord,
    bytes: Uint8Array,
    signature: string,
    entry: Entry,
    state: Pick<ChainState, 'policyFiles' | 'index'>,
  ): void {
    const files = new Map<string, TreeFile>();
    const add = (path: string, content: Uint8Array | string): void => {
      files.set(path, { mode: '100644', bytes: Buffer.from(content) });
    };
    add('entry.json', bytes);
    add('entry.json.sig', signature);
    for (const [path, content] of [...state.policyFiles, ...printIndex(state.index)]) add(path, content);
    for (const [path, text] of Object.entries(word.files ?? {})) {
      if (text === null) files.delete(path);
      else add(path, text);
    }
    const message = word.message ?? this.#script.message(entry);
    const label = String(word.n);
    if (this.#heads.has(label)) throw new TypeError(`there are two entries ${label}`);
    this.#heads.set(label, sha256(bytes));
    this.#commits.push({ label, at: at(word.at), message, files });
  }

  /** The entry as `word` says, with every field that it leaves open made as its executor would make it. */
  draft(word: EntryWord) {
    const { state } = this.#ledger;
    const now = at(word.at);
    const executor = word.executor ?? 'pam-apply';
    const key = word.key ?? executor;
    const named = word.events.find(({ policy }) => policy !== undefined)?.policy;
    const world = named === undefined ? undefined : this.#policy(named);
    const brings = world === undefined ? undefined : { ...world, policyFiles: world.files };
    const events = word.events.map((one, place) => this.#event(one, word, now, place));
    const main = word.main ?? (events.some(({ type }) => APPLY_ONLY.has(type)) ? MAIN : undefined);
    const made = {
      root: state.root,
      seq: state.seq + 1,
      previous: state.head,
      at: now,
      executor,
      policy: (brings ?? state).policy.digest,
      index: indexDigest(state.index),
      ...(main === undefined || main === 'none' ? {} : { main }),
      events,
    };
    const changed = withChanges(made, word);
    const index = foldOr(state, changed, fingerprintOf(key));
    const entry = withChanges({ ...changed, index: indexDigest(index) }, word);
    const bytes = printed(entry);
    const signature = keyNamed(key).sign(bytes, word.namespace ?? LEDGER_NAMESPACE);
    return { bytes, signature, entry, index, brings };
  }

  #event(word: EventWord, entry: EntryWord, now: Instant, place: number): LedgerEvent {
    if (word.genesis === true) {
      const [event] = genesisOf(this.#policy('one'), now).entry.events;
      if (event !== undefined) return event;
    }
    if (word.policy !== undefined) return this.#policyEvent(word, now);
    if (word.heartbeat !== undefined) return { type: 'heartbeat', id: '-', live: word.heartbeat };
    const kind = KINDS.find((one) => word[one] !== undefined);
    const name = kind === undefined ? undefined : word[kind];
    if (kind === undefined || name === undefined) throw new TypeError(`${entry.n}: not an event`);
    const asked = this.#askedAt(name, now);
    const { id } = asked;
    switch (kind) {
      case 'seen': {
        const one = word.signed === undefined ? asked : this.#signAnew(name, at(word.signed));
        return word.keyed === true ? keyedEvent(one, this.#ledger.policy) : seenEvent(one);
      }
      case 'scheduled':
      case 'granting':
        return this.#intent(kind, asked, word, now, place);
      case 'granted':
        return { type: kind, id, receipt: {} };
      case 'failed':
        return { type: kind, id, error: { code: 'E_PRV', message: 'it said no' } };
      case 'refused': {
        const reasons = [{ code: word.code ?? 'E_APR_MISSING', message: 'no' }];
        return { type: kind, id, request_sha256: asked.requestSha256, reasons };
      }
      case 'stopped': {
        const signer = typeof word.by === 'string' ? word.by : 'dana';
        const how = { at: at(word.at ?? entry.at), ...(word.key === undefined ? {} : { key: word.key }) };
        return { type: kind, id, statement: stop(this.#ledger, id, signer, how) };
      }
      case 'ending':
        return { type: kind, id, cause: (word.cause ?? 'incident') as EndCause, because: 'it was told' };
      case 'revoked':
        return { type: kind, id, kept_for: {}, usage: null };
      case 'revoke_failed':
        return { type: kind, id, attempt: word.attempt ?? 1, error: { code: 'E_PRV', message: 'no answer' } };
    }
  }

  #policyEvent(word: EventWord, now: Instant): LedgerEvent {
    const { digest } = this.#policy(word.policy ?? '').policy;
    const { root, policy, index } = this.#ledger.state;
    const seq = word.seq ?? (index.beats?.policy.seq ?? 0) + 1;
    const signers = typeof word.by === 'string' ? [word.by] : (word.by ?? []).map(nameOf);
    const signedAt = word.at === undefined ? now : at(word.at);
    const previousSha256 = seq === 1 ? null : policy.digest;
    const statements = signers.map((signer) =>
      sign({ type: 'policy', root, signer, signedAt, seq, policySha256: digest, previousSha256 }),
    );
    return { type: 'policy', id: '-', seq, digest, statements };
  }

  #intent(
    type: 'scheduled' | 'granting',
    asked: Asked,
    word: EventWord,
    now: Instant,
    place: number,
  ): LedgerEvent {
    const ledger = this.#ledger;
    const { id } = asked;
    const approvals =
      word.by === undefined || typeof word.by === 'string'
        ? (ledger.record(id)?.grant?.evidence?.approvals ?? [])
        : word.by.map((one) => this.#approval(asked, one, now));
    const record = this.#recordOf(asked, now);
    // Builds before `stopper_keys` did not compare the times of request and approval.
    const untimed = record?.seen?.stopper_keys === undefined;
    const of = snapshot(ledger, asked, { approvals, record, untimed });
    const decision = decide(of, now);
    const approved = decision.verdict === 'approved';
    const grant = approved ? termsOf(of, decision, now) : this.#termsAnyway(asked, approvals, now);
    if (grant === undefined) throw new TypeError(`${id}: there is nothing left to grant`);
    const honest = approved
      ? evidenceOf(of, decision)
      : { request: asked.bytes, statement: asked.statement, approvals };
    const other =
      word.statement === undefined ? {} : { statement: this.#signedAt(asked, word.statement).statement };
    const evidence = { ...honest, ...other };
    if (type === 'scheduled') return { type, id, evidence, grant };
    const handle = ledger.record(id)?.grant?.granting?.handle ?? {
      serial: (ledger.state.seq + 1) * 65_536 + place,
    };
    const act_by = earlier(plus(now, ACT_WITHIN_SECONDS), grant.end);
    const intent: GrantingEvent = { type, id, evidence, grant, handle, preexisting: [], act_by };
    return intent;
  }

  /** What is known of it; a `seen` in the same entry counts. */
  #recordOf(asked: Asked, now: Instant) {
    const { state } = this.#ledger;
    const known = state.index.records.get(asked.id);
    if (known !== undefined) return known;
    const context = { seq: state.seq + 1, at: now, executor: 'pam-apply', key: state.key, main: null };
    const index = foldIndex(state.index, [seenEvent(asked)], { ...context, policy: state.policy });
    return index.records.get(asked.id) ?? null;
  }

  /** Terms of a grant that no rule would make. */
  #termsAnyway(asked: Asked, approvals: readonly Signed[], now: Instant): GrantTerms | undefined {
    const { policy } = this.#ledger;
    const { request } = asked;
    const exact = exactGrant(policy, providers, request, now);
    const target = exact === undefined ? undefined : policy.targets[exact.target];
    if (exact === undefined || target === undefined) return undefined;
    const { loginKeyLine, loginKey: _fingerprint, ...grant } = exact;
    return {
      ...grant,
      role: request.role,
      provider: target.provider,
      config: target.config,
      login_key: loginKeyLine,
      incident: request.incident ?? null,
      approvers: approvals.map(({ text }) => /^signer: (.*)$/mu.exec(text)?.[1] ?? 'nobody').sort(),
      keys: [],
      end: plus(request.start ?? now, secondsOf(request.duration)),
    };
  }

  #approval(asked: Asked, word: string | ApproverWord, now: Instant): Signed {
    if (typeof word === 'string') return approve(this.#ledger, asked, word, { at: now });
    const subject = word.request === undefined ? asked : this.#askedAt(word.request, now);
    const signed = approve(this.#ledger, subject, word.who, {
      at: word.at === undefined ? now : at(word.at),
      capacity: word.capacity ?? 'named',
      because: word.because ?? null,
      ...(word.key === undefined ? {} : { key: word.key }),
      ...(word.bytes === undefined ? {} : { requestSha256: OTHER_DIGEST }),
      ...(word.root === undefined ? {} : { root: OTHER_DIGEST }),
      ...(word.ledger === undefined ? {} : { ledger: { seq: this.#ledger.point.seq, head: OTHER_DIGEST } }),
      ...(word.saw === undefined ? {} : { grant: word.saw }),
    });
    const [from, to] = word.reworded ?? ['', ''];
    if (!signed.text.includes(from)) throw new TypeError(`the approval does not say ${from}`);
    const text = signed.text.replace(from, () => to);
    const armor = word.spelt === undefined ? signed.armor : SPELT[word.spelt](signed.armor);
    return { text, armor };
  }

  #askedAt(name: string, now: Instant): Asked {
    const known = this.#asked.get(name);
    if (known !== undefined) return known;
    const text = this.#script.requestText(name);
    const id = requestId(/^id: (\S+)$/mu.exec(text)?.[1] ?? '');
    readRequest(Buffer.from(text), requestPath(id));
    const asked = askText(text, id, { root: this.#ledger.state.root, at: now });
    this.#asked.set(name, asked);
    return asked;
  }

  /** The requester signs the same bytes anew: from here on the story means this statement. */
  #signAnew(name: string, now: Instant): Asked {
    const asked = this.#signedAt(this.#askedAt(name, now), now);
    this.#asked.set(name, asked);
    return asked;
  }

  #signedAt({ bytes, id }: Asked, when: string): Asked {
    return askText(bytes, id, { root: this.#ledger.state.root, at: at(when) });
  }

  #policy(name: string): WorldPolicy {
    const found = this.#script.policies[name];
    if (found === undefined) throw new TypeError(`there is no policy ${name}`);
    return found;
  }
}

const KINDS = [
  'seen',
  'scheduled',
  'granting',
  'granted',
  'failed',
  'refused',
  'stopped',
  'ending',
  'revoked',
  'revoke_failed',
] as const;

const SPELT = {
  crlf: (armor: string): string => armor.replaceAll('\n', '\r\n'),
  'blank line before': (armor: string): string => `\n${armor}`,
} as const;

const nameOf = (word: string | ApproverWord): string => (typeof word === 'string' ? word : word.who);

function foldOr(state: ChainState, entry: Entry, key: ReturnType<typeof fingerprintOf>) {
  try {
    const { seq, at: now, executor, main, events } = entry;
    const context = { seq, at: now, executor, key, main: main ?? null, policy: state.policy };
    return foldIndex(state.index, events, context);
  } catch {
    // It does not follow, or is no entry at all; then its writer can only claim something.
    return state.index;
  }
}

/** One spelling where there is one; what no pam would write is written all the same. */
function printed(entry: Entry): Uint8Array {
  try {
    return printEntry(entry);
  } catch {
    return Buffer.from(`${JSON.stringify(entry)}\n`);
  }
}

function withChanges(entry: Entry, { set = {}, unset = [] }: Pick<EntryWord, 'set' | 'unset'>): Entry {
  const copy = JSON.parse(JSON.stringify(entry)) as Entry;
  for (const [pointer, value] of Object.entries(set)) put(copy, pointer, value);
  for (const pointer of unset) put(copy, pointer, undefined);
  return copy;
}

/** JSON pointer without escapes; `undefined` removes. A place that is not there is a mistake in the case. */
function put(document: unknown, pointer: string, value: unknown): void {
  const [, ...path] = pointer.split('/');
  const last = path.pop() ?? '';
  let node = document;
  for (const part of path) node = (node as Record<string, unknown> | undefined)?.[part];
  if (typeof node !== 'object' || node === null) throw new TypeError(`${pointer} is nowhere`);
  if (value !== undefined) (node as Record<string, unknown>)[last] = value;
  else if (Array.isArray(node)) node.splice(Number(last), 1);
  else delete (node as Record<string, unknown>)[last];
}
