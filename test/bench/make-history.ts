/**
 * An access repository with a past: every entry is one that an executor would have written, every signature and
 * digest is real, and only the writing is quicker than life (signed in process, written by one `git fast-import`).
 *
 * One grant every half hour, three entries each: seen and granted (with the request, its statement and the approval),
 * read back, revoked. Then, shortly before `now`, grants that stay live for eight hours, and one that ends earlier.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { printEntry } from '../../src/documents/entry-file.ts';
import { readPolicy } from '../../src/documents/policy-files.ts';
import { printRequest } from '../../src/documents/request-file.ts';
import { idOf } from '../../src/git/new-objects.ts';
import type { Entry, EventOf, GrantTerms, LedgerEvent } from '../../src/model/entry.ts';
import { type Instant, parseDuration, plus, secondsOf, unixSeconds } from '../../src/model/instant.ts';
import { isRequestId, type Oid, type RequestId, type Sha256 } from '../../src/model/names.ts';
import { type OpenIndex, openPath } from '../../src/model/open-record.ts';
import { type Files, POLICY_PATHS, type Policy } from '../../src/model/policy.ts';
import type { Request } from '../../src/model/request.ts';
import { SortedMap } from '../../src/model/sorted-map.ts';
import { LEDGER_NAMESPACE, type Signed, type Statement } from '../../src/model/statement.ts';
import { exactGrant } from '../../src/rules/exact-grant.ts';
import { EMPTY_INDEX, foldIndex } from '../../src/rules/fold-index.ts';
import { ACT_WITHIN_SECONDS } from '../../src/rules/events/record-steps.ts';
import { SHELVES } from '../../src/rules/shelves/registry.ts';
import { indexDigest } from '../../src/rules/print-index.ts';
import { inOrder } from '../../src/rules/same-json.ts';
import { tellEntry } from '../../src/rules/tell-entry.ts';
import { providers } from '../../src/targets/registry.ts';
import { joinSigned } from '../../src/trust/armor.ts';
import { sha256, treeDigest } from '../../src/trust/digest.ts';
import { gitTreeId } from '../../src/trust/git-tree-id.ts';
import { parsePublicKey } from '../../src/trust/public-key.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import { keyNamed } from './keys.ts';

export const APPLY = 'pam-apply';
export const SWEEP = 'pam-sweep';
const APPROVERS = ['alice', 'bob', 'carol'];
const REQUESTERS = Array.from({ length: 40 }, (_, at) => `dev-${at + 1}`);
export const KEY_NAMES = [...APPROVERS, ...REQUESTERS, APPLY, SWEEP];

const BETWEEN_SECONDS = 1800;
/** Between live grants, at most; many of them lie so close together that none ends before the last one begins. */
const BETWEEN_LIVE_SECONDS = 20;
const ALL_LIVE_WITHIN_SECONDS = 6 * 3600;
const LEDGER = 'refs/heads/pam-ledger';

export interface Wish {
  /** Grants that began and ended. */
  readonly past: number;
  /** Grants that are live at `now` and for two hours more, and whether one more ends within six hours. */
  readonly live: number;
  /** So many live grants begin with one entry, as where an executor ran once for all of them. */
  readonly together?: number;
  readonly due: boolean;
  readonly now: Instant;
  /** Where the remote-tracking `origin` stands in `pam.yaml`; without it a lone repository. */
  readonly remote: boolean;
}

export interface History {
  /** A bare repository. */
  readonly dir: string;
  readonly root: Sha256;
  /** The newest entry. */
  readonly seq: number;
  readonly head: Sha256;
  readonly now: Instant;
  /** Statements and entries that are signed. */
  readonly signatures: number;
  /** An entry of a day before `now`: what a machine that ran yesterday has verified. */
  readonly yesterday: {
    readonly seq: number;
    readonly head: Sha256;
    readonly at: Instant;
    readonly commit: string;
  };
  readonly due: RequestId | null;
}

export function policyTexts(remote: boolean): Readonly<Record<(typeof POLICY_PATHS)[number], string>> {
  const person = (name: string): string =>
    `  ${name}: { name: ${name}, keys: [{ key: ${keyNamed(name).line} }] }\n`;
  const executor = (name: string, may: string): string =>
    `  ${name}: { owner: alice, keys: [{ key: ${keyNamed(name).line} }], executes: { targets: ["*"], may: [${may}] } }\n`;
  return {
    'pam.yaml': `version: 1\nforge: { kind: git${remote ? ', remote: origin' : ''} }\nmain: main\nledger: pam-ledger\nincidents: { source: file }\n`,
    'policy/people.yaml': `people:\n${[...APPROVERS, ...REQUESTERS].map(person).join('')}services:\n${executor(APPLY, 'grant, revoke')}${executor(SWEEP, 'revoke')}groups:\n  engineering: [${REQUESTERS.join(', ')}]\n  leads: [${APPROVERS.join(', ')}]\nadmins: { people: [alice, bob], threshold: 1 }\n`,
    'policy/roles.yaml': `roles:
  web-restart:
    description: Restart the web server
    target: web
    permissions: ["run:root:/usr/bin/systemctl restart nginx"]
    risk: standard
    max_duration: 8h
    requesters: ["@engineering"]
    require: [ticket]
    approval: [{ approvers: ["@leads"], threshold: 1 }]
    decide_within: 4h
`,
    'policy/targets.yaml':
      'targets:\n  web: { provider: sudoers, config: { directory_env: PAM_SUDOERS_DIR } }\n',
  };
}

/** Makes the repository in `dir`, which must not exist. */
export async function makeHistory(dir: string, wish: Wish): Promise<History> {
  mkdirSync(dir, { recursive: true });
  const init = spawnSync('git', ['init', '-q', '--bare', '--initial-branch=main', dir], {
    env: plainEnvironment(),
  });
  if (init.status !== 0) throw new Error(`git init: ${String(init.stderr)}`);
  const git = spawn(
    'git',
    ['-C', dir, 'fast-import', '--quiet', '--done', `--export-marks=${join(dir, 'marks')}`],
    {
      env: plainEnvironment(),
      stdio: ['pipe', 'inherit', 'inherit'],
    },
  );
  const ended = once(git, 'close');
  const maker = new Maker(new FastImport(git), wish);
  const story = await maker.tell();
  const [code] = await ended;
  if (code !== 0) throw new Error(`git fast-import ended with ${String(code)}`);
  const commit = commitAt(dir, maker.markOf(story.yesterday.seq));
  return { ...story, dir, now: wish.now, yesterday: { ...story.yesterday, commit } };
}

export const plainEnvironment = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  LC_ALL: 'C',
});

function commitAt(dir: string, mark: number): string {
  const grep = spawnSync('grep', ['-m1', `^:${mark} `, join(dir, 'marks')], { encoding: 'utf8' });
  const [, oid] = grep.stdout.trim().split(' ');
  if (oid === undefined) throw new Error(`fast-import kept no mark ${mark}`);
  return oid;
}

class Maker {
  readonly #git: FastImport;
  readonly #wish: Wish;
  readonly #policy: Policy;
  readonly #files: Files;
  readonly #marks: number[] = [];
  #index: OpenIndex = EMPTY_INDEX;
  #root: Sha256 | null = null;
  #head: Sha256 | null = null;
  #seq = -1;
  #signatures = 0;
  #yesterday: Omit<History['yesterday'], 'commit'> | null = null;

  constructor(git: FastImport, wish: Wish) {
    this.#git = git;
    this.#wish = wish;
    const texts = policyTexts(wish.remote);
    this.#files = new Map(POLICY_PATHS.map((path) => [path, Buffer.from(texts[path])]));
    this.#policy = readPolicy(this.#files, treeDigest(this.#files), providers);
  }

  markOf(seq: number): number {
    const mark = this.#marks[seq];
    if (mark === undefined) throw new Error(`there is no entry ${seq}`);
    return mark;
  }

  async tell(): Promise<
    Omit<History, 'dir' | 'now' | 'yesterday'> & { yesterday: Omit<History['yesterday'], 'commit'> }
  > {
    const { past, live, together = 1, now } = this.#wish;
    const between = Math.min(BETWEEN_LIVE_SECONDS, Math.floor(ALL_LIVE_WITHIN_SECONDS / (live + 2)));
    const recent = plus(now, -(live + 2) * between);
    const begun = plus(recent, -(past + 4) * BETWEEN_SECONDS);
    await this.#git.commitMain(begun, 'policy', this.#files);
    await this.#begin(begun);
    for (let at = 0; at < past; at++) await this.#wholeLife(at, plus(begun, (at + 1) * BETWEEN_SECONDS));
    for (let at = 0; at < live; at += together) {
      const numbers = Array.from({ length: Math.min(together, live - at) }, (_, place) => past + at + place);
      await this.#give(numbers, plus(recent, at * between), '8h');
    }
    const lastAt = plus(recent, live * between);
    const [due = null] = this.#wish.due ? await this.#give([past + live], lastAt, '6h') : [];
    await this.#git.end();
    if (this.#root === null || this.#head === null || this.#yesterday === null)
      throw new Error('an empty history');
    const [root, head, yesterday] = [this.#root, this.#head, this.#yesterday];
    return { root, head, seq: this.#seq, signatures: this.#signatures, yesterday, due };
  }

  async #begin(at: Instant): Promise<void> {
    const { digest } = this.#policy;
    const files = Object.fromEntries([...this.#files].map(([path, bytes]) => [path, sha256(bytes)]));
    await this.#append(
      APPLY,
      at,
      [{ type: 'genesis', id: '-', policy: digest, files, nonce: '0'.repeat(32) }],
      false,
    );
    const statement = this.#sign({
      type: 'policy',
      signer: 'alice',
      signedAt: at,
      seq: 1,
      policySha256: digest,
      previousSha256: null,
    });
    await this.#append(
      APPLY,
      at,
      [{ type: 'policy', id: '-', seq: 1, digest, statements: [statement] }],
      false,
    );
  }

  async #wholeLife(number: number, at: Instant): Promise<void> {
    const ids = await this.#give([number], at, '20m');
    const over = ids.map((id): LedgerEvent => ({ type: 'revoked', id, kept_for: {}, usage: null }));
    await this.#append(SWEEP, plus(at, 1260), over, false);
  }

  /** Asked for, approved, granted and read back, all within two seconds. */
  async #give(numbers: readonly number[], at: Instant, duration: string): Promise<readonly RequestId[]> {
    const begun = numbers.map((number, place) => this.#begun(number, at, duration, 2 * place + 1));
    await this.#append(APPLY, at, begun.flat(), true);
    const ids = begun.map(([seen]) => seen.id);
    const done = ids.map((id): LedgerEvent => ({ type: 'granted', id, receipt: {} }));
    await this.#append(APPLY, plus(at, 2), done, true);
    return ids;
  }

  /** @param place of the second event in its entry */
  #begun(
    number: number,
    at: Instant,
    duration: string,
    place: number,
  ): readonly [EventOf<'seen'>, EventOf<'granting'>] {
    const { request, text, statement } = this.#ask(number, at, duration);
    const requestSha256 = sha256(text);
    const { id, requester, subject, role } = request;
    const exact = exactGrant(this.#policy, providers, request, at);
    const target = this.#policy.targets['web'];
    if (exact === undefined || target === undefined) throw new Error('the policy of the bench gives nothing');
    const { loginKeyLine, loginKey, ...grant } = exact;
    const approver = APPROVERS[number % APPROVERS.length] ?? '';
    const ledger = { seq: this.#seq, head: this.#head ?? never() };
    const approval = this.#sign({
      type: 'approval',
      signer: approver,
      signedAt: at,
      request: id,
      requestSha256,
      grant: { ...grant, loginKey },
      capacity: 'named',
      because: null,
      ledger,
    });
    const terms: GrantTerms = {
      subject,
      role,
      target: grant.target,
      provider: target.provider,
      config: target.config,
      login: grant.login,
      permissions: grant.permissions,
      login_key: loginKeyLine,
      duration: request.duration,
      start: null,
      incident: null,
      approvers: [approver],
      keys: [parsePublicKey(keyNamed(approver).line).fingerprint],
      end: plus(at, secondsOf(request.duration)),
    };
    return [
      {
        type: 'seen',
        id,
        request_sha256: requestSha256,
        signature_sha256: sha256(joinSigned(statement)),
        proposal: `pam/${id}`,
        requester,
        subject,
        role,
      },
      {
        type: 'granting',
        id,
        evidence: { request: text, statement, approvals: [approval] },
        grant: terms,
        handle: { serial: (this.#seq + 1) * 65_536 + place },
        preexisting: [],
        act_by: plus(at, ACT_WITHIN_SECONDS),
      },
    ];
  }

  #ask(number: number, at: Instant, duration: string): { request: Request; text: string; statement: Signed } {
    const id = `${at.slice(0, 10).replaceAll('-', '')}-web-restart-${number.toString(36).padStart(6, '0')}`;
    const requester = REQUESTERS[number % REQUESTERS.length] ?? '';
    const parsed = parseDuration(duration);
    if (!isRequestId(id) || parsed === undefined)
      throw new Error(`not an id or a duration: ${id} ${duration}`);
    const request: Request = {
      version: 1,
      id,
      requester,
      subject: requester,
      role: 'web-restart',
      duration: parsed,
      justification: `nginx on web-${number % 17} hangs after the deploy; restart it and watch the error rate`,
      ticket: `OPS-${number}`,
    };
    const text = printRequest(request);
    const statement = this.#sign({
      type: 'request',
      signer: requester,
      signedAt: at,
      request: id,
      requestSha256: sha256(text),
    });
    return { request, text, statement };
  }

  #sign(statement: DistributiveOmit<Statement, 'root'>): Signed {
    const text = printStatement({ ...statement, root: this.#root ?? never() });
    this.#signatures += 1;
    return { text, armor: keyNamed(statement.signer).sign(text, STATEMENT_KINDS[statement.type].namespace) };
  }

  async #append(
    executor: string,
    at: Instant,
    events: readonly LedgerEvent[],
    apply: boolean,
  ): Promise<void> {
    const seq = this.#seq + 1;
    const key = parsePublicKey(keyNamed(executor).line).fingerprint;
    const main = apply ? this.#git.main : null;
    const before = this.#index;
    const context = { seq, at, executor, key, main, policy: this.#policy };
    this.#index = seq === 0 ? before : foldIndex(before, events, context);
    const entry: Entry = {
      root: this.#root,
      seq,
      previous: this.#head,
      at,
      executor,
      policy: this.#policy.digest,
      index: indexDigest(this.#index),
      ...(main === null ? {} : { main }),
      events,
    };
    const bytes = printEntry(entry);
    const signature = keyNamed(executor).sign(bytes, LEDGER_NAMESPACE);
    this.#signatures += 1;
    const files: [string, Uint8Array | null][] = [
      ['entry.json', bytes],
      ['entry.json.sig', Buffer.from(signature)],
      ...changes(before, this.#index),
    ];
    if (seq === 0) files.push(...this.#files);
    this.#marks.push(await this.#git.commit(LEDGER, at, tellEntry(entry), files));
    this.#head = sha256(bytes);
    this.#root ??= this.#head;
    this.#seq = seq;
    if (at <= plus(this.#wish.now, -86_400) || this.#yesterday === null)
      this.#yesterday = { seq, head: this.#head, at };
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function never(): never {
  throw new Error('nothing follows before a genesis');
}

function changes(before: OpenIndex, after: OpenIndex): [string, Uint8Array | null][] {
  const changed: [string, Uint8Array | null][] = [];
  const text = (value: object): Uint8Array => Buffer.from(`${JSON.stringify(inOrder(value))}\n`);
  for (const [id, , record] of SortedMap.of(after.records).since(SortedMap.of(before.records)))
    changed.push([openPath(id), record === undefined ? null : text(record)]);
  if (after.beats !== null && after.beats !== before.beats)
    changed.push([SHELVES.beats.path, text(after.beats)]);
  return changed;
}

class FastImport {
  readonly #to: Writable;
  #mark = 0;
  /** The commit of main that entries name. */
  main = '';

  constructor(git: ChildProcessByStdio<Writable, null, null>) {
    this.#to = git.stdin;
  }

  async commitMain(at: Instant, message: string, files: Files): Promise<void> {
    await this.commit('refs/heads/main', at, message, [...files]);
    const who = `${APPLY} <${APPLY}@pam> ${unixSeconds(at)} +0000`;
    const tree = gitTreeId(files, SHA1);
    const body = Buffer.from(`tree ${tree}\nauthor ${who}\ncommitter ${who}\n\n${message}`);
    this.main = idOf({ type: 'commit', body }, 'sha1');
  }

  async commit(
    ref: string,
    at: Instant,
    message: string,
    files: readonly (readonly [string, Uint8Array | null])[],
  ): Promise<number> {
    this.#mark += 1;
    const who = `${APPLY} <${APPLY}@pam> ${unixSeconds(at)} +0000`;
    const parts: Uint8Array[] = [
      Buffer.from(`commit ${ref}\nmark :${this.#mark}\nauthor ${who}\ncommitter ${who}\n`),
      ...data(Buffer.from(message)),
    ];
    for (const [path, bytes] of files) {
      if (bytes === null) parts.push(Buffer.from(`D ${path}\n`));
      else parts.push(Buffer.from(`M 100644 inline ${path}\n`), ...data(bytes));
    }
    if (!this.#to.write(Buffer.concat(parts))) await once(this.#to, 'drain');
    return this.#mark;
  }

  async end(): Promise<void> {
    await new Promise<void>((resolve) => this.#to.end('done\n', resolve));
  }
}

/** An id of that length. */
const SHA1 = '0'.repeat(40) as Oid;

const data = (bytes: Uint8Array): Uint8Array[] => [
  Buffer.from(`data ${bytes.length}\n`),
  bytes,
  Buffer.from('\n'),
];
