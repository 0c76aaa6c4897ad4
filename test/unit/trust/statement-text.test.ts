import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/model/instant.ts';
import type { Sha256 } from '../../../src/model/names.ts';
import type { Statement } from '../../../src/model/statement.ts';
import { claimsOf, firstDifference, namedPoint, printStatement } from '../../../src/trust/statement-text.ts';
import { quote } from '../../../src/trust/statements/line-values.ts';
import { codeOf } from '../../support/error-code.ts';
import { at, REQUEST } from '../../support/world.ts';

const digest = (letter: string): Sha256 => `sha256:${letter.repeat(64)}` as Sha256;
const signing = { root: digest('a'), signer: 'alice', signedAt: at('18:00') };
const HEAD = `pam-statement: v1
type: TYPE
root: ${digest('a')}
signer: alice
signed-at: 2026-11-22T18:00:00Z
`;
const head = (type: string): string => HEAD.replace('TYPE', type);
const approval: Statement = {
  ...signing,
  type: 'approval',
  request: REQUEST.id,
  requestSha256: digest('b'),
  grant: {
    subject: 'dana',
    target: 'orders-db',
    login: 'druiz',
    permissions: ['role:"x"', 'connect'],
    loginKey: null,
    duration: parseDuration('45m') ?? REQUEST.duration,
    start: null,
  },
  capacity: 'fallback',
  because: 'Bob\nis \u{1F634}',
  ledger: { seq: 41, head: digest('c') },
};

describe('the text of a statement', () => {
  it('approval', () => {
    expect(printStatement(approval)).toBe(`${head('approval')}request: 20261122-dba-aaaaaa
request-sha256: ${digest('b')}
subject: dana
target: orders-db
login: druiz
permission: "connect"
permission: "role:\\"x\\""
login-key: -
duration: 45m
start: -
capacity: fallback
because: "Bob\\u000ais \\ud83d\\ude34"
ledger: 41 ${digest('c')}
`);
  });

  it.each<readonly [string, Statement]>([
    [
      `${head('request')}request: 20261122-dba-aaaaaa\nrequest-sha256: ${digest('b')}\n`,
      { ...signing, type: 'request', request: REQUEST.id, requestSha256: digest('b') },
    ],
    [
      `${head('stop')}request: 20261122-dba-aaaaaa\nbecause: -\n`,
      { ...signing, type: 'stop', request: REQUEST.id, because: null },
    ],
    [
      `${head('policy')}seq: 1\npolicy-sha256: ${digest('b')}\nprevious-sha256: -\n`,
      { ...signing, type: 'policy', seq: 1, policySha256: digest('b'), previousSha256: null },
    ],
    [
      `${head('policy')}seq: 2\npolicy-sha256: ${digest('b')}\nprevious-sha256: ${digest('c')}\n`,
      { ...signing, type: 'policy', seq: 2, policySha256: digest('b'), previousSha256: digest('c') },
    ],
  ])('%s', (text, statement) => expect(printStatement(statement)).toBe(text));

  it('free text cannot make a line: everything outside 0x20-0x7e is escaped', () => {
    expect(quote('a"b\\c\n\r\t\u007f\u202e\u0000')).toBe(
      '"a\\"b\\\\c\\u000a\\u000d\\u0009\\u007f\\u202e\\u0000"',
    );
    const text = printStatement({ ...approval, because: 'x\nsigner: mallory' });
    expect(text.split('\n').filter((line) => line.startsWith('signer: '))).toEqual(['signer: alice']);
  });

  it('the words "-" and nothing are two things', () => {
    const because = (text: string | null): string =>
      printStatement({ ...signing, type: 'stop', request: REQUEST.id, because: text }).split('\n')[6] ?? '';
    expect([because(null), because('-'), because('')]).toEqual(['because: -', 'because: "-"', 'because: ""']);
  });
});

describe('what is read out of a statement', () => {
  it('gives back what only the signer can know', () => {
    expect(claimsOf(printStatement(approval), 'approval')).toMatchObject({
      signer: 'alice',
      signedAt: at('18:00'),
      because: 'Bob\nis \u{1F634}',
      capacity: 'fallback',
      ledger: { seq: 41, head: digest('c') },
    });
  });

  it.each([
    ['nothing', ''],
    ['another version', head('stop').replace('v1', 'v2')],
    ['no signer', head('stop').replace('signer: alice\n', '')],
    ['a signer that is no name', head('stop').replace('alice', 'Alice')],
    ['two signers', head('stop').replace('signer: alice\n', 'signer: alice\nsigner: bob\n')],
    ['a time that is none', head('stop').replace('18:00:00Z', '25:00:00Z')],
    ['two times', `${head('stop')}signed-at: 2026-11-22T18:00:00Z\n`],
    ['a reason that is no text', `${head('stop')}because: 12\n`],
    ['a reason that is not JSON', `${head('stop')}because: "x\n`],
  ])('refuses %s', (_, text) => expect(codeOf(() => claimsOf(text, 'stop'))).toBe('E_STATEMENT'));

  it.each([
    ['named', 'named'],
    ['fallback', 'fallback'],
    ['delegate:bob', 'delegate:bob'],
    ['delegate:', null],
    ['delegate:Bob', null],
    ['admin', null],
    ['', null],
  ])('capacity %j is %s', (word, capacity) => {
    const text = `${head('approval')}capacity: ${word}\nledger: 0 ${digest('c')}\n`;
    let read: string | undefined;
    const code = codeOf(() => (read = claimsOf(text, 'approval').capacity));
    expect([code, read]).toEqual(capacity === null ? ['E_STATEMENT', undefined] : ['ok', capacity]);
  });

  it.each([
    [`0 ${digest('c')}`, 0],
    [`41 ${digest('c')}`, 41],
    [`041 ${digest('c')}`, undefined],
    [`-1 ${digest('c')}`, undefined],
    [`41  ${digest('c')}`, undefined],
    [`41 ${digest('c')} x`, undefined],
    [`1e3 ${digest('c')}`, undefined],
    [`9999999999999999 ${digest('c')}`, undefined],
    ['41', undefined],
  ])('ledger point %j', (word, seq) => {
    const text = `${head('approval')}capacity: named\nledger: ${word}\n`;
    expect(namedPoint(text, 'approval')?.seq).toBe(seq);
    expect(codeOf(() => claimsOf(text, 'approval'))).toBe(seq === undefined ? 'E_STATEMENT' : 'ok');
    // Of the other types it is no line that means anything.
    expect(namedPoint(text.replace('approval', 'stop'), 'stop')).toBeUndefined();
  });
});

describe('which line says something else', () => {
  const text = printStatement(approval);
  it.each([
    [
      'the first that differs',
      text.replace('duration: 45m', 'duration: 9h').replace('start: -', 'start: x'),
      'duration',
    ],
    ['a missing line', text.replace('login-key: -\n', ''), 'login-key'],
    ['the second of two permissions', text.replace('"role:\\"x\\""', '"superuser"'), 'permission'],
    ['one permission less', text.replace('permission: "connect"\n', ''), 'permission'],
    ['order only', text.replace('duration: 45m\nstart: -\n', 'start: -\nduration: 45m\n'), undefined],
    ['nothing', text, undefined],
  ])('%s', (_, other, key) => expect(firstDifference(text, claimsOf(other))?.key).toBe(key));
});
