/** What is junk, what is a finding: rows X41 to X44, entries that an executor really signed. */
import { describe, expect, it } from 'vitest';
import { readRequest } from '../../src/documents/request-file.ts';
import type { GrantingEvent } from '../../src/rules/events/granting.ts';
import type { RevokedEvent } from '../../src/rules/events/revoked.ts';
import { type Duration, type Instant, parseDuration } from '../../src/model/instant.ts';
import { requestPath, type RequestId } from '../../src/model/names.ts';
import { LEDGER_NAMESPACE, type Signed } from '../../src/model/statement.ts';
import { auditEnd, auditEntry } from '../../src/rules/audit-entry.ts';
import { parseArmor } from '../../src/trust/armor.ts';
import { verifyEntry, verifyEntryAside } from '../../src/trust/signed-entry.ts';
import { codeOf } from '../support/error-code.ts';
import {
  approve,
  ask,
  at,
  fingerprintOf,
  grantLive,
  intentOf,
  keyNamed,
  Ledger,
  policyOf,
  providers,
  readyNow,
  requestId,
  scheduledEvent,
  seenEvent,
  snapshot,
  stop,
  TEXTS,
  textsWith,
} from '../support/world.ts';

/** What audit says of one entry. */
function told(ledger: Ledger, seq = ledger.state.seq): readonly string[] {
  const entry = ledger.entries[seq];
  if (entry?.before == null) throw new TypeError(`no step ${seq}`);
  const findings = auditEntry({
    before: entry.before,
    after: entry.after,
    providers,
    readRequest: (bytes, id) => readRequest(Buffer.from(bytes), requestPath(requestId(id))),
    witnesses: new Map([...ledger.witnesses].filter(([older]) => older < seq)),
  });
  return findings.map(({ severity, code }) => `${severity} ${code}`);
}

function duration(text: string): Duration {
  const read = parseDuration(text);
  if (read === undefined) throw new TypeError(`not a duration: ${text}`);
  return read;
}

/** Spellings that pam reads from a forge, and that no build of it ever wrote; ssh-keygen refuses the first three. */
const SPELLINGS: Readonly<Record<string, (armor: string) => string>> = {
  CRLF: (armor) => armor.replaceAll('\n', '\r\n'),
  'a blank line before': (armor) => `\n${armor}`,
  'CRLF and a blank line before': (armor) => `\r\n${armor.replaceAll('\n', '\r\n')}`,
  'a blank line after': (armor) => `${armor}\n`,
  'no final newline': (armor) => armor.slice(0, -1),
  'other columns': (armor) => {
    const [begin = '', ...rest] = armor.split('\n');
    const body = rest.slice(0, -2).join('');
    return [begin, ...(body.match(/.{1,64}/gu) ?? []), rest.at(-2), ''].join('\n');
  },
};

describe('[X41] the spelling of a signature', () => {
  const spelt = (signed: Signed, how: (armor: string) => string): Signed => ({
    ...signed,
    armor: how(signed.armor),
  });

  it.each(Object.entries(SPELLINGS))('of an entry, with %s: nobody believes it', async (_, how) => {
    const bytes = Buffer.from('{}\n');
    const armor = keyNamed('pam-apply').sign(bytes, LEDGER_NAMESPACE);
    expect(codeOf(() => verifyEntry(bytes, armor))).toBe('ok');
    expect(codeOf(() => parseArmor(how(armor)))).toBe('ok');
    expect(codeOf(() => verifyEntry(bytes, how(armor)))).toBe('E_ARMOR');
    await expect(verifyEntryAside(bytes, how(armor))).rejects.toMatchObject({ code: 'E_ARMOR' });
  });

  it.each(Object.entries(SPELLINGS))('of a statement inside an entry, with %s: audit says so', (_, how) => {
    const ledger = new Ledger();
    const { root } = ledger.state;
    const asked = ask({}, { root });
    ledger.append([seenEvent(asked)], at('12:00'));
    const approvals = [approve(ledger, asked, 'bob')];
    const honest = intentOf(
      ledger,
      readyNow(snapshot(ledger, asked, { approvals }), at('12:10')),
      at('12:10'),
    );
    const before = ledger.state;
    const granting = (evidence: Partial<GrantingEvent['evidence']>): readonly string[] => {
      ledger.state = before;
      ledger.append([{ ...honest, evidence: { ...honest.evidence, ...evidence } }], at('12:10'));
      return told(ledger, ledger.entries.length - 1);
    };
    expect(granting({})).toEqual([]);
    expect(granting({ approvals: approvals.map((one) => spelt(one, how)) })).toEqual(['warning W_ARMOR']);
    // The chain goes on from here.
    expect(granting({ statement: spelt(asked.statement, how) })).toContain('error E_ARMOR');
  });

  it.each(Object.entries(SPELLINGS))('of a stop and of a policy, with %s: audit says so', (_, how) => {
    const ledger = new Ledger();
    const asked = ask({}, { root: ledger.state.root });
    ledger.append([seenEvent(asked)], at('12:00'));
    const statement = spelt(stop(ledger, asked.id, 'dana'), how);
    ledger.append([{ type: 'stopped', id: asked.id, statement }], at('12:10'));
    expect(told(ledger)).toEqual(['warning W_ARMOR']);
    const world = policyOf(textsWith('pam.yaml', 'version: 1\n', 'version: 1\nopen_requests: 7\n'));
    const statements = ledger
      .policyStatements(world, at('12:20'), ['alice', 'bob'])
      .map((one, place) => (place === 0 ? spelt(one, how) : one));
    const event = { type: 'policy', id: '-', seq: 2, digest: world.policy.digest, statements } as const;
    ledger.append([event], at('12:20'), { brings: world });
    expect(told(ledger)).toEqual(['warning W_ARMOR']);
  });
});

describe('[X42] scheduled and resumed out of time', () => {
  it('a request is scheduled for a start that lies ahead, and for nothing else', () => {
    const scheduled = (start: string | null, when: string): string => {
      const ledger = new Ledger();
      const fields = start === null ? {} : { start: at(start) };
      const asked = ask(fields, { root: ledger.state.root });
      ledger.append([seenEvent(asked)], at('12:00'));
      const of = snapshot(ledger, asked, { approvals: [approve(ledger, asked, 'bob')] });
      const event = scheduledEvent(of, at('12:10'));
      return codeOf(() => ledger.append([event], at(when)));
    };
    expect(scheduled('12:30', '12:10')).toBe('ok');
    expect(scheduled('12:30', '12:29:59')).toBe('ok');
    expect(scheduled('12:30', '12:30')).toBe('E_LED_STEP');
    expect(scheduled('12:30', '12:31')).toBe('E_LED_STEP');
    expect(scheduled(null, '12:10')).toBe('E_LED_STEP');
  });

  it('an intent is taken up again when it may no longer be acted on, and not before', () => {
    const ledger = new Ledger();
    const asked = ask({}, { root: ledger.state.root });
    ledger.append([seenEvent(asked)], at('12:00'));
    const of = snapshot(ledger, asked, { approvals: [approve(ledger, asked, 'bob')] });
    const first = intentOf(ledger, readyNow(of, at('12:10')), at('12:10'));
    const again = (when: Instant): GrantingEvent =>
      intentOf(
        ledger,
        readyNow({ ...of, record: ledger.record(asked.id), evidenceOnly: true }, at('12:10')),
        when,
      );
    expect(codeOf(() => ledger.draft([first, first], at('12:10')))).toBe('E_LED_STEP');
    ledger.append([first], at('12:10'));
    expect(codeOf(() => ledger.draft([again(at('12:10'))], at('12:10')))).toBe('E_LED_STEP');
    expect(codeOf(() => ledger.draft([again(at('12:11:59'))], at('12:11:59')))).toBe('E_LED_STEP');
    expect(codeOf(() => ledger.append([again(at('12:12'))], at('12:12')))).toBe('ok');
  });
});

const OTHER = requestId('20261122-dba-bbbbbb');
const READER = requestId('20261122-reader-cccccc');
const OTHER_READER = requestId('20261122-reader-dddddd');

/** Of three live grants the first is to end; `OTHER` gives the same access, `READER` a part of it. */
function threeGrants(): { readonly ledger: Ledger; readonly id: RequestId } {
  const ledger = new Ledger();
  const { id } = grantLive(ledger, {}, 'bob', at('12:00'));
  grantLive(ledger, { id: OTHER, duration: duration('2h') }, 'bob', at('12:01'));
  const reader = { id: READER, role: 'reader', duration: duration('3h') };
  grantLive(ledger, reader, 'bob', at('12:02'));
  return { ledger, id };
}

describe('[X43] what a revocation leaves in place', () => {
  const revoke = (
    ledger: Ledger,
    id: RequestId,
    kept_for: RevokedEvent['kept_for'],
    when = at('12:50'),
  ): readonly string[] => {
    ledger.append([{ type: 'revoked', id, kept_for, usage: null }], when, { executor: 'pam-sweep' });
    return told(ledger);
  };
  const KEPT: readonly (readonly [string, RevokedEvent['kept_for'], readonly string[]])[] = [
    ['nothing', {}, []],
    ['one permission for another grant', { connect: [READER] }, []],
    ['both', { connect: [OTHER, READER], 'role:billing_owner': [OTHER] }, []],
    ['for an unknown id', { connect: [requestId('20261122-dba-zzzzzz')] }, ['error E_LED_KEPT']],
    ['for itself', { connect: [requestId('20261122-dba-aaaaaa')] }, ['error E_LED_KEPT']],
    ['for a grant without it', { 'role:billing_owner': [READER] }, ['error E_LED_KEPT']],
    ['what it never gave', { superuser: [OTHER] }, ['error E_LED_KEPT']],
    [
      'one of two that it is for',
      { connect: [READER, OTHER, OTHER.replace('b', 'c') as RequestId] },
      ['error E_LED_KEPT'],
    ],
  ];

  it.each(KEPT)('%s', (_, kept, expected) => {
    const { ledger, id } = threeGrants();
    expect(revoke(ledger, id, kept)).toEqual(expected);
  });

  it('for a grant that ended while this one was ended is a warning, for one that ended before is none', () => {
    const { ledger, id } = threeGrants();
    const stopReader = (when: Instant): void => {
      ledger.append([{ type: 'ending', id: READER, cause: 'incident', because: 'closed' }], when, {
        executor: 'pam-sweep',
      });
    };
    const before = ledger.state;
    // The end of the first is 12:45; clocks differ by five minutes at the most.
    for (const [when, expected] of [
      ['12:46', 'warning E_LED_KEPT'],
      ['12:40', 'warning E_LED_KEPT'],
      ['12:39:59', 'error E_LED_KEPT'],
    ] as const) {
      ledger.state = before;
      stopReader(at(when));
      ledger.append([{ type: 'revoked', id, kept_for: { connect: [READER] }, usage: null }], at('12:50'), {
        executor: 'pam-sweep',
      });
      expect(told(ledger, ledger.entries.length - 1)).toEqual([expected]);
    }
  });

  it('of a login of its own, never', () => {
    const ledger = new Ledger();
    const fields = { role: 'reader' };
    const { id } = grantLive(ledger, { ...fields, id: READER }, 'bob', at('12:00'));
    const { id: other } = grantLive(ledger, { ...fields, id: OTHER_READER }, 'bob', at('12:01'));
    const own = new Map([...providers].map(([name, one]) => [name, { ...one, objects: 'own' as const }]));
    ledger.append([{ type: 'revoked', id, kept_for: { connect: [other] }, usage: null }], at('12:50'), {
      executor: 'pam-sweep',
    });
    const entry = ledger.entries.at(-1);
    if (entry?.before == null) throw new TypeError('no step');
    const { before, after } = entry;
    const readAny = (): never => {
      throw new TypeError('no request is read');
    };
    const found = auditEntry({ before, after, providers: own, readRequest: readAny, witnesses: new Map() });
    expect(found.map(({ code, severity }) => `${severity} ${code}`)).toEqual(['error E_LED_KEPT']);
  });
});

describe('[X44] live access below a compromised key', () => {
  const reported = (name: string, since: string) =>
    policyOf({
      ...TEXTS,
      'policy/people.yaml': `${TEXTS['policy/people.yaml']}revoked_keys: [{ fingerprint: "FINGERPRINT(${name})", at: ${at('12:30')}, reason: compromised, since: ${at(since)} }]\n`,
    }).policy;

  it.each([
    ['bob', '11:00', true],
    ['bob', '12:00', true],
    ['bob', '12:00:01', false],
    ['pam-apply', '11:59', true],
    ['alice', '11:00', false],
  ] as const)('%s since %s: %s', (name, since, expected) => {
    const ledger = new Ledger();
    const { id } = grantLive(ledger, {}, 'bob', at('12:00'));
    const end = (): readonly string[] =>
      auditEnd(ledger.state, at('12:40'), new Map()).map(
        ({ code, severity, message }) => `${severity} ${code} ${message}`,
      );
    expect(end()).toEqual([]);
    ledger.state = { ...ledger.state, policy: reported(name, since) };
    const key = fingerprintOf(name);
    const finding = `warning W_KEY_COMPROMISED ${id} is live and rests on the key ${key}, compromised before it was recorded; no sweep ended it`;
    expect(end()).toEqual(expected ? [finding] : []);
    ledger.append([{ type: 'ending', id, cause: 'compromised', because: 'its key' }], at('12:35'), {
      executor: 'pam-sweep',
    });
    expect(end().filter((one) => one.includes('W_KEY'))).toEqual([]);
  });
});
