import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printRequest, readRequest } from '../../../src/documents/request-file.ts';
import { EXIT, PamError } from '../../../src/model/error.ts';
import { requestPath } from '../../../src/model/names.ts';
import type { Request } from '../../../src/model/request.ts';
import { codeOf } from '../../support/error-code.ts';

const ID = '20261122-orders-dba-7k3fq2';
const PATH = `requests/2026/11/${ID}.yaml`;
const GOOD = `# a comment
version: 1
id: ${ID}
requester: dana
subject: dana
role: orders-dba
scope: { schema: billing }
duration: 45m
justification: Stuck migration 114 blocks checkout; need to drop its lock.
ticket: OPS-4211
incident: INC-991
compensating_controls: ["Session is recorded"]
start: 2026-11-22T18:00:00Z
`;
const read = (text: string | Uint8Array, path = PATH): Request => readRequest(Buffer.from(text), path);
/** The good file with one line replaced; the line must be there. */
function withLine(field: string, line: string): string {
  if (!GOOD.includes(`\n${field}:`)) throw new Error(`no ${field}`);
  return GOOD.replace(new RegExp(`^${field}:.*$`, 'mu'), () => line);
}
function refused(text: string | Uint8Array, path = PATH): PamError {
  try {
    read(text, path);
  } catch (error) {
    if (error instanceof PamError) return error;
    throw error;
  }
  throw new Error('it was read');
}

describe('reading a request', () => {
  it('gives its fields as written', () => {
    expect(read(GOOD)).toEqual({
      version: 1,
      id: ID,
      requester: 'dana',
      subject: 'dana',
      role: 'orders-dba',
      scope: { schema: 'billing' },
      duration: '45m',
      justification: 'Stuck migration 114 blocks checkout; need to drop its lock.',
      ticket: 'OPS-4211',
      incident: 'INC-991',
      compensating_controls: ['Session is recorded'],
      start: '2026-11-22T18:00:00Z',
    });
  });

  it.each<[string, string]>([
    ['CRLF', GOOD.replaceAll('\n', '\r\n')],
    ['many scripts', withLine('justification', 'justification: 日本語 и עברית 👩‍💻 naïve')],
    ['an apostrophe', withLine('justification', "justification: It is O'Brien's turn")],
    ['several lines', withLine('justification', 'justification: |\n  one\n\n  two # three: four')],
    ['quoted punctuation', withLine('justification', 'justification: "Fix: [this] & *that*"')],
    ['no end of line at the end', GOOD.trimEnd()],
    ['a document start', `---\n${GOOD}`],
  ])('[Z4] takes %s', (_, text) => {
    expect(read(text).id).toBe(ID);
  });

  it.each<[string, string, string]>([
    ['A1 approved: true', `${GOOD}approved: true\n`, 'E_REQ_UNKNOWN_FIELD'],
    ['A1 approvers', `${GOOD}approvers: [mallory]\n`, 'E_REQ_UNKNOWN_FIELD'],
    ['A1 a policy of its own', `${GOOD}policy: { max_ttl: 30d }\n`, 'E_REQ_UNKNOWN_FIELD'],
    ['A1 a field called __proto__', `${GOOD}__proto__: { approved: true }\n`, 'E_REQ_UNKNOWN_FIELD'],
    ['A1 a field called constructor', `${GOOD}constructor: x\n`, 'E_REQ_UNKNOWN_FIELD'],
    ['A2 the id of another file', withLine('id', 'id: 20261122-orders-dba-aaaaaa'), 'E_REQ_ID_MISMATCH'],
    ['A3 an id that climbs', withLine('id', 'id: ../20261122-orders-dba-7k3fq2'), 'E_REQ_ID_SYNTAX'],
    ['A3 an id with a line end', withLine('id', `id: "${ID}\\n"`), 'E_REQ_ID_SYNTAX'],
    ['A3 an id that is an option', withLine('id', 'id: -rf'), 'E_REQ_ID_SYNTAX'],
    ['A3 an id in wide digits', withLine('id', 'id: ２０２６1122-orders-dba-7k3fq2'), 'E_REQ_ID_SYNTAX'],
    ['A3 an id in capitals', withLine('id', `id: ${ID.toUpperCase()}`), 'E_REQ_ID_SYNTAX'],
    ['A3 an id that is a number', withLine('id', 'id: 20261122'), 'E_REQ_ID_SYNTAX'],
    ...[
      '0',
      '-1h',
      '1.5h',
      '.inf',
      '.nan',
      '1e9',
      '0x10',
      '010',
      '1h30',
      '""',
      '9007199254740993',
      '0h',
      '1H',
      '100000m',
      '" 1h"',
      '~',
      '[1h]',
    ].map((value): [string, string, string] => [
      `A5 duration ${value}`,
      withLine('duration', `duration: ${value}`),
      'E_REQ_TTL',
    ]),
    ...[
      '2026-02-30T00:00:00Z',
      '2026-1-1',
      '2026-01-01T00:00:00',
      '2026-01-01T24:00:00Z',
      '2026-01-01T00:00:60Z',
      '2026-01-01 00:00:00Z',
      '2026-01-01T00:00:00+00:00',
      '1767225600',
    ].map((value): [string, string, string] => [
      `A17 B12 start ${value}`,
      withLine('start', `start: ${value}`),
      'E_REQ_TIME',
    ]),
    [
      'A9 an override of direction',
      withLine('justification', 'justification: safe \u202eevil'),
      'E_REQ_CHARSET',
    ],
    [
      'A9 an escaped override',
      withLine('justification', 'justification: "safe \\u202eevil"'),
      'E_REQ_CHARSET',
    ],
    ['A9 an isolate', withLine('justification', 'justification: "a \\u2066b"'), 'E_REQ_CHARSET'],
    ['A9 an escape character', withLine('justification', 'justification: "\\e[2J"'), 'E_REQ_CHARSET'],
    ['A9 a carriage return', withLine('justification', 'justification: "a\\rb"'), 'E_REQ_CHARSET'],
    ['A9 a zero width space', withLine('justification', 'justification: a\u200bb'), 'E_REQ_CHARSET'],
    ['A9 an escaped NUL', withLine('justification', 'justification: "a\\0b"'), 'E_REQ_CHARSET'],
    ['A9 half a character', withLine('justification', 'justification: "a\\ud800b"'), 'E_REQ_CHARSET'],
    ['A9 a C1 control', withLine('justification', 'justification: "a\\x9bb"'), 'E_REQ_CHARSET'],
    ['A9 invisible letters', withLine('justification', 'justification: "a\\U000E0041b"'), 'E_REQ_CHARSET'],
    [
      'A9 a line end where one line is meant',
      withLine('compensating_controls', 'compensating_controls: ["a\\nb"]'),
      'E_REQ_CHARSET',
    ],
    ['A15 an empty reason', withLine('justification', 'justification: ""'), 'E_REQ_SHAPE'],
    ['A15 a reason of blanks', withLine('justification', 'justification: "   "'), 'E_REQ_SHAPE'],
    ['A16 a number as requester', withLine('requester', 'requester: 123'), 'E_REQ_TYPE'],
    ['A16 null as requester', withLine('requester', 'requester: null'), 'E_REQ_TYPE'],
    ['A16 nothing as requester', withLine('requester', 'requester:'), 'E_REQ_TYPE'],
    ['A16 true as requester', withLine('requester', 'requester: true'), 'E_REQ_TYPE'],
    ['A16 a list as requester', withLine('requester', 'requester: [dana]'), 'E_REQ_TYPE'],
    ['A16 "1" as version', withLine('version', 'version: "1"'), 'E_REQ_TYPE'],
    ['A16 a name that is no name', withLine('requester', 'requester: Dana'), 'E_REQ_SHAPE'],
    ['A6 role *', withLine('role', 'role: "*"'), 'E_REQ_SHAPE'],
    ['another version', withLine('version', 'version: 2'), 'E_REQ_SHAPE'],
    ['a scope that is a number', withLine('scope', 'scope: { schema: 1 }'), 'E_REQ_TYPE'],
    ['a missing field', GOOD.replace(/^role:.*\n/mu, ''), 'E_REQ_MISSING'],
    ['a list', '- a\n', 'E_REQ_TYPE'],
    ['nothing', '', 'E_REQ_TYPE'],
    ['a date that does not exist', GOOD.replaceAll('20261122', '20260230'), 'E_REQ_ID_SYNTAX'],
  ])('refuses %s', (_, text, code) => {
    const error = refused(text, text.includes('20260230') ? PATH.replace('20261122', '20260230') : PATH);
    expect(error.code).toBe(code);
    expect(error.exit).toBe(EXIT.invalid);
  });

  it('A2 refuses a file in the folder of another month', () => {
    expect(codeOf(() => read(GOOD, PATH.replace('/11/', '/12/')))).toBe('E_REQ_ID_MISMATCH');
    expect(codeOf(() => read(GOOD, `draft/${ID}.yaml`))).toBe('ok');
    expect(codeOf(() => read(GOOD, 'draft/other.yaml'))).toBe('E_REQ_ID_MISMATCH');
  });

  const secrets = [
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    '-----BEGIN RSA PRIVATE KEY-----',
    `ghp_${'a1B2'.repeat(9)}`,
    `github_pat_${'a1B2'.repeat(9)}`,
    `AKIA${'A1B2'.repeat(4)}`,
    `xoxb-${'123456'.repeat(4)}`,
  ];
  it.each(secrets)('A18 refuses %s and does not repeat it', (secret) => {
    const plain = refused(withLine('justification', `justification: use "${secret}" please`));
    const escaped = `\\x${secret.charCodeAt(0).toString(16)}${secret.slice(1)}`;
    const hidden = refused(`${withLine('justification', `justification: "${escaped}"`)}unknown: 1\n`);
    const asKey = refused(`${GOOD}"${secret}": 1\n`);
    const inBroken = refused(`${GOOD}a: [ ${secret}\n`);
    for (const error of [plain, hidden, asKey, inBroken]) {
      expect(error.code).toBe('E_REQ_SECRET');
      expect(JSON.stringify([error.message, error.issues, error.hint])).not.toContain(secret);
    }
    expect(hidden.issues).toMatchObject([{ line: 9 }]);
  });

  it('tells every problem at once, in the order of the file', () => {
    const text = `${GOOD.replace('duration: 45m', 'duration: 45').replace('requester: dana', 'requester: 1')}extra: 1\n`;
    const { issues, message } = refused(text);
    expect(issues.map(({ line, code, path }) => [line, code, path])).toEqual([
      [4, 'E_REQ_TYPE', '/requester'],
      [8, 'E_REQ_TTL', '/duration'],
      [14, 'E_REQ_UNKNOWN_FIELD', '/extra'],
    ]);
    expect(message).toBe(`3 problems in ${PATH}`);
  });

  it('repeats no character that could deceive', () => {
    const { issues } = refused(`${GOOD}"\\e[2J\\u202e": 1\n`);
    // oxlint-disable-next-line no-control-regex
    expect(JSON.stringify(issues.map(({ message }) => message))).toMatch(/^[ -~]*$/u);
  });
});

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,39}$/u);
const words = (max: number) =>
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: max })
    .filter((text) => /\S/u.test(text) && text.length <= max && !/\p{Cc}|\p{Cf}|\u2028|\u2029/u.test(text));
const tricky = fc.constantFrom(
  'yes',
  'null',
  '~',
  '1',
  '0x10',
  '- a',
  'a: b',
  '# c',
  '"',
  "'",
  '&a',
  '*a',
  '!t',
  '%d',
  '@x',
  '{a}',
  '[',
  '|',
  '> x',
  '2026-11-22',
  ' lead',
  'trail ',
  '---',
  '...',
  'a\\nb',
  '`',
);
const requests: fc.Arbitrary<Request> = fc
  .record(
    {
      version: fc.constant(1 as const),
      id: fc.constant(ID),
      requester: name,
      subject: name,
      role: name,
      scope: fc.dictionary(
        fc.stringMatching(/^[a-z][a-z0-9_-]{0,9}$/u),
        fc.stringMatching(/^[ -~]{1,20}$/u),
        { minKeys: 1, maxKeys: 4, noNullPrototype: true },
      ),
      duration: fc.stringMatching(/^[1-9][0-9]{0,4}[smhd]$/u),
      justification: fc.oneof(
        tricky,
        words(200),
        fc
          .array(fc.oneof(tricky, words(40), fc.constantFrom('', ' ', '\t', '  indented')), {
            minLength: 1,
            maxLength: 5,
          })
          .map((some) => some.join('\n'))
          .filter((text) => /\S/u.test(text)),
      ),
      ticket: fc.stringMatching(/^[A-Za-z0-9][!-~]{0,30}$/u),
      incident: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$/u),
      compensating_controls: fc.array(fc.oneof(tricky, words(60)), { minLength: 1, maxLength: 4 }),
      start: fc.constant('2026-11-22T18:00:00Z'),
    },
    { requiredKeys: ['version', 'id', 'requester', 'subject', 'role', 'duration', 'justification'] },
  )
  // Branded texts that match their grammars.
  .map((request) => request as unknown as Request);

describe('printing a request', () => {
  it('round trips whatever a request can hold', () => {
    fc.assert(
      fc.property(requests, fc.boolean(), (request, schema) => {
        const text = printRequest(request, schema ? '../schemas/request.schema.json' : undefined);
        expect(read(text, requestPath(request.id))).toEqual(request);
        expect(printRequest(read(text))).toBe(printRequest(request));
      }),
      { numRuns: 3000 },
    );
  });

  it('prints the fields in the order of the schema, below the line for editors', () => {
    const request = read(GOOD);
    const shuffled = Object.fromEntries(Object.entries(request).toReversed()) as unknown as Request;
    expect(printRequest(shuffled, 'x.json')).toBe(
      `# yaml-language-server: $schema=x.json\n${printRequest(request)}`,
    );
    expect(
      printRequest(request)
        .split('\n')
        .map((line) => line.split(':')[0]),
    ).toEqual([
      'version',
      'id',
      'requester',
      'subject',
      'role',
      'scope',
      '  schema',
      'duration',
      'justification',
      'ticket',
      'incident',
      'compensating_controls',
      '  - Session is recorded',
      'start',
      '',
    ]);
  });
});
