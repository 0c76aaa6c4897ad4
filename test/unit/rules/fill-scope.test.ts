import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkScope, fillHoles, fillPermissions, holesOf } from '../../../src/rules/fill-scope.ts';
import { codeOf } from '../../support/error-code.ts';

const role = {
  permissions: ['role:{schema}_owner', 'db:{schema}:{level}', 'login'],
  scope: { schema: { enum: ['billing', 'shipping'] }, level: { enum: ['ro', '$&', '{schema}'] } },
};

describe('filling permissions', () => {
  it('fills every hole, sorts, and says each once', () => {
    expect(fillPermissions(role, { schema: 'billing', level: 'ro' })).toEqual([
      'db:billing:ro',
      'login',
      'role:billing_owner',
    ]);
    const twice = { permissions: ['x:{a}', 'x:{b}'], scope: { a: { enum: ['1'] }, b: { enum: ['1'] } } };
    expect(fillPermissions(twice, { a: '1', b: '1' })).toEqual(['x:1']);
  });

  it('takes a value as text, whatever it looks like', () => {
    expect(fillPermissions(role, { schema: 'billing', level: '$&' })).toContain('db:billing:$&');
    expect(fillPermissions(role, { schema: 'billing', level: '{schema}' })).toContain('db:billing:{schema}');
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['a missing key', { schema: 'billing' }, /scope level is missing/u],
    ['an unknown key', { schema: 'billing', level: 'ro', extra: 'x' }, /no scope "extra"/u],
    ['a value that is not listed', { schema: 'other', level: 'ro' }, /must be one of billing, shipping/u],
    [
      'a key that every object has',
      { schema: 'billing', level: 'ro', constructor: 'x' },
      /no scope "constructor"/u,
    ],
    ['a value in other letters', { schema: 'Billing', level: 'ro' }, /must be one of/u],
  ])('refuses %s', (_, scope, words) => {
    expect(checkScope(role, scope).join('\n')).toMatch(words);
    expect(codeOf(() => fillPermissions(role, scope))).toBe('E_POL_SCOPE');
  });

  it('refuses a hole that the role forgot, even if policy got through with it', () => {
    expect(codeOf(() => fillPermissions({ permissions: ['x:{a}'], scope: {} }, {}))).toBe('E_POL_SCOPE');
  });

  it('finds exactly the holes that it fills', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{', '}', 'a', 'b', '-', 'A', ' ') }), (permission) => {
        const asked = new Set<string>();
        const filled = fillHoles(permission, (key) => {
          asked.add(key);
          return '';
        });
        expect([...asked]).toEqual(holesOf(permission));
        expect(filled === permission).toBe(asked.size === 0);
      }),
    );
  });
});
