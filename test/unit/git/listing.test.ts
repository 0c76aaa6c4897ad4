import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { listingOf } from '../../../src/git/listing.ts';
import { parsePattern } from '../../../src/git/ref-names.ts';
import type { Oid } from '../../../src/model/names.ts';

const oid = 'a'.repeat(40) as Oid;
const patterns = (...texts: readonly string[]) => texts.map((one) => parsePattern(`refs/heads/${one}`));
const there = new Map(
  ['main', 'pam/20261122-x', 'pam/20261122-y', 'pam-statements/20261122-x.0'].map((one) => [
    `refs/heads/${one}`,
    oid,
  ]),
);
const asked = patterns('main', 'pam/20261122-*', 'pam-statements/20261122-*');
const names = (found: ReadonlyMap<string, Oid> | undefined) =>
  found === undefined ? undefined : [...found.keys()].map((one) => one.slice('refs/heads/'.length));

describe('what a fetch told of the remote answers the questions after it', () => {
  it('what it asked for, and what is a part of that', () => {
    const heard = listingOf(asked, there);
    expect(names(heard.answer(patterns('main')))).toEqual(['main']);
    expect(names(heard.answer(patterns('pam/20261122-x')))).toEqual(['pam/20261122-x']);
    expect(names(heard.answer(patterns('pam-statements/20261122-x.*')))).toEqual([
      'pam-statements/20261122-x.0',
    ]);
    expect(names(heard.answer(patterns('pam/20261122-z')))).toEqual([]);
  });

  it('nothing else: not a wider question, nor one of which it asked a part', () => {
    const heard = listingOf(asked, there);
    expect(heard.answer(patterns('pam/*'))).toBeUndefined();
    expect(heard.answer(patterns('main*'))).toBeUndefined();
    expect(heard.answer(patterns('pam/20261122-x', 'pam/20261123-*'))).toBeUndefined();
    expect(heard.answer(patterns('pam-ledger'))).toBeUndefined();
  });

  it('each question once: whoever asks again wants to know what changed', () => {
    const heard = listingOf(asked, there);
    expect(heard.answer(patterns('pam/20261122-*'))).toBeDefined();
    expect(heard.answer(patterns('pam/20261122-*'))).toBeUndefined();
    expect(heard.answer(patterns('main', 'pam/20261122-*'))).toBeUndefined();
    expect(names(heard.answer(patterns('main')))).toEqual(['main']);
  });

  it('not for long', async () => {
    const heard = listingOf(asked, there, 5);
    await sleep(30);
    expect(heard.answer(patterns('main'))).toBeUndefined();
  });
});
