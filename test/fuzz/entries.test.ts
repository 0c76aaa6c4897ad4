/**
 * Ledger entries, changed and signed again by whoever holds a key that is not an honest person's. Nothing follows
 * that its signer may not write; what a granting executor writes beyond its evidence, audit calls an error; and no
 * entry that follows keeps a sweep or an apply from working.
 */
import { describe } from 'vitest';
import { readRequest } from '../../src/documents/request-file.ts';
import { inFieldOrder } from '../../src/documents/field-order.ts';
import { readOpenRecord, readShelf } from '../../src/documents/entry-file.ts';
import { walkLedger, type Walked } from '../../src/flows/ledger/walk/walk-ledger.ts';
import type { Entry, LedgerEvent } from '../../src/model/entry.ts';
import { PamError } from '../../src/model/error.ts';
import { type Instant, plus } from '../../src/model/instant.ts';
import { requestPath } from '../../src/model/names.ts';
import type { OpenRecord, ShelfName } from '../../src/model/open-record.ts';
import { LEDGER_NAMESPACE } from '../../src/model/statement.ts';
import { auditEntry, auditEnd } from '../../src/rules/audit-entry.ts';
import { foldIndex } from '../../src/rules/fold-index.ts';
import { planApply } from '../../src/rules/plan-apply.ts';
import { planSweep } from '../../src/rules/plan-sweep.ts';
import { indexDigest, printIndex } from '../../src/rules/print-index.ts';
import { SHELVES } from '../../src/rules/shelves/registry.ts';
import { sameJson } from '../../src/rules/same-json.ts';
import { tellEntry } from '../../src/rules/tell-entry.ts';
import type { ChainState } from '../../src/trust/chain-state.ts';
import { ledgerFiles } from '../support/ledger-files.ts';
import {
  at,
  fingerprintOf,
  intentOf,
  keyNamed,
  MAIN,
  providers,
  readyNow,
  requestId,
  seenEvent,
  situation,
  snapshot,
  ask,
  type Asked,
  scheduledEvent,
} from '../support/world.ts';
import { HONEST, isCovered, NOW, POOL, WORLD } from './attack-world.ts';
import { commitsInMemory, type TreeFiles } from './commits-in-memory.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { type Json, mutateJson } from './mutate-json.ts';
import { mutateLines } from './mutate-text.ts';
import type { Random } from './random.ts';
import { broken, fuzz, layerOf, type Mutant } from './table.ts';

const { asked, ledger, next, ratified } = WORLD;
const { state } = ledger;

const LAYERS: Readonly<Record<string, RegExp>> = {
  'bytes and shape': /^E_LED_SHAPE$/u,
  'whose key': /^E_LED_KEY$/u,
  'place in the chain': /^E_LED_CHAIN$/u,
  'who may write it': /^E_LED_KIND$/u,
  'who may stop': /^E_LED_STOP$/u,
  'order of time': /^E_LED_TIME$/u,
  'the life of a request': /^E_LED_STEP$/u,
  'the index': /^E_LED_INDEX$/u,
  'the files beside it': /^E_LED_TREE$/u,
  'policy and its admins': /^E_POL_/u,
  'armor and signature': /^E_(?!LED_|POL_)/u,
};

/** What honest executors could write next, each with whoever would. */
const NEXT: readonly [LedgerEvent[], ...LedgerEvent[][]] = nextEvents();

/** What a sweeper may write as well. */
const BY_ANY = NEXT.filter((events) => {
  return events.every(({ type }) =>
    /^(?:stopped|ending|revoked|revoke_failed|heartbeat|policy)$/u.test(type),
  );
});

function nextEvents(): [LedgerEvent[], ...LedgerEvent[][]] {
  const { due, unwanted, running, overdue, begun, ended, hers, half, both, planned } = asked;
  const approved = (one: Asked) => snapshot(ledger, one, { approvals: WORLD.approvals.get(one.id) ?? [] });
  const granting = [due, hers, both].map((one): LedgerEvent => {
    return intentOf(ledger, readyNow(approved(one), NOW), NOW);
  });
  const fresh = ask({ id: requestId('20261122-dba-newest') }, { root: state.root, at: NOW });
  const stops = [unwanted, running].map(({ id }): LedgerEvent => {
    return { type: 'stopped', id, statement: WORLD.stops.get(id) ?? { text: '', armor: '' } };
  });
  const error = { code: 'E_PRV_DOWN', message: 'it did not answer' };
  const resumed = ledger.record(begun.id)?.grant;
  if (resumed?.granting == null || resumed.evidence === null) throw new TypeError('no intent to resume');
  const first: LedgerEvent = { type: 'heartbeat', id: '-', live: 2 };
  const { recorded: _at, evidence, granting: intent, receipt: _none, ...grant } = resumed;
  return [
    [first],
    ...[...granting, ...granting, ...granting].map((one) => [one]),
    [scheduledEvent(approved(planned), NOW)],
    [
      {
        type: 'granting',
        id: begun.id,
        evidence,
        grant,
        handle: intent.handle,
        preexisting: [],
        act_by: plus(NOW, 100),
      },
    ],
    [seenEvent(fresh)],
    [{ type: 'refused', id: half.id, request_sha256: half.requestSha256, reasons: [error] }],
    [{ type: 'granted', id: begun.id, receipt: { message: 'done' } }],
    [{ type: 'failed', id: begun.id, error }],
    stops.slice(0, 1),
    stops.slice(1),
    [{ type: 'ending', id: running.id, cause: 'incident', because: 'INC-1 closed' }],
    [
      {
        type: 'revoked',
        id: overdue.id,
        kept_for: { connect: [running.id] },
        usage: { used: true, last: at('09:00') },
      },
    ],
    [{ type: 'revoke_failed', id: overdue.id, attempt: 1, error }],
    [{ type: 'ending', id: ended.id, cause: 'found', because: 'it was there again' }],
    [seenEvent(fresh), { type: 'revoked', id: overdue.id, kept_for: {}, usage: null }, ...stops],
    [{ type: 'policy', id: '-', seq: 2, digest: next.policy.digest, statements: ratified }],
  ];
}

type Writer = 'pam-apply' | 'pam-sweep' | 'stranger';

describe('[D12] mutated entries', () => {
  const shares = { 'the life of a request': 0.02, 'place in the chain': 0.002 };
  fuzz(
    'entries by the granting executor',
    {
      runs: 2500,
      shares: {
        ...shares,
        'bytes and shape': 0.1,
        'an error in the audit': 0.05,
        'followed, and its right': 0.1,
        'order of time': 0.01,
      },
    },
    (random) => make(random, 'pam-apply'),
  );
  fuzz(
    'entries by the sweeper',
    {
      runs: 2500,
      shares: { ...shares, 'bytes and shape': 0.1, 'who may write it': 0.1, 'followed, and its right': 0.05 },
    },
    (random) => make(random, 'pam-sweep'),
  );
  fuzz('entries by strangers', { runs: 1500, shares: { 'whose key': 0.5 } }, (random) =>
    make(random, 'stranger'),
  );
});

function make(random: Random, writer: Writer): Mutant {
  const events =
    writer === 'pam-sweep' && random.chance(0.6) ? (random.pick(BY_ANY) ?? NEXT[0]) : random.pick(NEXT);
  const entry = mutatedEntry(random, events, writer);
  const bytes = random.chance(0.05) ? mutateBytes(random, entry) : entry;
  const key = writer === 'stranger' ? random.pick(['thief', 'dana', 'alice', 'deploy-bot', 'grace']) : writer;
  const armor = keyNamed(key).sign(bytes, random.chance(0.97) ? LEDGER_NAMESPACE : 'pam-policy-v1@pam');
  return { shown: bytes, judge: async () => await judge(random, { bytes, armor, writer }) };
}

function entryOf(events: readonly LedgerEvent[], writer: Writer, now: Instant): Entry {
  const executor = writer === 'stranger' ? 'pam-apply' : writer;
  const [event] = events;
  const policy = event?.type === 'policy' ? next.policy.digest : state.policy.digest;
  const apply =
    events.some(({ type }) => type !== 'policy' && type !== 'heartbeat') && writer !== 'pam-sweep';
  const main = apply ? { main: MAIN } : {};
  const { root, head: previous } = state;
  return { root, seq: state.seq + 1, previous, at: now, executor, policy, index: root, ...main, events };
}

/** Edited as data, then made to fit again where the attacker can: the index is the one that its events make. */
function mutatedEntry(random: Random, events: readonly LedgerEvent[], writer: Writer): Buffer {
  const honest = entryOf(events, writer, NOW);
  const plain = JSON.parse(JSON.stringify(honest)) as Record<string, Json>;
  const mutant = mutatedData(random, plain);
  // The shape is what is being tried; folding and printing meet whatever it became.
  const entry = mutant as unknown as Entry;
  const index = random.chance(0.9) ? foldedDigest(entry, writer) : undefined;
  return Buffer.from(printed(index === undefined ? mutant : { ...mutant, index }));
}

function mutatedData(random: Random, plain: Record<string, Json>): Record<string, Json> {
  const events = plain['events'] ?? [];
  switch (random.weighed({ same: 3, evidence: 15, events: 48, any: 14, at: 6, id: 14 })) {
    case 'same':
      return plain;
    case 'evidence':
      return withEvidence(random, plain);
    case 'events':
      return {
        ...plain,
        events: (mutateJson(random, { events }, POOL) as Record<string, Json>)['events'] ?? [],
      };
    case 'any':
      return mutateJson(random, plain, POOL) as Record<string, Json>;
    case 'at':
      return { ...plain, at: plus(NOW, random.pick([-1, -60, -600, -7200, 1, 60, 3600, 90_000, 1e12])) };
    case 'id': {
      // The same thing said of another request, at another stage of its life.
      const id = random.pick(Object.values(asked))?.id ?? '';
      const text = JSON.stringify(events).replaceAll(/20261122-[a-z]+-[a-z0-9]{6}/gu, id);
      return { ...plain, events: JSON.parse(text) as Json };
    }
  }
}

/** The texts inside: request bytes, statements, armors. */
function withEvidence(random: Random, entry: Record<string, Json>): Record<string, Json> {
  const text = JSON.stringify(entry['events']);
  const inside = [...text.matchAll(/"(?:text|request|armor)":("(?:[^"\\]|\\.)*")/gu)].map(
    (one) => one[1] ?? '""',
  );
  const old = random.pick(inside);
  if (old === undefined) return entry;
  const changed = mutateLines(random, JSON.parse(old) as string, POOL);
  return { ...entry, events: JSON.parse(text.replace(old, () => JSON.stringify(changed))) as Json };
}

function printed(mutant: object): string {
  try {
    return `${JSON.stringify(inFieldOrder('entry', mutant))}\n`;
  } catch {
    return `${JSON.stringify(mutant)}\n`;
  }
}

function foldedDigest(entry: Entry, writer: Writer): string | undefined {
  const key = fingerprintOf(writer === 'stranger' ? 'thief' : writer);
  const { at: now, executor, main = null } = entry;
  try {
    const context = { seq: state.seq + 1, at: now, executor, key, main, policy: state.policy };
    return indexDigest(foldIndex(state.index, entry.events, context));
  } catch {
    return undefined;
  }
}

interface Pushed {
  readonly bytes: Buffer;
  readonly armor: string;
  readonly writer: Writer;
}

async function judge(random: Random, pushed: Pushed): Promise<string> {
  const walked = await walkOnto(state, pushed);
  if (walked.kind === 'junk') return layerOf(walked.junk.code, LAYERS);
  if (walked.kind === 'newer') broken('no mutant is of a higher version');
  const { after } = walked.step;
  if (pushed.writer === 'stranger') broken('a stranger wrote the ledger');
  mustReadBack(after);
  mustGoOn(after);
  mustKeepPolicy(after);
  if (pushed.writer === 'pam-sweep') mustOnlyEnd(after);
  return mustBeFound(random, after);
}

/** The commit that an attacker would push: every file that the entry makes, if it can be told at all. */
async function walkOnto(before: ChainState, { bytes, armor }: Pushed): Promise<Walked> {
  const { repository, commits } = commitsInMemory([filesFor(before, bytes, armor)], before.seq + 2);
  for await (const walked of walkLedger(repository, providers, commits, before)) return walked;
  throw new TypeError('nothing was walked');
}

function filesFor(before: ChainState, bytes: Buffer, armor: string): TreeFiles {
  try {
    const entry = JSON.parse(bytes.toString('utf8')) as Entry;
    const { seq, at: now, executor, events, main = null } = entry;
    const policyFiles = events[0]?.type === 'policy' ? next.files : before.policyFiles;
    const key = fingerprintOf(executor === 'pam-sweep' ? 'pam-sweep' : 'pam-apply');
    const context = { seq, at: now, executor, key, main, policy: before.policy };
    return ledgerFiles({ policyFiles, index: foldIndex(before.index, events, context) }, bytes, armor);
  } catch {
    // It will be refused before anybody looks at the files.
    return ledgerFiles(before, bytes, armor);
  }
}

/** `open/` as the next run finds it: readable, and of the shape that it always has. */
function mustReadBack(after: ChainState): void {
  for (const [path, text] of printIndex(after.index)) {
    const bytes = Buffer.from(text);
    const shelf = Object.entries(SHELVES).find(([, one]) => one.path === path)?.[0];
    const read = shelf === undefined ? readOpenRecord(bytes) : readShelf(shelf as ShelfName, bytes);
    if (!sameJson(read, JSON.parse(text))) broken(`${path} reads as something else`);
  }
  tellEntry(after.entry);
}

/** What one compromised key wrote keeps no honest executor from planning, now or later. */
function mustGoOn(after: ChainState): void {
  const { root, policy, index } = after;
  const candidates = Object.values(asked);
  for (const now of [NOW, plus(NOW, 86_400)]) {
    const stops = new Map([...WORLD.stops].map(([id, one]) => [id, [one]]));
    planSweep({ root, policy, providers, index, stops, incidents: new Map() }, now);
    const more = { state: after, approvals: WORLD.approvals, stops };
    const { ready } = planApply({ ...situation(ledger, candidates, more) }, now);
    for (const one of ready) {
      const intent = intentOf(ledger, one, now);
      if (!isCovered(intent, now, index.records.get(one.id)))
        broken(`${one.id} would be granted beyond its evidence`);
    }
    auditEnd(after, now, new Map());
  }
}

function mustKeepPolicy(after: ChainState): void {
  const { digest } = after.policy;
  if (digest !== state.policy.digest && digest !== next.policy.digest) broken('an executor changed policy');
}

/** All that a key which may only revoke can do: end what is live, and stop what somebody entitled stopped. */
function mustOnlyEnd(after: ChainState): void {
  const before = state.index.records;
  if (![...before.keys()].every((id) => after.index.records.has(id))) broken('a sweeper dropped a record');
  const { beats } = after.index;
  if (!sameJson(beats?.apply, state.index.beats?.apply)) broken('a sweeper wrote an apply beat');
  for (const record of after.index.records.values()) {
    const old = before.get(record.id);
    if (old === undefined) broken('a sweeper made a record');
    else if (record !== old) mustBeEnding(old, record, after.entry);
  }
}

const RUNNING = ['granting', 'live'];
const WAITING = ['seen', 'scheduled', 'refused'];

function mustBeEnding(old: OpenRecord, record: OpenRecord, entry: Entry): void {
  const moved = `${old.state} -> ${record.state}`;
  if (!sameJson(old.seen, record.seen)) broken(`a sweeper changed what was seen (${moved})`);
  const stopped = entry.events.some((one) => {
    return one.type === 'stopped' && one.id === record.id && HONEST.has(one.statement.text);
  });
  if (WAITING.includes(old.state)) {
    if (record.state !== 'stopped' || !stopped) broken(`a sweeper made ${moved} without a stop`);
    return;
  }
  const terms = ({ grant }: OpenRecord): unknown => ({ ...grant, evidence: null });
  if (!sameJson(terms(old), terms(record))) broken(`a sweeper changed a grant (${moved})`);
  const ends = [...RUNNING, 'ending', 'ended', 'failed'];
  const to = old.state === record.state || record.state === 'ending' || record.state === 'ended';
  if (!ends.includes(old.state) || !to) broken(`a sweeper made ${moved}`);
}

/** A grant beyond what people signed may stand on the chain; it may never pass for good. */
function mustBeFound(random: Random, after: ChainState): string {
  if (errorsOf(state, after, ledger.witnesses).length > 0) return 'an error in the audit';
  for (const [place, event] of after.entry.events.entries()) {
    if (event.type !== 'granting' && event.type !== 'scheduled') continue;
    const record = recordBefore(after, place, event.id);
    if (!isCovered(event, after.entry.at, record))
      broken(`audit says ok to a ${event.type} that nobody signed`);
  }
  return random.chance(0.5) ? 'followed, and its right' : grantedLater(after);
}

/** Lies about a request first, its grant in the next entry: still no more than was signed. */
function grantedLater(after: ChainState): string {
  const witnesses = new Map([...ledger.witnesses, [after.seq, after.head]]);
  for (const one of [asked.due, asked.hers, asked.both]) {
    const record = after.index.records.get(one.id);
    const honest = NEXT.flat().find((event) => event.type === 'granting' && event.id === one.id);
    if (honest?.type !== 'granting' || record?.state !== 'seen') continue;
    const now = after.entry.at > NOW ? after.entry.at : NOW;
    const event = { ...honest, handle: { serial: (after.seq + 1) * 65_536 } };
    const entry = {
      ...entryOf([event], 'pam-apply', now),
      seq: after.seq + 1,
      previous: after.head,
      policy: after.policy.digest,
    };
    const context = {
      seq: entry.seq,
      at: now,
      executor: 'pam-apply',
      key: fingerprintOf('pam-apply'),
      main: MAIN,
    };
    try {
      const index = foldIndex(after.index, [event], { ...context, policy: after.policy });
      const last: ChainState = {
        ...after,
        seq: entry.seq,
        entry: { ...entry, index: indexDigest(index) },
        index,
      };
      if (errorsOf(after, last, witnesses).length === 0 && !isCovered(event, now, record))
        broken('granted after a lie');
    } catch (error) {
      if (!(error instanceof PamError)) throw error;
    }
  }
  return 'followed, and its right';
}

function errorsOf(before: ChainState, after: ChainState, witnesses: ReadonlyMap<number, ChainState['head']>) {
  const read = (text: string, id: string) => readRequest(Buffer.from(text), requestPath(requestId(id)));
  const findings = auditEntry({ before, after, providers, readRequest: read, witnesses });
  return findings.filter(({ severity }) => severity === 'error');
}

function recordBefore(after: ChainState, place: number, id: string): OpenRecord | undefined {
  const earlier = after.entry.events.slice(0, place);
  const { seq, at: now, executor } = after.entry;
  const context = { seq, at: now, executor, key: after.key, main: null, policy: state.policy };
  return foldIndex(state.index, earlier, context).records.get(requestId(id));
}
