import { describe, expect, it } from 'vitest';
import { didYouMean, orDidYouMean } from '../../../src/rules/did-you-mean.ts';

const ROLES = ['bastion-root', 'bastion-break-glass', 'web-restart', 'dba'];

describe('what somebody meant', () => {
  it.each([
    ['bastion-rot', 'bastion-root'],
    ['bastoin-root', 'bastion-root'],
    ['Bastion-Root', 'bastion-root'],
    ['bastionroot', 'bastion-root'],
    ['web-restrat', 'web-restart'],
    ['dab', 'dba'],
    ['db', 'dba'],
    ['dbaa', 'dba'],
  ])('%s is %s', (typed, meant) => {
    expect(didYouMean(typed, ROLES)).toBe(meant);
    expect(orDidYouMean(typed, ROLES)).toBe(` (did you mean ${meant}?)`);
  });

  it.each(['', 'x', 'postgres', 'bastion', 'dba-of-everything', 'a'.repeat(100_000)])(
    '%j is nothing near',
    (typed) => {
      expect(didYouMean(typed, ROLES)).toBeUndefined();
      expect(orDidYouMean(typed, ROLES)).toBe('');
    },
  );

  it('of two as near the first in the alphabet, whatever their order; never what was typed', () => {
    expect(didYouMean('dana', ['dane', 'dann'])).toBe('dane');
    expect(didYouMean('dana', ['dann', 'dane'])).toBe('dane');
    expect(didYouMean('dba', ['dba'])).toBeUndefined();
  });

  it('the nearer one wins', () => {
    expect(didYouMean('alica', ['alicia', 'alixx', 'alice'])).toBe('alice');
  });
});

describe('a field of a document', () => {
  it.each([
    ['treshold', ['threshold', 'approvers'], 'threshold'],
    ['thershold', ['threshold', 'approvers'], 'threshold'],
    ['max_durations', ['max_duration', 'duration'], 'max_duration'],
    ['bob', ['bo', 'rob', 'alice'], 'bo'],
  ])('%s of %j is %s', (word, known, meant) => {
    expect(didYouMean(word, known)).toBe(meant);
    expect(orDidYouMean(word, known)).toBe(` (did you mean ${meant}?)`);
  });

  it.each([
    ['threshold', ['threshold']],
    ['colour', ['threshold', 'approvers']],
    ['id', ['no', 'to', 'on']],
    ['x', []],
    ['a'.repeat(100_000), ['a'.repeat(100_000 - 1)]],
  ])('nothing is offered where nothing is near', (word, known) => {
    expect(didYouMean(word, known)).toBeUndefined();
    expect(orDidYouMean(word, known)).toBe('');
  });
});
