import { describe, expect, it } from 'vitest';
import type { Account, Found, Intent } from '../../../src/model/forge.ts';
import type { Signed } from '../../../src/model/statement.ts';
import { decide } from '../../../src/rules/decide.ts';
import { personOf, remarksOn, sortPostings, standing } from '../../../src/rules/judge-postings.ts';
import {
  approve,
  ask,
  at,
  Ledger,
  policyOf,
  REQUEST,
  seenEvent,
  sign,
  snapshot,
  stop,
  TEXTS,
} from '../../support/world.ts';

const IDS = { alice: 1, bob: 2, carol: 3, dana: 4, erin: 5 } as const;
type Name = keyof typeof IDS;
const people = TEXTS['policy/people.yaml'].replaceAll(
  /^ {2}(alice|bob|carol|dana|erin): \{ /gmu,
  (line, name: Name) => `${line}github: { login: ${name}-at-work, id: ${IDS[name]} }, `,
);
const world = policyOf({
  ...TEXTS,
  'pam.yaml': TEXTS['pam.yaml'].replace('{ kind: git }', '{ kind: github, repository: acme/access }'),
  'policy/people.yaml': people,
});
const ledger = new Ledger(world);
const { policy } = world;
const asked = ask({}, { root: ledger.state.root });
ledger.append([seenEvent(asked)], at('12:00'));

const account = (name: Name, more: Partial<Account> = {}): Account => ({
  id: IDS[name],
  login: `${name}-at-work`,
  human: true,
  ...more,
});
const posted = (by: Account, intent: Intent, signed: Signed | null, place = 'review 1'): Found => ({
  place,
  signed,
  posted: { by, intent },
});
const sorted = (...found: readonly Found[]) => {
  const { approvals, stops } = sortPostings(policy, new Map([[asked.id, found]]));
  return { approvals: approvals.get(asked.id)?.length ?? 0, stops: stops.get(asked.id)?.length ?? 0 };
};
const remarks = (found: readonly Found[], recorded = false): string[] =>
  remarksOn(policy, REQUEST, found, recorded).map(({ code, kind }) => `${code} ${kind}`);
const verdict = (...found: readonly Found[]): string => {
  const { approvals, stops } = sortPostings(policy, new Map([[asked.id, found]]));
  const more = {
    approvals: approvals.get(asked.id) ?? [],
    stops: stops.get(asked.id) ?? [],
    remarks: remarksOn(policy, REQUEST, found, false),
    merged: true,
  };
  return decide(snapshot(ledger, asked, more), at('12:10')).verdict;
};
const hers = approve(ledger, asked, 'alice', { at: at('12:05') });

describe('whose account posted an approval', () => {
  it('[Z10] counts from the account of its signer, approving, whatever the login is called today', () => {
    expect(sorted(posted(account('alice'), 'approve', hers))).toEqual({ approvals: 1, stops: 0 });
    const renamed = account('alice', { login: 'alice-married' });
    expect(sorted(posted(renamed, 'approve', hers))).toEqual({ approvals: 1, stops: 0 });
    expect(verdict(posted(renamed, 'approve', hers))).toBe('approved');
  });

  it.each<readonly [string, Account, Intent, string]>([
    ['another person', account('bob'), 'approve', 'E_FORGE_IDENTITY'],
    ['the same login registered again', account('alice', { id: 99 }), 'approve', 'E_FORGE_IDENTITY'],
    ['a bot with her number', account('alice', { human: false }), 'approve', 'E_FORGE_IDENTITY'],
    ['a review that was dismissed', account('alice'), 'dismissed', 'E_APR_DISMISSED'],
    ['a plain comment', account('alice'), 'comment', 'E_APR_INTENT'],
    ['a review that asks for changes', account('alice'), 'object', 'E_APR_INTENT'],
  ])('[C4, H2, H6, H7] does not count from %s', (_, by, intent, code) => {
    const found = posted(by, intent, hers);
    expect(sorted(found)).toEqual({ approvals: 0, stops: 0 });
    expect(remarks([found])).toContain(`${code} evidence`);
    expect(verdict(found)).not.toBe('approved');
  });

  it('where the forge knows no accounts every signed text counts, and nothing is remarked', () => {
    const plain: Found = { place: 'branch', signed: hers, posted: null };
    expect(sorted(plain)).toEqual({ approvals: 1, stops: 0 });
    expect(sortPostings(policy, new Map([[asked.id, [plain]]])).postings.get(asked.id)).toEqual([]);
  });

  it('a stop stays a stop, whoever carries it and whatever happens to the review', () => {
    const no = stop(ledger, asked.id, 'bob', { at: at('12:05') });
    for (const intent of ['object', 'comment', 'dismissed', 'approve'] as const) {
      expect(sorted(posted(account('erin', { human: false }), intent, no))).toEqual({
        approvals: 0,
        stops: 1,
      });
    }
    expect(verdict(posted(account('alice'), 'approve', hers), posted(account('bob'), 'dismissed', no))).toBe(
      'refused',
    );
  });

  it('a bad posting beside enough good ones changes nothing', () => {
    const noise = posted(account('bob'), 'approve', hers, 'review 2');
    expect(verdict(posted(account('alice'), 'approve', hers), noise)).toBe('approved');
  });
});

describe('a click without a signature', () => {
  it('[E2] never approves', () => {
    const click = posted(account('alice'), 'approve', null);
    expect(sorted(click)).toEqual({ approvals: 0, stops: 0 });
    expect(remarks([click])).toEqual(['E_APR_UNSIGNED evidence']);
    expect(verdict(click)).toBe('refused');
  });

  it('says nothing when its clicker signed elsewhere, or is no approver, or gains by it', () => {
    const signed = posted(account('alice'), 'approve', hers);
    expect(remarks([signed, posted(account('alice'), 'approve', null, 'review 2')])).toEqual([]);
    expect(remarks([posted(account('erin'), 'approve', null)])).toEqual([]);
    const own = { ...REQUEST, requester: 'alice', subject: 'alice' };
    expect(remarksOn(policy, own, [posted(account('alice'), 'approve', null)], false)).toEqual([]);
  });

  it('[H8] holds back when a named approver asks for changes, a fallback too, until they approve or take it back', () => {
    const yes = posted(account('alice'), 'approve', hers);
    for (const name of ['alice', 'bob', 'carol'] as const) {
      const brake = posted(account(name), 'object', null, 'review 2');
      expect(remarks([yes, brake])).toEqual(['E_POL_DENIED wait']);
      expect(verdict(yes, brake)).toBe('pending');
      expect(remarks([yes, brake], true)).toEqual(['E_POL_DENIED wait']);
      const lifted = posted(account(name), 'dismissed', null, 'review 2');
      expect(verdict(yes, lifted)).toBe('approved');
      expect(remarks([brake, posted(account(name), 'approve', hers, 'review 3')])).not.toContain(
        'E_POL_DENIED wait',
      );
    }
    expect(
      remarks([yes, posted(account('bob'), 'object', null), posted(account('bob'), 'comment', null)]),
    ).toEqual(['E_POL_DENIED wait']);
  });

  it('of nobody who may approve holds nothing back', () => {
    const yes = posted(account('alice'), 'approve', hers);
    for (const by of [account('erin'), account('alice', { id: 77 }), account('bob', { human: false })]) {
      expect(verdict(yes, posted(by, 'object', null, 'review 2'))).toBe('approved');
    }
  });
});

describe('statements on a policy', () => {
  const statement = sign({
    type: 'policy',
    root: ledger.state.root,
    signer: 'alice',
    signedAt: at('12:00'),
    seq: 2,
    policySha256: policy.digest,
    previousSha256: policy.digest,
  });

  it('count from their signer, as a review or where the forge refuses one, as a comment', () => {
    for (const intent of ['approve', 'comment'] as const)
      expect(standing('policy', [policy], [posted(account('alice'), intent, statement)])).toEqual([
        statement,
      ]);
    for (const intent of ['object', 'dismissed'] as const)
      expect(standing('policy', [policy], [posted(account('alice'), intent, statement)])).toEqual([]);
    expect(standing('policy', [policy], [posted(account('bob'), 'approve', statement)])).toEqual([]);
    expect(standing('policy', [policy], [posted(account('alice'), 'approve', hers)])).toEqual([]);
    expect(standing('policy', [policy], [posted(account('alice'), 'approve', null)])).toEqual([]);
  });

  it('count by the accounts of the next policy too, at the forge that was asked', () => {
    // The next policy moves to another forge: its accounts there are none of this one's.
    const moved = policyOf({ ...TEXTS, 'policy/people.yaml': people.replace('id: 1 }', 'id: 41 }') }).policy;
    const found = [posted(account('alice', { id: 41 }), 'approve', statement)];
    expect(standing('policy', [policy], found)).toEqual([]);
    expect(standing('policy', [policy, moved], found)).toEqual([statement]);
    expect(moved.config.forge.kind).not.toBe(policy.config.forge.kind);
    expect(personOf(moved, account('alice', { id: 41 }))).toBeUndefined();
  });
});

it('a person is a number, never a login, never a bot', () => {
  expect(personOf(policy, account('alice', { login: 'bob-at-work' }))).toBe('alice');
  expect(personOf(policy, account('alice', { human: false }))).toBeUndefined();
  expect(personOf(policy, { id: 0, login: 'alice-at-work', human: true })).toBeUndefined();
});
