/** The pre-checks one by one; together with everything else they are in the decision cases. */
import { describe, expect, it } from 'vitest';
import type { IncidentState } from '../../../src/model/incident.ts';
import { parseDuration } from '../../../src/model/instant.ts';
import type { Request } from '../../../src/model/request.ts';
import { judgeRequest } from '../../../src/rules/judge-request.ts';
import { at, policyOf, REQUEST, TEXTS, textsWith } from '../../support/world.ts';

const ROLES = 'policy/roles.yaml';
const { policy } = policyOf(TEXTS);
const strict = policyOf(
  textsWith(
    ROLES,
    'require: [ticket]',
    'require: [ticket, incident, compensating_controls, "justification:10"]',
  ),
).policy;
const duration = (text: string) => parseDuration(text) ?? REQUEST.duration;

function failing(
  fields: Partial<Request>,
  incident: IncidentState | null = null,
  under = policy,
  seen = at('12:00'),
): string[] {
  const judged = judgeRequest({
    policy: under,
    request: { ...REQUEST, ...fields },
    incident,
    now: at('12:00'),
    seenAt: seen,
    beside: null,
  });
  return judged
    .filter(({ ok }) => !ok)
    .map(({ code, kind }) => (kind === 'rule' ? code : `${code} (${kind})`));
}

describe('the pre-checks', () => {
  it('pass what policy allows, and say so rule by rule', () => {
    const judged = judgeRequest({
      policy,
      request: REQUEST,
      incident: null,
      now: at('12:00'),
      seenAt: null,
      beside: null,
    });
    expect(judged.map(({ code, ok }) => [code, ok])).toEqual(
      ['E_POL_ROLE', 'E_POL_REQUESTER', 'E_POL_SUBJECT', 'E_POL_SCOPE', 'E_POL_TTL', 'E_POL_TICKET'].map(
        (code) => [code, true],
      ),
    );
  });

  it.each<readonly [string, Partial<Request>, readonly string[]]>([
    ['unknown role: nothing else can be said', { role: 'nosuch', requester: 'frank' }, ['E_POL_ROLE']],
    [
      'requester nobody knows',
      { requester: 'nobody', subject: 'nobody' },
      ['E_POL_REQUESTER', 'E_POL_SUBJECT'],
    ],
    ['requester not listed', { requester: 'frank', subject: 'frank' }, ['E_POL_REQUESTER', 'E_POL_SUBJECT']],
    ['owner for a listed service', { requester: 'erin', subject: 'deploy-bot' }, []],
    [
      'owner for a service that is not listed',
      { requester: 'alice', subject: 'pam-apply' },
      ['E_POL_SUBJECT'],
    ],
    ['somebody else for the service', { requester: 'dana', subject: 'deploy-bot' }, ['E_POL_SUBJECT']],
    ['a service for itself', { requester: 'deploy-bot', subject: 'deploy-bot' }, []],
    ['a service for its owner', { requester: 'deploy-bot', subject: 'erin' }, ['E_POL_SUBJECT']],
    ['a person for another', { requester: 'dana', subject: 'erin' }, ['E_POL_SUBJECT']],
    ['no scope', { scope: {} }, ['E_POL_SCOPE']],
    ['as long as allowed', { duration: duration('120m') }, []],
    ['a second longer', { duration: duration('7201s') }, ['E_POL_TTL']],
  ])('%s', (_, fields, codes) => expect(failing(fields)).toEqual(codes));

  it('all that is required is told at once', () => {
    const { ticket: _ticket, ...bare } = REQUEST;
    const request = { ...bare, justification: '  123456789  ' };
    const judged = judgeRequest({
      policy: strict,
      request,
      incident: null,
      now: at('12:00'),
      seenAt: null,
      beside: null,
    });
    expect(judged.filter(({ ok }) => !ok).map(({ code }) => code)).toEqual([
      'E_POL_TICKET',
      'E_POL_CONTROLS',
      'E_POL_JUSTIFICATION',
      'E_POL_INCIDENT',
    ]);
  });

  it('a justification is counted in characters, blanks around it not', () => {
    const more = { incident: 'I', compensating_controls: ['c'] };
    const open = { state: 'open' } as const;
    expect(failing({ ...more, justification: '\u{1F634}'.repeat(10) }, open, strict)).toEqual([]);
    expect(failing({ ...more, justification: `${'\u{1F634}'.repeat(9)}   ` }, open, strict)).toEqual([
      'E_POL_JUSTIFICATION',
    ]);
    expect(
      failing({ ...more, justification: 'long enough', compensating_controls: [] }, open, strict),
    ).toEqual(['E_POL_CONTROLS']);
  });

  it.each<readonly [IncidentState | null, readonly string[]]>([
    [{ state: 'open' }, []],
    [{ state: 'closed', why: 'done' }, ['E_POL_INCIDENT']],
    [{ state: 'unknown', why: 'no answer' }, ['E_POL_INCIDENT (wait)']],
    [null, ['E_POL_INCIDENT (wait)']],
  ])('incident %j', (incident, codes) => expect(failing({ incident: 'INC-1' }, incident)).toEqual(codes));

  it.each([
    ['2026-12-22T12:00:00Z', []],
    ['2026-12-22T12:00:01Z', ['E_POL_START']],
    ['2026-11-22T11:15:01Z', []],
    ['2026-11-22T11:15:00Z', ['E_POL_START']],
  ])('start %s', (start, codes) => expect(failing({ start: at(start) })).toEqual(codes));

  it('thirty days count from when it was seen, not from now', () => {
    expect(failing({ start: at('2026-12-22T12:00:00Z') }, null, policy, at('11:59:59'))).toEqual([
      'E_POL_START',
    ]);
  });
});
