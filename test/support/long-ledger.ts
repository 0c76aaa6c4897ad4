/**
 * A ledger of many entries, made quickly: every signature and every digest is real, only nobody follows the chain
 * while it is written. One entry every ten minutes; each twentieth begins the life of a grant, from seen to revoked.
 */
import { printEntry } from '../../src/documents/entry-file.ts';
import type { Entry, LedgerEvent } from '../../src/model/entry.ts';
import { type Instant, plus } from '../../src/model/instant.ts';
import { parseDuration } from '../../src/model/instant.ts';
import { LEDGER_NAMESPACE } from '../../src/model/statement.ts';
import { foldIndex } from '../../src/rules/fold-index.ts';
import { indexDigest, printIndex } from '../../src/rules/print-index.ts';
import { tellEntry } from '../../src/rules/tell-entry.ts';
import { sha256 } from '../../src/trust/digest.ts';
import type { TreeFile, Written } from './ledger-story.ts';
import {
  approve,
  ask,
  type Asked,
  at,
  fingerprintOf,
  intentOf,
  keyNamed,
  Ledger,
  MAIN,
  readyNow,
  requestId,
  seenEvent,
  snapshot,
} from './world.ts';

const BETWEEN_SECONDS = 600;
const LIFE = 20;

/** @param entries how many, the genesis and policy 1 among them */
export function longLedger(entries: number): {
  readonly ledger: Ledger;
  readonly commits: readonly Written[];
} {
  const ledger = new Ledger();
  const shelf = new Map<string, TreeFile>();
  const commits = ledger.candidates.map(({ signed, entry }, seq) => {
    const { index } = ledger.entries[seq]?.after ?? ledger.state;
    return written(ledger, shelf, entry, signed.bytes, 'pam-apply', index);
  });
  let asked: Asked | undefined;
  for (let seq = commits.length; seq < entries; seq += 1) {
    const now = plus(at('08:00'), seq * BETWEEN_SECONDS);
    const step = seq % LIFE;
    if (step === 2) asked = askFor(ledger, seq, now);
    const events = asked === undefined ? [] : eventsOf(ledger, asked, step, now);
    commits.push(append(ledger, shelf, events, now));
  }
  return { ledger, commits };
}

function askFor(ledger: Ledger, seq: number, now: Instant): Asked {
  const id = requestId(`${now.slice(0, 10).replaceAll('-', '')}-reader-${String(seq).padStart(6, '0')}`);
  const duration = parseDuration('20m');
  if (duration === undefined) throw new TypeError('not a duration');
  return ask({ id, role: 'reader', duration }, { root: ledger.state.root, at: now });
}

function eventsOf(ledger: Ledger, asked: Asked, step: number, now: Instant): readonly LedgerEvent[] {
  const { id } = asked;
  switch (step) {
    case 2:
      return [seenEvent(asked)];
    case 3: {
      const approvals = [approve(ledger, asked, 'alice', { at: now })];
      return [intentOf(ledger, readyNow(snapshot(ledger, asked, { approvals }), now), now)];
    }
    case 4:
      return [{ type: 'granted', id, receipt: {} }];
    case 7:
      return [{ type: 'revoked', id, kept_for: {}, usage: null }];
    default:
      return [];
  }
}

function append(
  ledger: Ledger,
  shelf: Map<string, TreeFile>,
  made: readonly LedgerEvent[],
  now: Instant,
): Written {
  const { state } = ledger;
  const sweeps = made.length === 0 || made[0]?.type === 'revoked';
  const executor = sweeps ? 'pam-sweep' : 'pam-apply';
  const events = made.length === 0 ? [{ type: 'heartbeat', id: '-', live: 0 } as const] : made;
  const seq = state.seq + 1;
  const key = fingerprintOf(executor);
  const main = sweeps ? null : MAIN;
  const index = foldIndex(state.index, events, { seq, at: now, executor, key, main, policy: state.policy });
  const entry: Entry = {
    root: state.root,
    seq,
    previous: state.head,
    at: now,
    executor,
    policy: state.policy.digest,
    index: indexDigest(index),
    ...(main === null ? {} : { main }),
    events,
  };
  const bytes = printEntry(entry);
  ledger.state = { ...state, seq, head: sha256(bytes), entry, key, index };
  ledger.witnesses.set(seq, ledger.state.head);
  return written(ledger, shelf, entry, bytes, executor, index);
}

function written(
  ledger: Ledger,
  shelf: Map<string, TreeFile>,
  entry: Entry,
  bytes: Uint8Array,
  key: string,
  index: Ledger['state']['index'],
): Written {
  const fileOf = (text: string): TreeFile => {
    const known = shelf.get(text) ?? { mode: '100644', bytes: Buffer.from(text) };
    shelf.set(text, known);
    return known;
  };
  const files = new Map<string, TreeFile>([
    ['entry.json', { mode: '100644', bytes }],
    ['entry.json.sig', { mode: '100644', bytes: Buffer.from(keyNamed(key).sign(bytes, LEDGER_NAMESPACE)) }],
    ...[...ledger.state.policyFiles].map(
      ([path, file]) => [path, fileOf(Buffer.from(file).toString('utf8'))] as const,
    ),
    ...[...printIndex(index)].map(([path, text]) => [path, fileOf(text)] as const),
  ]);
  return { label: String(entry.seq), at: entry.at, message: tellEntry(entry), files };
}
