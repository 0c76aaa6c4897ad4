/**
 * The decision as a truth table: every folder in `test/vectors/decision` is one case, in plain files that a security
 * reviewer can write. What the words in them mean is said in the README beside them.
 */
import type { ErrorCode } from '../../../src/model/error-codes.ts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Reason, Verdict } from '../../../src/model/decision.ts';
import type { LedgerEvent } from '../../../src/model/entry.ts';
import { type Instant, parseInstant } from '../../../src/model/instant.ts';
import type { IncidentState } from '../../../src/model/incident.ts';
import type { RequestId } from '../../../src/model/names.ts';
import { POLICY_PATHS } from '../../../src/model/policy.ts';
import type { Capacity, ExactGrant, Signed } from '../../../src/model/statement.ts';
import { decide, type Snapshot } from '../../../src/rules/decide.ts';
import { exactGrant } from '../../../src/rules/exact-grant.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import {
  ask,
  type Asked,
  askText,
  at,
  fingerprintOf,
  intentOf,
  Ledger,
  policyOf,
  type PolicyTexts,
  providers,
  readyNow,
  requestId,
  scheduledEvent,
  seenEvent,
  sign,
  snapshot,
} from '../../support/world.ts';

const CASES = fileURLToPath(new URL('../../vectors/decision/', import.meta.url));
const OTHER_DIGEST = sha256('another');

interface ApprovalCase {
  readonly by: string;
  readonly at: string;
  readonly key?: string;
  readonly capacity?: Capacity;
  readonly because?: string;
  readonly touched?: boolean;
  readonly verified?: boolean;
  /** Fields of the exact grant that the signer saw otherwise. `login_key` is the name of a key. */
  readonly saw?: Partial<Omit<ExactGrant, 'loginKey'>> & { readonly login_key?: string };
  readonly of_request?: string;
  readonly of_root?: 'another';
  readonly of_bytes?: 'others';
  readonly ledger?: { readonly seq: number; readonly head?: 'another' };
  /** The text is right, the signature was made over another one. */
  readonly tampered?: boolean;
}
interface StopCase {
  readonly by: string;
  readonly at: string;
  readonly key?: string;
  readonly because?: string;
  readonly of_request?: string;
}
interface PastEvent {
  readonly event:
    | 'refused'
    | 'scheduled'
    | 'granting'
    | 'granted'
    | 'failed'
    | 'stopped'
    | 'revoked'
    | 'policy';
  readonly at: string;
  readonly by?: string;
  readonly bytes?: 'others';
}
interface Case {
  readonly about: string;
  /** Rows of the attack catalogue that it proves. */
  readonly rows?: readonly string[];
  readonly now: string;
  readonly seen: string;
  readonly seen_by?: string;
  readonly seen_bytes?: 'others';
  readonly open?: { readonly count: number; readonly by: string };
  readonly afterwards?: readonly PastEvent[];
  readonly merged?: boolean;
  readonly incident?: 'open' | 'closed' | 'unknown';
  readonly halts?: readonly ErrorCode[];
  readonly signed?: { readonly by?: string; readonly key?: string; readonly at?: string };
  readonly approvals?: readonly ApprovalCase[];
  readonly stops?: readonly StopCase[];
  readonly expect: {
    readonly failing: readonly string[];
    readonly final?: boolean;
    readonly counted?: readonly string[];
    readonly next?: string;
  };
}

/** Words that a case may use; a misspelt one must not pass unnoticed. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  case: [
    'about',
    'rows',
    'now',
    'seen',
    'seen_by',
    'seen_bytes',
    'open',
    'afterwards',
    'merged',
    'incident',
    'halts',
    'signed',
    'approvals',
    'stops',
    'expect',
  ],
  signed: ['by', 'key', 'at'],
  open: ['count', 'by'],
  approvals: [
    'by',
    'at',
    'key',
    'capacity',
    'because',
    'touched',
    'verified',
    'saw',
    'of_request',
    'of_root',
    'of_bytes',
    'ledger',
    'tampered',
  ],
  saw: ['subject', 'target', 'login', 'permissions', 'login_key', 'duration', 'start'],
  ledger: ['seq', 'head'],
  stops: ['by', 'at', 'key', 'because', 'of_request'],
  afterwards: ['event', 'at', 'by', 'bytes'],
  expect: ['failing', 'final', 'counted', 'next'],
};

function checkWords(kind: string, value: unknown): void {
  if (Array.isArray(value)) return value.forEach((one) => checkWords(kind, one));
  const allowed = WORDS[kind];
  if (allowed === undefined || typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (!allowed.includes(key)) throw new TypeError(`${kind} has no "${key}"; it has ${allowed.join(', ')}`);
    checkWords(key, inner);
  }
}

/** The case's own file, else the one of `_base`. */
function textOf(name: string, path: string, base = path): string {
  const own = `${CASES}${name}/${path}`;
  return readFileSync(existsSync(own) ? own : `${CASES}_base/${base}`, 'utf8');
}

function policyTexts(name: string, folder: 'policy' | 'policy-before'): PolicyTexts {
  const texts = POLICY_PATHS.map((path) => [path, textOf(name, path.replace('policy/', `${folder}/`), path)]);
  // One text for each of the four paths.
  return Object.fromEntries(texts) as PolicyTexts;
}

class Stage {
  readonly #case: Case;
  readonly ledger: Ledger;
  readonly asked: Asked;
  readonly #approvals: readonly Signed[];

  constructor(name: string, told: Case) {
    this.#case = told;
    const changes = existsSync(`${CASES}${name}/policy-before`);
    const inForce = policyOf(policyTexts(name, 'policy'));
    const first = changes ? policyOf(policyTexts(name, 'policy-before')) : inForce;
    this.ledger = new Ledger(first);
    const { signed, seen } = told;
    const request = textOf(name, 'request.yaml');
    const id = requestId(/^id: (\S+)$/mu.exec(request)?.[1] ?? '');
    this.asked = askText(request, id, {
      root: this.ledger.state.root,
      at: at(signed?.at ?? '12:00'),
      merged: told.merged ?? true,
      ...(signed?.by === undefined ? {} : { signer: signed.by }),
      ...(signed?.key === undefined ? {} : { key: signed.key }),
    });
    if (told.open !== undefined) this.ledger.append(this.#others(told.open), at('11:30'));
    if (seen !== 'never') this.ledger.append([this.#seenEvent()], at(seen));
    // Approvals name this place of the ledger: the one that stood when the request had been seen.
    const { point } = this.ledger;
    this.#approvals = (told.approvals ?? []).map((one) => this.#approval(one, point, first));
    for (const one of told.afterwards ?? []) {
      if (one.event === 'policy') this.ledger.changePolicy(inForce, at(one.at), first.policy.admins.people);
      else this.ledger.append(this.#past(one), at(one.at), one.event === 'revoked' ? { main: null } : {});
    }
    if (changes && this.ledger.policy.digest !== inForce.policy.digest) {
      throw new TypeError('policy-before/ needs a { event: policy } in "afterwards"');
    }
  }

  snapshot(): Snapshot {
    const { incident, halts, stops } = this.#case;
    return snapshot(this.ledger, this.asked, {
      approvals: this.#approvals,
      stops: (stops ?? []).map((one) => this.#stop(one)),
      incident: this.asked.request.incident === undefined ? null : incidentOf(incident),
      halts: (halts ?? []).map((code): Reason => ({ code, ok: false, message: 'halted' })),
    });
  }

  /** Requests of somebody that wait as well. */
  #others({ count, by }: NonNullable<Case['open']>): readonly LedgerEvent[] {
    const { root } = this.ledger.state;
    return Array.from({ length: count }, (_, one) => {
      const id = requestId(`20261122-dba-open${one.toString().padStart(2, '0')}`);
      return seenEvent(ask({ id, requester: by, subject: by }, { root, at: at('11:00') }));
    });
  }

  #seenEvent(): LedgerEvent {
    const event = seenEvent(this.asked);
    if (event.type !== 'seen') throw new TypeError('not a seen event');
    const requester = this.#case.seen_by ?? event.requester;
    const digest = this.#case.seen_bytes === undefined ? event.request_sha256 : OTHER_DIGEST;
    return {
      ...event,
      requester,
      subject: requester === event.requester ? event.subject : requester,
      request_sha256: digest,
    };
  }

  #past(one: PastEvent): readonly LedgerEvent[] {
    const { id } = this.asked;
    const now = at(one.at);
    switch (one.event) {
      case 'scheduled':
      case 'granting': {
        const approvals = this.#approvals.filter(({ text }) => (signedAt(text) ?? now) <= now);
        const of = snapshot(
          this.ledger,
          { ...this.asked, merged: true },
          { approvals, incident: incidentOf('open') },
        );
        return [
          one.event === 'scheduled' ? scheduledEvent(of, now) : intentOf(this.ledger, readyNow(of, now), now),
        ];
      }
      case 'granted':
        return [{ type: 'granted', id, receipt: {} }];
      case 'failed':
        return [{ type: 'failed', id, error: { code: 'E_PRV', message: 'no' } }];
      case 'revoked':
        return [{ type: 'revoked', id, kept_for: {}, usage: null }];
      case 'refused': {
        const request_sha256 = one.bytes === undefined ? this.asked.requestSha256 : OTHER_DIGEST;
        return [{ type: 'refused', id, request_sha256, reasons: [{ code: 'E_X', message: 'no' }] }];
      }
      case 'stopped':
        return [{ type: 'stopped', id, statement: this.#stop({ by: one.by ?? 'dana', at: one.at }) }];
      case 'policy':
        return [];
    }
  }

  #stop(one: StopCase): Signed {
    return sign(
      {
        type: 'stop',
        root: this.ledger.state.root,
        signer: one.by,
        signedAt: at(one.at),
        request: this.#idOr(one.of_request),
        because: one.because ?? null,
      },
      { key: one.key ?? one.by },
    );
  }

  #approval(
    one: ApprovalCase,
    point: { readonly seq: number; readonly head: typeof OTHER_DIGEST },
    before: { readonly policy: Ledger['policy'] },
  ): Signed {
    const { asked, ledger } = this;
    const exact = exactGrant(before.policy, providers, asked.request, at(one.at));
    if (exact === undefined) throw new TypeError('policy has no such role, target or subject to approve');
    const { loginKeyLine: _line, ...grant } = exact;
    const { login_key, start, ...saw } = one.saw ?? {};
    const lies = {
      ...saw,
      ...(start === undefined ? {} : { start: at(start ?? '') }),
      ...(login_key === undefined ? {} : { loginKey: fingerprintOf(login_key) }),
    };
    const head =
      one.ledger === undefined ? point.head : (ledger.witnesses.get(one.ledger.seq) ?? OTHER_DIGEST);
    const statement = {
      type: 'approval',
      root: one.of_root === undefined ? ledger.state.root : OTHER_DIGEST,
      signer: one.by,
      signedAt: at(one.at),
      request: this.#idOr(one.of_request),
      requestSha256: one.of_bytes === undefined ? asked.requestSha256 : OTHER_DIGEST,
      grant: { ...grant, ...lies },
      capacity: one.capacity ?? 'named',
      because: one.because ?? null,
      ledger: {
        seq: one.ledger?.seq ?? point.seq,
        head: one.ledger?.head === undefined ? head : OTHER_DIGEST,
      },
    } as const;
    const flags = ((one.touched ?? true) ? 1 : 0) | (one.verified === true ? 4 : 0);
    const how = { key: one.key ?? one.by, flags };
    const signed = sign(statement, how);
    if (one.tampered !== true) return signed;
    return { ...signed, armor: sign({ ...statement, because: 'something else' }, how).armor };
  }

  #idOr(text: string | undefined): RequestId {
    return text === undefined ? this.asked.id : requestId(text);
  }
}

function signedAt(text: string): Instant | undefined {
  return parseInstant(/^signed-at: (.*)$/mu.exec(text)?.[1] ?? '');
}

function incidentOf(word: Case['incident']): IncidentState | null {
  if (word === undefined) return null;
  return word === 'open' ? { state: word } : { state: word, why: 'the case says so' };
}

const verdictOf = (name: string): Verdict =>
  name.endsWith('_denied') ? 'refused' : name.endsWith('_pending') ? 'pending' : 'approved';

const names = readdirSync(CASES, { withFileTypes: true })
  .filter((one) => one.isDirectory() && one.name !== '_base')
  .map((one) => one.name)
  .sort();

/** The title says which rows a case proves: `[E4] changed_byte_denied`. */
const cases = names.map((name) => {
  // Unknown words are refused by its test; the compiler's view of the rest is the interface above.
  const told = parse(readFileSync(`${CASES}${name}/case.yaml`, 'utf8'), {
    version: '1.2',
    schema: 'core',
  }) as Case;
  return [told.rows === undefined ? name : `[${told.rows.join(', ')}] ${name}`, name, told] as const;
});

describe('decision cases', () => {
  it('there are at least forty of them', () => {
    expect(names.length).toBeGreaterThanOrEqual(40);
  });

  it.each(cases)('%s', (_, name, told) => {
    checkWords('case', told);
    const stage = new Stage(name, told);
    const now = at(told.now);
    const decision = decide(stage.snapshot(), now);
    const failing = [...new Set(decision.reasons.filter(({ ok }) => !ok).map(({ code }) => code))].sort();
    const { final, counted, next } = told.expect;
    const people = decision.counted.map(({ signer }) => signer).sort();
    expect({
      about: told.about,
      verdict: decision.verdict,
      failing,
      ...(final === undefined ? {} : { final: decision.final }),
      ...(counted === undefined ? {} : { counted: people }),
      ...(next === undefined ? {} : { next: decision.next }),
    }).toEqual({
      about: told.about,
      verdict: verdictOf(name),
      failing: [...told.expect.failing].sort(),
      ...(final === undefined ? {} : { final }),
      ...(counted === undefined ? {} : { counted: [...counted].sort() }),
      ...(next === undefined ? {} : { next: at(next) }),
    });
    const blocking = failing.filter((code) => !isNoise(code));
    expect(decision.verdict === 'approved' ? blocking : []).toEqual([]);
    // Asked again, it answers the same; and the order of the evidence is nothing.
    const turned = stage.snapshot();
    const again = decide(
      { ...turned, approvals: [...turned.approvals].reverse(), stops: [...turned.stops].reverse() },
      now,
    );
    expect(again.verdict).toBe(decision.verdict);
    expect(again.counted.map(({ signer, rule }) => [signer, rule])).toEqual(
      decision.counted.map(({ signer, rule }) => [signer, rule]),
    );
  });
});

/** Bad evidence beside enough good evidence is told, and blocks nothing; nothing else may fail beside a yes. */
const isNoise = (code: string): boolean =>
  /^E_(?:APR|KEY|SIG|SK|STATEMENT)/u.test(code) && code !== 'E_APR_MISSING' && code !== 'E_APR_THRESHOLD';
