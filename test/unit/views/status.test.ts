import { describe, expect, it } from 'vitest';
import type { GrantLine, ProposalLine, Status } from '../../../src/flows/people/status.ts';
import { statusText } from '../../../src/views/status.ts';
import { PLAIN } from '../../../src/views/style.ts';
import { at, requestId } from '../../support/world.ts';

const ID = '20261122-bastion-root-7k3fq2';
const proposal = (more: Partial<ProposalLine>): ProposalLine => ({
  id: requestId(ID),
  role: 'bastion-root',
  requester: 'dana',
  subject: 'dana',
  target: 'bastion',
  duration: '45m',
  why: 'Stuck migration 114 blocks checkout; its lock has to go before the shop opens',
  opened: null,
  since: at('12:00'),
  have: 0,
  need: 1,
  who: ['alice', 'bob'],
  who_now: ['alice', 'bob'],
  who_later: [],
  next: `pam approve ${ID}`,
  ...more,
});
const grant = (more: Partial<GrantLine>): GrantLine => ({
  id: requestId(ID),
  subject: 'dana',
  role: 'bastion-root',
  target: 'bastion',
  permissions: ['principal:root'],
  until: at('12:45'),
  ended: null,
  state: 'live',
  why: null,
  access: null,
  ...more,
});
const lines = (
  found: Partial<Pick<Status, 'grants' | 'proposals'>>,
  me: string | null,
  screen = { terminal: true, width: 120 },
): readonly string[] => {
  const status: Status = {
    grants: [],
    proposals: [],
    lastSweep: null,
    warnings: [],
    now: at('12:10'),
    ...found,
  };
  return statusText(status, PLAIN, screen, me).split('\n');
};

describe('what waits', () => {
  const others = proposal({
    id: requestId(ID.replace('7k3fq2', 'aaaaaa')),
    who: ['carol'],
    who_now: ['carol'],
  });

  it('for me stands first, under a header, with what I do about it and how long it has waited', () => {
    const told = lines({ proposals: [others, proposal({})] }, 'bob');
    expect(told[0]).toBe('Waiting for you (1)');
    expect(told[1]?.trim().split(/ {2,}/u)).toEqual([
      'ID',
      'WHO',
      'NEXT',
      'FOR',
      'ROLE',
      'AGE',
      'NEEDS',
      'WHY',
    ]);
    expect(told[2]?.trim().split(/ {2,}/u).slice(0, 6)).toEqual([
      ID,
      'dana',
      'approve',
      '45m',
      'bastion-root',
      '10m',
    ]);
    expect(told[4]).toBe('Requests');
    expect(told.filter((line) => line.includes(ID))).toHaveLength(1);
  });

  it.each([120, 80, 60, 45])('fits %i columns, and breaks no id', (width) => {
    const told = lines({ proposals: [proposal({})], grants: [grant({})] }, 'bob', { terminal: true, width });
    expect(told.filter((line) => line.includes(ID))).toHaveLength(2);
    for (const line of told) expect(line.length).toBeLessThanOrEqual(width);
  });

  it('for a merge alone is awaited from no approver', () => {
    const complete = proposal({ have: 1, who: [], who_now: [], next: `pam merge ${ID}` });
    expect(lines({ proposals: [complete] }, 'alice')[2]).not.toMatch(/alice|bob|1\/1/u);
    expect(lines({ proposals: [complete] }, 'alice', { terminal: false, width: 80 })[1]).toBe(
      [ID, 'dana', 'bastion-root', '1/1 approvals', '', `pam merge ${ID}`].join('\t'),
    );
  });
});

it('what is stopped and not swept yet is ending, with its reason uncut', () => {
  const why = 'stopped by dana: done with it, and with every other thing that had to be done that night';
  const told = lines({ grants: [grant({ state: 'ending', why })] }, 'dana', { terminal: true, width: 60 });
  expect(told[2]).toMatch(new RegExp(`${ID} +dana +ending`, 'u'));
  expect(told[3]).toBe(`  ending ${ID}: ${why}; the next sweep takes it away`);
  const piped = lines({ grants: [grant({ state: 'ending', why })] }, null, { terminal: false, width: 60 });
  expect(piped[1]).toContain(`ending: ${why}; the next sweep takes it away`);
});
