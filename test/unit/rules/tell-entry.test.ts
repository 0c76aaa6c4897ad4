import { describe, expect, it } from 'vitest';
import type { Entry, LedgerEvent } from '../../../src/model/entry.ts';
import { tellEntry } from '../../../src/rules/tell-entry.ts';
import { approve, ask, at, grantLive, Ledger, REQUEST, seenEvent, stop } from '../../support/world.ts';

const ledger = new Ledger();
const { id } = REQUEST;
const asked = ask({}, { root: ledger.state.root });
grantLive(ledger, {}, 'bob', at('12:00'));
const entries = ledger.entries.map(({ after }) => after.entry);
const message = (events: readonly LedgerEvent[]): string =>
  tellEntry({ ...(entries[0] as Entry), seq: 7, at: at('12:00'), executor: 'pam-apply', events });
const subject = (event: LedgerEvent): string => message([event]).split('\n')[0] ?? '';
const denial = stop(ledger, id, 'bob', { because: 'no\nEntry: 1' });
const error = { code: 'E_PRV', message: 'line one\nline two' };

describe('git log pam-ledger', () => {
  it('tells the road of a request', () => {
    expect(entries.map((entry) => tellEntry(entry).split('\n')[0])).toEqual([
      'genesis: a new ledger',
      'policy 1: signed by alice, bob, grace',
      `seen ${id}: dana asks to be dba`,
      `grant ${id}: dana is dba until 2026-11-22T12:45:00Z, approved by bob`,
      `granted ${id}: read back at the target`,
    ]);
  });

  it.each<readonly [LedgerEvent, string]>([
    [{ ...seenEvent(asked), subject: 'deploy-bot' }, `seen ${id}: dana asks to be dba for deploy-bot`],
    [
      {
        type: 'refused',
        id,
        request_sha256: asked.requestSha256,
        reasons: [
          { code: 'E_POL_TTL', message: 'x\ny' },
          { code: 'E_POL_TICKET', message: '' },
        ],
      },
      `refuse ${id}: E_POL_TTL, E_POL_TICKET`,
    ],
    [{ type: 'failed', id, error }, `failed ${id}: E_PRV, nothing at the target`],
    [{ type: 'stopped', id, statement: denial }, `stop ${id}: by bob`],
    [{ type: 'stopped', id, statement: { text: 'junk', armor: '' } }, `stop ${id}: by somebody`],
    [{ type: 'ending', id, cause: 'incident', because: 'x\ny' }, `end ${id}: incident`],
    [{ type: 'revoked', id, kept_for: {}, usage: null }, `revoked ${id}: gone from the target`],
    [{ type: 'revoke_failed', id, attempt: 3, error }, `revoke failed ${id}: attempt 3, E_PRV`],
    [{ type: 'heartbeat', id: '-', live: 2 }, 'heartbeat: 2 live'],
  ])('%#: %s', (event, line) => expect(subject(event)).toBe(line));

  it('access given comes first, and everything is there', () => {
    const granting = entries.flatMap(({ events }) => events).find(({ type }) => type === 'granting');
    if (granting === undefined) throw new TypeError('no grant');
    expect(message([seenEvent(asked), { type: 'heartbeat', id: '-', live: 0 }, granting])).toBe(
      `grant ${id}: dana is dba until 2026-11-22T12:45:00Z, approved by bob (and 2 more)

seen ${id}: dana asks to be dba
heartbeat: 0 live

Entry: 7
At: 2026-11-22T12:00:00Z
Executor: pam-apply
`,
    );
  });

  it('no free text can forge a line', () => {
    const forged: readonly LedgerEvent[] = [
      { type: 'stopped', id, statement: approve(ledger, asked, 'bob', { because: 'x\nEntry: 1' }) },
      { type: 'failed', id, error },
      { type: 'ending', id, cause: 'found', because: 'x\nEntry: 1' },
      { type: 'refused', id, request_sha256: asked.requestSha256, reasons: [error] },
    ];
    expect(message(forged).match(/^Entry: /gmu)).toHaveLength(1);
    expect(message(forged)).not.toContain('line two');
  });
});
