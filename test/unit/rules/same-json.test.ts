import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inOrder, jsonInOrder, sameJson } from '../../../src/rules/same-json.ts';

describe('a document in one order', () => {
  it('is printed as its ordered copy is, whatever its keys are', () => {
    const key = fc.oneof(
      fc.string({ maxLength: 4 }),
      fc.constantFrom('10', '9', '01', '1a', 'b', '__proto__'),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, fc.jsonValue({ maxDepth: 1 }), tie('list'), tie('fields')),
      list: fc.array(tie('value'), { maxLength: 4 }),
      fields: fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    }));
    fc.assert(
      fc.property(value, (one) => {
        const expected = JSON.stringify(inOrder(one));
        expect(jsonInOrder(one)).toBe(expected);
        // Once more, from what was kept.
        expect(jsonInOrder(one)).toBe(expected);
      }),
      { numRuns: 500, seed: 11 },
    );
  });

  it('leaves out what is not there', () => {
    expect(jsonInOrder({ b: undefined, a: 1 })).toBe('{"a":1}');
  });

  it('is the same for the same fields, and for nothing else', () => {
    expect(sameJson({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 })).toBe(true);
    expect(sameJson({ a: 1, b: [1, 2] }, { a: 1, b: [2, 1] })).toBe(false);
    expect(sameJson({ a: 1 }, { a: 1, b: null })).toBe(false);
  });
});
