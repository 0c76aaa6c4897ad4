/** Parsers of floors 0 and 1 with any input: a typed refusal or a value that prints back; never another exception. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dayOf,
  instantOf,
  parseDuration,
  parseInstant,
  plus,
  secondsBetween,
  secondsOf,
} from '../../src/model/instant.ts';
import { isName, isSha256 } from '../../src/model/names.ts';
import type { Capacity, Statement } from '../../src/model/statement.ts';
import { sha256 } from '../../src/trust/digest.ts';
import { claimsOf, firstDifference, printStatement } from '../../src/trust/statement-text.ts';
import { quote } from '../../src/trust/statements/line-values.ts';
import { codeOf } from '../support/error-code.ts';
import { REQUEST } from '../support/world.ts';

const runs = { seed: 20_261_122, numRuns: 400 };
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(...'": \\\n-tuvsa0') }),
);
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,39}$/u);
const instant = fc
  .integer({ min: -62_167_219_200, max: 253_402_300_799 })
  .map((seconds) => instantOf(seconds * 1000));
const digest = fc.string().map((text) => sha256(text));
const capacity: fc.Arbitrary<Capacity> = fc.oneof(
  fc.constantFrom('named' as const, 'fallback' as const),
  name.map((one): Capacity => `delegate:${one}`),
);
const signing = fc.record({ root: digest, signer: name, signedAt: instant });
const approval: fc.Arbitrary<Statement> = fc
  .record({
    signing,
    requestSha256: digest,
    login: fc.string(),
    permissions: fc.array(anyText, { maxLength: 4 }),
    capacity,
    because: fc.option(anyText),
    seq: fc.nat(),
    head: digest,
    start: fc.option(instant),
  })
  .map(({ signing: by, requestSha256, permissions, because, seq, head, start, capacity: as }) => ({
    ...by,
    type: 'approval',
    request: REQUEST.id,
    requestSha256,
    grant: {
      subject: 'dana',
      target: 'orders-db',
      login: 'druiz',
      permissions,
      loginKey: null,
      duration: REQUEST.duration,
      start,
    },
    capacity: as,
    because,
    ledger: { seq, head },
  }));

describe('statements', () => {
  it('what a signer claims is what was printed, whatever it holds', () => {
    fc.assert(
      fc.property(approval, (statement) => {
        if (statement.type !== 'approval') return;
        const text = printStatement(statement);
        const { signer, signedAt, because, capacity: as, ledger } = claimsOf(text, 'approval');
        const { signer: by, signedAt: when } = statement;
        expect({ signer, signedAt, because, as, ledger }).toEqual({
          signer: by,
          signedAt: when,
          because: statement.because,
          as: statement.capacity,
          ledger: statement.ledger,
        });
        expect(firstDifference(text, claimsOf(text))).toBeUndefined();
      }),
      runs,
    );
  });

  it('is printable ASCII, one line for each value, and order of permissions is nothing', () => {
    fc.assert(
      fc.property(approval, (statement) => {
        if (statement.type !== 'approval') return;
        const text = printStatement(statement);
        expect(text).toMatch(/^(?:[\x20-\x7e]+\n)+$/u);
        expect(text.split('\n')).toHaveLength(5 + 11 + statement.grant.permissions.length + 1);
        const grant = { ...statement.grant, permissions: [...statement.grant.permissions].reverse() };
        expect(printStatement({ ...statement, grant })).toBe(text);
      }),
      runs,
    );
  });

  it('two statements never have one text', () => {
    const pair = fc.tuple(fc.option(anyText), fc.option(anyText));
    fc.assert(
      fc.property(signing, pair, (by, [one, two]) => {
        const text = (because: string | null): string =>
          printStatement({ ...by, type: 'stop', request: REQUEST.id, because });
        expect(text(one) === text(two)).toBe(one === two);
      }),
      runs,
    );
  });

  it('quoting is JSON that reads back, in ASCII', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(JSON.parse(quote(text))).toBe(text);
        expect(quote(text)).toMatch(/^[\x20-\x7e]*$/u);
      }),
      runs,
    );
  });

  it('any text: claims with the right shapes, or a typed refusal', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'pam-statement: v1',
        'signer: alice',
        'signed-at: 2026-11-22T12:00:00Z',
        'because: "x"',
        'capacity: named',
        `ledger: 1 ${sha256('')}`,
      ),
      fc
        .tuple(fc.constantFrom('signer', 'signed-at', 'because', 'capacity', 'ledger', '__proto__'), anyText)
        .map((parts) => parts.join(': ')),
      anyText,
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 9 }), (lines) => {
        const code = codeOf(() => {
          const { signer, signedAt, ledger } = claimsOf(lines.join('\n'), 'approval');
          const point = isSha256(ledger.head) && Number.isSafeInteger(ledger.seq);
          expect([isName(signer), parseInstant(signedAt), point]).toEqual([true, signedAt, true]);
        });
        expect(['ok', 'E_STATEMENT']).toContain(code);
      }),
      { ...runs, numRuns: 1500 },
    );
  });
});

describe('times', () => {
  it('an instant survives printing, and text order is time order', () => {
    fc.assert(
      fc.property(instant, instant, (one, two) => {
        expect(parseInstant(one)).toBe(one);
        expect(one < two).toBe(secondsBetween(one, two) > 0);
        expect(plus(one, secondsBetween(one, two))).toBe(two);
      }),
      runs,
    );
  });

  it('any text is an instant that prints back, or none', () => {
    const near = fc.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/u);
    fc.assert(
      fc.property(fc.oneof(anyText, near), (text) => {
        const parsed = parseInstant(text);
        if (parsed === undefined) return;
        expect([parsed, new Date(text).toISOString()]).toEqual([text, text.replace('Z', '.000Z')]);
      }),
      { ...runs, numRuns: 2000 },
    );
  });

  it('any text is a duration of whole positive seconds, or none', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.stringMatching(/^[0-9]{1,6}[smhdw]$/u)), (text) => {
        const duration = parseDuration(text);
        const seconds = duration === undefined ? undefined : secondsOf(duration);
        const count = /^[1-9][0-9]{0,4}(?=[smhd]$)/u.exec(text)?.[0];
        const unit = { s: 1, m: 60, h: 3600, d: 86_400 }[text.slice(-1)] ?? Number.NaN;
        expect(seconds).toBe(count === undefined ? undefined : Number(count) * unit);
      }),
      { ...runs, numRuns: 1500 },
    );
  });

  it('every id has a day or none, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.stringMatching(/^[0-9]{8}-[a-z]{1,5}-[a-z0-9]{6}$/u)), (text) => {
        const day = dayOf(text)?.slice(0, 10).replaceAll('-', '');
        expect([undefined, text.slice(0, 8)]).toContain(day);
      }),
      { ...runs, numRuns: 1500 },
    );
  });
});
