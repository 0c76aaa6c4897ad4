/**
 * Every answer that a plugin can give: it is refused as that target's error, or what comes of it stands in a ledger entry
 * and is read back from there as it was given.
 */
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { eventFault, printEntry, readEntry } from '../../../src/documents/entry-file.ts';
import { type Entry, type LedgerEvent, type Receipt, reasonNote } from '../../../src/model/entry.ts';
import { PamError } from '../../../src/model/error.ts';
import { type PluginAnswer, parseAnswer, shown } from '../../../src/targets/command/plugin-answer.ts';
import { sha256 } from '../../../src/trust/digest.ts';
import { at, requestId } from '../../support/world.ts';

const ID = requestId('20261122-legacy-member-7k3fq2');

function read(text: string | Uint8Array): PluginAnswer | string {
  try {
    return parseAnswer(Buffer.from(text), ['a secret of the target']);
  } catch (error) {
    if (error instanceof PamError) return error.code;
    throw error;
  }
}

/** The receipt as an entry brings it to the next run. */
function throughAnEntry(receipt: Receipt): Receipt {
  const entry: Entry = {
    root: sha256(''),
    seq: 7,
    previous: sha256(''),
    at: at('12:00'),
    executor: 'pam-apply',
    policy: sha256(''),
    index: sha256(''),
    main: 'a'.repeat(40),
    events: [{ type: 'granted', id: ID, receipt }],
  };
  const [event] = readEntry(printEntry(entry)).events;
  if (event?.type !== 'granted') throw new Error('another event came back');
  return event.receipt;
}

/** Why not; `undefined` when the answer was refused, or came through an entry as it is. */
function faultOf(answer: PluginAnswer | string): unknown {
  if (typeof answer === 'string') return answer === 'E_PRV_PLUGIN' ? undefined : answer;
  const { handle, message } = answer;
  const back = throughAnEntry({ handle, message });
  if (!isDeepStrictEqual(back, { handle, message })) return back;
  const contradiction = new PamError('E_PRV_PLUGIN', `the plugin says so: ${message}`);
  return eventFault({ type: 'failed', id: ID, error: reasonNote(contradiction) });
}

const withHandle = (json: string): string => `{"version":1,"state":"present","handle":${json}}`;
const withMessage = (json: string): string => `{"version":1,"state":"present","message":${json}}`;
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe("[X70] what no entry can hold, or would give back as something else, is that target's error", () => {
  test.each([
    ['half a character in a value', withHandle(String.raw`{"a":"\ud800"}`)],
    ['a field twice', '{"version":1,"state":"absent","state":"present"}'],
    ['a field twice in its handle', withHandle('{"a":1,"b":[{}],"a":1}')],
    ['a field twice, deep in its handle', withHandle('{"a":[{"b":{"c":1,"c":2}}]}')],
    ['a field twice, spelled in two ways', withHandle(String.raw`{"a\"":1,"\u0061\u0022":2}`)],
    ['the other half', withHandle(String.raw`{"a":["x\udc00"]}`)],
    ['half a character in a key', withHandle(String.raw`{"\udfff":1}`)],
    ['a key that is the prototype', withHandle('{"__proto__":{"a":1}}')],
    ['the same below', withHandle('{"a":[{"__proto__":1}]}')],
    ['the same, escaped', withHandle(String.raw`{"\u005f_proto__":1}`)],
    ['nested 17 deep', withHandle(nested(17))],
    ['nested as deep as an answer can be', withHandle(`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)],
    ['an answer of brackets', '['.repeat(65_000)],
    ['brackets, closed', '['.repeat(32_000) + ']'.repeat(32_000)],
    ['a number beyond all', withHandle('{"a":1e999}')],
    ['a number below all', withHandle('{"a":-1e999}')],
    ['a number that is rounded', withHandle('{"uid":9007199254740993}')],
    ['minus zero', withHandle('{"a":-0}')],
    ['minus zero as a fraction too small', withHandle('{"a":-1e-999}')],
    ['NaN', withHandle('{"a":NaN}')],
    ['4097 bytes', withHandle(`{"a":"${'x'.repeat(4089)}"}`)],
    ['few characters, many bytes', withHandle(`{"a":"${'\u00e9'.repeat(2100)}"}`)],
    ['few characters that are printed long', withHandle(`{"a":"${String.raw`\u0001`.repeat(700)}"}`)],
    ['a state that is half a character', String.raw`{"version":1,"state":"\ud800"}`],
    ['a field that is half a character', String.raw`{"version":1,"state":"absent","\ud800":1}`],
    ['a field that is the prototype', '{"version":1,"state":"absent","__proto__":{"handle":{}}}'],
    ['a handle by way of the prototype', '{"__proto__":{"version":1,"state":"present"}}'],
    ['a version as a text with a NUL', String.raw`{"version":"1\u0000","state":"present"}`],
  ])('%s', (_what, text) => {
    expect(read(text)).toBe('E_PRV_PLUGIN');
  });

  test.each([
    ['nothing in it', withHandle('{}'), {}],
    [
      'numbers as keys, which print in an order of their own',
      withHandle('{"b":1,"10":2,"9":3}'),
      { b: 1, 10: 2, 9: 3 },
    ],
    ['NUL and ESC', withHandle(String.raw`{"a":"\u0000\u001b"}`), { a: '\0\u001b' }],
    ['a whole pair', withHandle(String.raw`{"a":"\ud83d\ude00"}`), { a: '\ud83d\ude00' }],
    [
      'fractions and the largest number',
      withHandle('{"a":[0.1,9007199254740991,1.50]}'),
      { a: [0.1, 9007199254740991, 1.5] },
    ],
    [
      "names of an object's own methods",
      withHandle('{"toJSON":"x","constructor":1}'),
      { toJSON: 'x', constructor: 1 },
    ],
    [
      'one key in several objects, and as a value',
      withHandle(String.raw`{"a":{"a":[{"a":"a"},{"a":"\"a\":1,"}]},"b":"a"}`),
      { a: { a: [{ a: 'a' }, { a: '"a":1,' }] }, b: 'a' },
    ],
    ['nested 16 deep', withHandle(nested(15)), JSON.parse(nested(15))],
    ['4096 bytes', withHandle(`{"a":"${'x'.repeat(4088)}"}`), { a: 'x'.repeat(4088) }],
  ])('but a handle with %s comes back as it was', (_what, text, handle) => {
    const answer = read(text);
    expect(answer).toMatchObject({ handle });
    expect(faultOf(answer)).toBeUndefined();
  });
});

describe('[X71] words of a plugin are for people: they never keep an outcome off the ledger', () => {
  test.each([
    ['half a character', String.raw`"\ud800"`, '\ufffd'],
    [
      'a pair cut in two by the limit',
      JSON.stringify(`${'x'.repeat(299)}\u{1f600}${'y'.repeat(9)}`),
      `${'x'.repeat(299)}\u{1f600}`,
    ],
    ['NUL, ESC, a bell', String.raw`"a\u0000b\u001b[2J\u0007"`, 'a\ufffdb\ufffd[2J\ufffd'],
    ['text that runs backwards', String.raw`"a\u202eb"`, 'a\ufffdb'],
    ['lines', String.raw`"a\r\n\u2028b"`, 'a b'],
    ['60,000 characters', JSON.stringify('x'.repeat(60_000)), 'x'.repeat(300)],
    [
      'a secret, cut by what is not seen',
      String.raw`"a sec\u0000ret of the target"`,
      'a sec\ufffdret of the target',
    ],
    ['a secret', '"it is a secret of the target"', 'it is [redacted]'],
  ])('%s', (_what, json, message) => {
    const answer = read(withMessage(json));
    expect(answer).toMatchObject({ message });
    expect(faultOf(answer)).toBeUndefined();
  });

  it('whatever it writes on stderr, and however long the sentence around it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.nat(1200), (text, length) => {
        const words = reasonNote({ code: 'E_PRV_PLUGIN', message: 'x'.repeat(length) + text });
        const events: readonly LedgerEvent[] = [
          { type: 'revoke_failed', id: ID, attempt: 1, error: words },
          { type: 'failed', id: ID, error: reasonNote({ code: 'E_PRV', message: shown(text, []) }) },
        ];
        for (const event of events) expect(eventFault(event)).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });
});

/** Texts of code units, so that halves of pairs are among them. */
const unit = fc.oneof(
  fc.constantFrom('\0', '\ud800', '\udfff', '\u001b', '"', '\\', '__proto__', '\u2028', '0', '\ufeff'),
  fc.string({ maxLength: 3 }),
);
const hostileText = fc.array(unit, { maxLength: 6 }).map((parts) => parts.join(''));
const hostileNumber = fc.oneof(
  fc.double(),
  fc
    .constantFrom('1e999', '-0', '1.0', '1E2', '123456789012345678901', '-1e-999')
    .map((text) => ({ raw: text })),
);
const hostileValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 20, withCrossShrink: true },
    hostileText,
    hostileNumber,
    fc.constantFrom(true, false, null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(hostileText, tie('value')), { maxLength: 4 }).map((entries) => ({ entries })),
  ),
})).value;

/** As a plugin would print it: keys in any order and twice, numbers in any spelling. */
function spelled(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spelled).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    if ('raw' in value) return String(value.raw);
    if ('entries' in value && Array.isArray(value.entries)) {
      const entries = value.entries as readonly (readonly [string, unknown])[]; // made so above
      return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${spelled(inner)}`).join(',')}}`;
    }
  }
  return JSON.stringify(value) ?? 'null';
}

test('[X70, X71] answers of any shape', () => {
  let kept = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(hostileText, hostileValue), { maxLength: 5 }),
      hostileText,
      (entries, message) => {
        const text = `{"version":1,"state":"present","handle":${spelled({ entries })},"message":${JSON.stringify(message)}}`;
        const answer = read(text);
        if (typeof answer !== 'string') kept += 1;
        expect(faultOf(answer)).toBeUndefined();
      },
    ),
    { numRuns: 300 },
  );
  expect(kept).toBeGreaterThan(20);
});

test('[X70] bytes that are no answer at all', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(faultOf(read(bytes))).toBeUndefined();
    }),
  );
});
