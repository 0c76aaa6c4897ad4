import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PamError } from '../../../src/model/error.ts';
import { joinSigned, parseArmor, printArmor, splitSigned } from '../../../src/trust/armor.ts';
import { codeOf } from '../../support/error-code.ts';

const BEGIN = '-----BEGIN SSH SIGNATURE-----';
const END = '-----END SSH SIGNATURE-----';
const BLOB = Uint8Array.from({ length: 151 }, (_, index) => (index * 37) % 256);
const BASE64 = Buffer.from(BLOB).toString('base64');
const ARMOR = printArmor(BLOB);
const PGP = '-----BEGIN PGP SIGNATURE-----\n\niQEzBAABCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n';

const wrapped = (width: number) =>
  [BEGIN, ...(BASE64.match(new RegExp(`.{1,${width}}`, 'gu')) ?? []), END, ''].join('\n');
const errorOf = (act: () => unknown): PamError => {
  try {
    act();
  } catch (error) {
    if (error instanceof PamError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('parseArmor', () => {
  it.each([
    ['as printed', ARMOR],
    ['CRLF', ARMOR.replaceAll('\n', '\r\n')],
    ['no final newline', ARMOR.trimEnd()],
    ['CRLF, no final newline', ARMOR.trimEnd().replaceAll('\n', '\r\n')],
    ['76 columns', wrapped(76)],
    ['64 columns', wrapped(64)],
    ['one line', wrapped(10_000)],
    ['a blank line before', `\n${ARMOR}`],
    ['a blank line after', `${ARMOR}\n`],
    ['a blank line around, CRLF', `\n${ARMOR}\n`.replaceAll('\n', '\r\n')],
  ])('[Z3] accepts %s', (_, text) => {
    expect(Buffer.from(parseArmor(text))).toEqual(Buffer.from(BLOB));
  });

  const [first = '', ...rest] = ARMOR.split('\n').slice(1, -2);
  const block = (...body: string[]) => [BEGIN, ...body, END, ''].join('\n');
  it.each([
    ['D4 text before', `hello\n${ARMOR}`],
    ['D4 text on the BEGIN line', `hello ${ARMOR}`],
    ['D4 two blank lines before', `\n\n${ARMOR}`],
    ['D5 text after', `${ARMOR}hello\n`],
    ['D5 two blank lines after', `${ARMOR}\n\n`],
    ['D5 two armors', ARMOR + ARMOR],
    ['D5 armor in armor', block(first, BEGIN, ...rest)],
    ['D6 a blank inside', block(`${first.slice(0, 10)} ${first.slice(11)}`, ...rest)],
    ['D6 a blank at a line end', block(`${first} `, ...rest)],
    ['D6 a tab in front', block(`\t${first}`, ...rest)],
    ['D6 an empty line inside', block(first, '', ...rest)],
    ['D6 a star', block(`*${first.slice(1)}`, ...rest)],
    ['D6 base64url', block(`-${first.slice(1)}`, ...rest)],
    ['D6 padding in the middle', block(`${first.slice(0, 68)}==`, ...rest)],
    ['D6 no padding', ARMOR.replace(/=+\n/u, '\n')],
    ['D6 too much padding', ARMOR.replace(/=+\n/u, '====\n')],
    ['ragged lines', block(first.slice(0, 50), first.slice(50), ...rest)],
    ['lone CR', ARMOR.replaceAll('\n', '\r')],
    ['a CR inside', block(`${first}\r\r`, ...rest)],
    ['lower case markers', ARMOR.toLowerCase()],
    ['no END', `${BEGIN}\n${first}\n`],
    ['no body', `${BEGIN}\n${END}\n`],
    ['an empty body', `${BEGIN}\n\n${END}\n`],
    ['END before BEGIN', `${END}\n${first}\n${BEGIN}\n`],
    ['a byte order mark', `\uFEFF${ARMOR}`],
    ['nothing', ''],
    ['D27 OpenPGP', PGP],
  ])('refuses %s', (_, text) => {
    expect(codeOf(() => parseArmor(text))).toBe('E_ARMOR');
  });

  it('D6: refuses a base64 tail whose spare bits are set', () => {
    const tail = Buffer.from([1]).toString('base64'); // AQ==
    expect(codeOf(() => parseArmor(block(tail)))).toBe('ok');
    expect(codeOf(() => parseArmor(block('AR==')))).toBe('E_B64_NONCANONICAL');
    expect(codeOf(() => parseArmor(block('AAF=')))).toBe('E_B64_NONCANONICAL');
  });

  it('D27: names OpenPGP in the hint', () => {
    expect(errorOf(() => parseArmor(PGP)).hint).toContain('OpenPGP');
    expect(errorOf(() => splitSigned(`a: b\n${PGP}`)).hint).toContain('OpenPGP');
  });

  it('refuses more than 8 KiB', () => {
    expect(codeOf(() => parseArmor(printArmor(new Uint8Array(5900))))).toBe('ok');
    expect(codeOf(() => parseArmor(printArmor(new Uint8Array(6200))))).toBe('E_SIG_SIZE');
  });

  it('reads back any printed blob, and prints 70 columns', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 4000 }), (blob) => {
        const text = printArmor(blob);
        expect(Buffer.from(parseArmor(text))).toEqual(Buffer.from(blob));
        const body = text.split('\n').slice(1, -2);
        expect(body.slice(0, -1).every((line) => line.length === 70)).toBe(true);
      }),
    );
  });

  it('never throws anything but PamError, and accepts only what re-prints to the same bytes', () => {
    const piece = fc.oneof(
      fc.constantFrom(BEGIN, END, '\n', '\r\n', '\r', ' ', '=', BASE64.slice(0, 70), 'AAAA', 'AQ==', 'AR=='),
      fc.string({ maxLength: 12 }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        for (const text of [
          pieces.join(''),
          pieces.join('\n'),
          block(pieces.join('\n')),
          block(pieces.join('')),
        ]) {
          const code = codeOf(() => parseArmor(text));
          if (code !== 'ok') continue;
          accepted += 1;
          const flat = text.replace(/[\r\n]/gu, '');
          expect(flat).toBe(printArmor(parseArmor(text)).replaceAll('\n', ''));
        }
      }),
      { numRuns: 5000, seed: 1 },
    );
    expect(accepted).toBeGreaterThan(0);
  });
});

describe('splitSigned', () => {
  const TEXT = 'pam-statement: v1\ntype: stop\nbecause: "a \\u00e9 b"\n';

  it.each([
    ['as joined', joinSigned({ text: TEXT, armor: ARMOR })],
    ['CRLF', joinSigned({ text: TEXT, armor: ARMOR }).replaceAll('\n', '\r\n')],
    ['76 columns', TEXT + wrapped(76)],
    ['no final newline', TEXT + ARMOR.trimEnd()],
    ['a blank line between', `${TEXT}\n${ARMOR}`],
    ['a blank line around', `\n${TEXT}${ARMOR}\n`],
  ])('[Z3] accepts %s, as text and as bytes', (_, file) => {
    expect(splitSigned(file)).toEqual({ text: TEXT, armor: ARMOR });
    expect(splitSigned(Buffer.from(file))).toEqual({ text: TEXT, armor: ARMOR });
  });

  it.each([
    ['no armor', TEXT, 'E_SIG_MISSING'],
    ['nothing', '', 'E_SIG_MISSING'],
    ['an indented BEGIN', `${TEXT} ${ARMOR}`, 'E_SIG_MISSING'],
    ['BEGIN with something behind it', TEXT + ARMOR.replace(BEGIN, `${BEGIN} `), 'E_SIG_MISSING'],
    ['no statement', ARMOR, 'E_STATEMENT'],
    ['only a blank line', `\n${ARMOR}`, 'E_STATEMENT'],
    ['a blank line inside', `a: b\n\nc: d\n${ARMOR}`, 'E_STATEMENT'],
    ['two blank lines between', `${TEXT}\n\n${ARMOR}`, 'E_STATEMENT'],
    ['a tab', `a:\tb\n${ARMOR}`, 'E_STATEMENT'],
    ['ESC', `a: \x1b[2J\n${ARMOR}`, 'E_STATEMENT'],
    ['a lone CR', `a: b\rc: d\n${ARMOR}`, 'E_STATEMENT'],
    ['a NUL', `a: \0\n${ARMOR}`, 'E_STATEMENT'],
    ['U+202E', `a: \u202e\n${ARMOR}`, 'E_STATEMENT'],
    ['a byte order mark', `\ufeffa: b\n${ARMOR}`, 'E_STATEMENT'],
    ['a line separator before BEGIN', `a: b\u2028${ARMOR}`, 'E_SIG_MISSING'],
    ['D5 two armors', TEXT + ARMOR + ARMOR, 'E_ARMOR'],
    ['D5 text after', `${TEXT}${ARMOR}more: text\n`, 'E_ARMOR'],
    ['more than 8 KiB', `a: ${'b'.repeat(8192)}\n${ARMOR}`, 'E_SIG_SIZE'],
  ])('refuses %s', (_, file, code) => {
    expect(codeOf(() => splitSigned(file))).toBe(code);
    expect(codeOf(() => splitSigned(Buffer.from(file)))).toBe(code);
  });

  it('holds the limit to the byte', () => {
    const room = 8192 - ARMOR.length - 'a: \n'.length;
    expect(codeOf(() => splitSigned(`a: ${'b'.repeat(room)}\n${ARMOR}`))).toBe('ok');
    expect(codeOf(() => splitSigned(`a: ${'b'.repeat(room + 1)}\n${ARMOR}`))).toBe('E_SIG_SIZE');
  });

  it('never throws anything but PamError, and what it gives survives joining and splitting', () => {
    const line = fc.oneof(
      fc.constantFrom(BEGIN, END, 'AQ==', '', 'key: value'),
      fc.string({ maxLength: 20 }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), (lines) => {
        const file = lines.join('\n');
        if (codeOf(() => splitSigned(file)) !== 'ok') return;
        accepted += 1;
        const signed = splitSigned(file);
        expect(splitSigned(joinSigned(signed))).toEqual(signed);
      }),
      { numRuns: 5000, seed: 1 },
    );
    expect(accepted).toBeGreaterThan(0);
  });
});
