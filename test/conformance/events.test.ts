/**
 * What every event of the ledger keeps to, whichever the registry lists. Examples are made from each event's own schema,
 * so an event needs no line here.
 */
import { describe, expect, it } from 'vitest';
import { eventFault, printEntry, readEntry } from '../../src/documents/entry-file.ts';
import type { Entry, EventType, LedgerEvent } from '../../src/model/entry.ts';
import type { RequestId } from '../../src/model/names.ts';
import type { OpenRecord } from '../../src/model/open-record.ts';
import { SortedMap } from '../../src/model/sorted-map.ts';
import { judgeEvent } from '../../src/rules/follow-chain.ts';
import { stepIn } from '../../src/rules/fold-index.ts';
import type { EventKind } from '../../src/rules/events/event-kind.ts';
import { EVENTS, kindOf } from '../../src/rules/events/registry.ts';
import { judgeRight } from '../../src/rules/rights.ts';
import { tellEntry } from '../../src/rules/tell-entry.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../src/trust/statements/registry.ts';
import { codeOf } from '../support/error-code.ts';
import { at, fingerprintOf, Ledger, MAIN, requestId } from '../support/world.ts';

const ID = requestId('20261122-dba-aaaaaa');
const DIGEST = `sha256:${'a'.repeat(64)}`;
/** Ends lines, forges one, clears the screen. */
const HOSTILE = 'x\nEntry: 9\u001b[2J';

const ledger = new Ledger();
const stop = printStatement({
  type: 'stop',
  root: ledger.state.root,
  signer: 'alice',
  signedAt: at('12:00'),
  request: ID,
  because: null,
});
const signed = { text: stop, armor: 'x' };

/** One of each definition that events share (`schemas/entry.schema.json`). */
const SHARED: Readonly<Record<string, unknown>> = {
  sha256: DIGEST,
  name: 'dana',
  requestId: ID,
  instant: '2026-11-22T12:00:00Z',
  seq: 1,
  signed,
  note: { code: 'E_X', message: HOSTILE },
  stopperKeys: { dana: [fingerprintOf('dana')] },
  handle: { serial: 1 },
  evidence: { request: HOSTILE, statement: signed, approvals: [signed] },
  grant: {
    subject: 'dana',
    role: 'dba',
    target: 'orders-db',
    provider: 'command',
    config: { plugin: HOSTILE },
    login: HOSTILE,
    permissions: [HOSTILE],
    login_key: null,
    duration: '1h',
    start: null,
    incident: null,
    approvers: ['alice'],
    keys: [],
    end: '2026-11-22T13:00:00Z',
  },
  receipt: { message: HOSTILE },
  usage: { used: false },
};

interface Schema {
  readonly $ref?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** The most hostile value that the schema takes. */
function valueOf(schema: Schema): unknown {
  if (schema.$ref !== undefined) return SHARED[schema.$ref.replace('#/$defs/', '')];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.anyOf?.[0] !== undefined) return valueOf(schema.anyOf[0]);
  switch (schema.type) {
    case 'string': {
      const pattern = new RegExp(schema.pattern ?? '', 'u');
      return [HOSTILE, 'x', 'a'.repeat(32), '1'].find((one) => pattern.test(one));
    }
    case 'integer':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    case 'array':
      return schema.items === undefined ? [] : [valueOf(schema.items)];
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, one]) => [name, valueOf(one)]),
      );
    case undefined:
    default:
      throw new TypeError(`no example of ${JSON.stringify(schema)}`);
  }
}

const exampleOf = (kind: EventKind<EventType>): LedgerEvent => valueOf(kind.schema) as LedgerEvent;
const entryOf = (event: LedgerEvent): Entry => ({ ...ledger.state.entry, seq: 9, events: [event] });
const kinds = Object.entries(EVENTS) as unknown as readonly (readonly [EventType, EventKind<EventType>])[];

describe.each(kinds)('%s', (type, kind) => {
  const event = exampleOf(kind);

  it('is written and read as it is', () => {
    expect(event.type).toBe(type);
    expect(eventFault(event)).toBeUndefined();
    expect(readEntry(printEntry(entryOf(event))).events).toEqual([event]);
    expect(kindOf(event)).toBe(kind);
  });

  it('is refused with a field too many, one too few, or one of another type', () => {
    const fault = (changed: object): string | undefined => eventFault(changed as LedgerEvent);
    expect(fault({ ...event, more: 1 })).toBeDefined();
    for (const name of kind.schema.required) {
      const { [name]: _, ...less } = event as unknown as Readonly<Record<string, unknown>>;
      expect([name, fault(less)]).not.toEqual([name, undefined]);
    }
    for (const name of Object.keys(kind.schema.properties))
      expect([name, fault({ ...event, [name]: 1.5 })]).not.toEqual([name, undefined]);
  });

  it('is one plain line in `git log`, whatever its free text holds; and a sentence', () => {
    const line = kindOf(event).line(event);
    expect(line).toMatch(/^[\x20-\x7e]+$/u);
    expect(tellEntry(entryOf(event)).split('\n')[0]).toBe(line);
    expect(kindOf(event).sentence(event).length).toBeGreaterThan(5);
  });

  it('is written by executors that may, and in the entries that it may stand in', () => {
    const { policy } = ledger;
    const codeBy = (executor: string): string => codeOf(() => judgeRight(policy, executor, event, undefined));
    expect(codeBy('pam-apply')).toBe('ok');
    expect(codeBy('pam-sweep')).toBe(kind.right === 'grant' ? 'E_LED_KIND' : 'ok');
    expect([codeBy('deploy-bot'), codeBy('alice'), codeBy('nobody')]).toEqual([
      'E_LED_KIND',
      'E_LED_KIND',
      'E_LED_KIND',
    ]);
    const codeIn = (main: { readonly main?: string }): string =>
      codeOf(() => judgeEvent(ledger.state, { executor: 'pam-apply', ...main }, event, undefined));
    expect(codeIn({ main: MAIN })).toBe('ok');
    expect(codeIn({})).toBe(kind.entry === 'apply' ? 'E_LED_SHAPE' : 'ok');
  });

  it('makes a record, or does not follow, for a request that nobody knows; and leaves others alone', () => {
    const aboutOne = kind.step !== undefined;
    expect(event.id).toBe(aboutOne ? ID : '-');
    let records: SortedMap<RequestId, OpenRecord> = SortedMap.of([]);
    const context = {
      seq: 9,
      at: at('12:00'),
      executor: 'pam-apply',
      key: fingerprintOf('pam-apply'),
      main: MAIN,
      policy: ledger.policy,
    };
    const code = codeOf(() => void (records = stepIn(records, event, 0, context)));
    expect(['ok', 'E_LED_STEP']).toContain(code);
    expect([...records.keys()]).toEqual(aboutOne && code === 'ok' ? [ID] : []);
  });

  it('gives the statements of people that it holds, each with its type', () => {
    const given = kind.statements?.(event) ?? [];
    const armors = JSON.stringify(event).match(/"armor":/gu)?.length ?? 0;
    expect(given).toHaveLength(armors);
    for (const one of given) expect(Object.keys(STATEMENT_KINDS)).toContain(one.type);
  });
});
