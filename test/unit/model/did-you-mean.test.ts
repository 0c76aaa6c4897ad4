import { describe, expect, it } from 'vitest';
import { didYouMean, nearest } from '../../../src/model/did-you-mean.ts';

describe('did you mean', () => {
  it.each([
    ['treshold', ['threshold', 'approvers'], 'threshold'],
    ['thershold', ['threshold', 'approvers'], 'threshold'],
    ['max_durations', ['max_duration', 'duration'], 'max_duration'],
    ['bob', ['bo', 'rob', 'alice'], 'bo'],
  ])('%s of %j is %s', (word, known, meant) => {
    expect(nearest(word, known)).toBe(meant);
    expect(didYouMean(word, known)).toBe(` (did you mean ${meant}?)`);
  });

  it.each([
    ['threshold', ['threshold']],
    ['colour', ['threshold', 'approvers']],
    ['id', ['no', 'to', 'on']],
    ['x', []],
    ['a'.repeat(100_000), ['a'.repeat(100_000 - 1)]],
  ])('nothing is offered where nothing is near', (word, known) => {
    expect(nearest(word, known)).toBeUndefined();
    expect(didYouMean(word, known)).toBe('');
  });
});
