import { describe, expect, it } from 'vitest';
import type { OpenRecord } from '../../../src/model/open-record.ts';
import { EMPTY_INDEX } from '../../../src/rules/fold-index.ts';
import { asItWasRead, indexDigest, openDirectory, printIndex } from '../../../src/rules/print-index.ts';
import { sha256, treeDigest } from '../../../src/trust/digest.ts';
import { directoryId, gitTreeId } from '../../../src/trust/git-tree-id.ts';
import { at, grantLive, Ledger, MAIN, REQUEST, requestId } from '../../support/world.ts';

const ledger = new Ledger();
grantLive(ledger, {}, 'bob', at('12:00'));
grantLive(ledger, { id: requestId('20261121-dba-bbbbbb') }, 'bob', at('12:00'));
const { index } = ledger.state;

/** The same value with its keys in another order, all the way down. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, turned(inner)] as const)
      .reverse(),
  );
}

describe('open/ as files', () => {
  it('one file for each id, under its day, and the beats', () => {
    expect([...printIndex(index).keys()].sort()).toEqual([
      'open/20261121/20261121-dba-bbbbbb.json',
      'open/20261122/20261122-dba-aaaaaa.json',
      'open/beats.json',
    ]);
  });

  it('one line of JSON with sorted keys and LF, that reads back to the record', () => {
    const text = printIndex(index).get('open/20261122/20261122-dba-aaaaaa.json') ?? '';
    expect(text.indexOf('\n')).toBe(text.length - 1);
    expect(JSON.parse(text)).toEqual(index.records.get(REQUEST.id));
    expect(Object.keys(JSON.parse(text))).toEqual([
      'attempts',
      'ending',
      'final_at',
      'grant',
      'id',
      'refused',
      'seen',
      'state',
    ]);
  });

  it('the digest is that of the tree, and no index is the digest of nothing', () => {
    expect(indexDigest(index)).toBe(treeDigest(printIndex(index)));
    expect(indexDigest(EMPTY_INDEX)).toBe(sha256(''));
    expect(printIndex(EMPTY_INDEX).size).toBe(0);
  });

  it('a record under the id of another one is a bug, of which nothing stays', () => {
    const [record] = index.records.values();
    const id = requestId('20261121-dba-cccccc');
    const odd = { ...index, records: new Map([...index.records, [id, record]]) };
    expect(() => indexDigest(odd as typeof index)).toThrow('stands in open/ as');
    expect(indexDigest(index)).toBe(treeDigest(printIndex(index)));
    expect(indexDigest({ ...index, records: new Map() })).toBe(
      treeDigest(printIndex({ ...index, records: new Map() })),
    );
  });

  it('what was read counts by its own bytes: the same spelling, or another digest', () => {
    const files = printIndex(index);
    const readBack = (respell: (text: string) => string) => {
      const beats = index.beats === null ? null : { ...index.beats };
      const records = new Map([...index.records].map(([id, record]) => [id, { ...record }]));
      for (const record of records.values()) {
        const path = `open/${record.id.slice(0, 8)}/${record.id}.json`;
        asItWasRead(path, record, Buffer.from(respell(files.get(path) ?? '')));
      }
      const place = 'open/beats.json';
      if (beats !== null) asItWasRead(place, beats, Buffer.from(files.get(place) ?? ''));
      return indexDigest({ ...index, records, beats });
    };
    expect(readBack((text) => text)).toBe(indexDigest(index));
    expect(readBack((text) => text.replace(':', ': '))).not.toBe(indexDigest(index));
  });

  it('as directories they are the same files, before and after a change, and once more', () => {
    const record = index.records.get(REQUEST.id);
    if (record === undefined) throw new TypeError('no record');
    const more = { ...record, id: requestId('20261122-dba-cccccc') };
    const changes = [
      index,
      { ...index, records: new Map(index.records).set(record.id, { ...record, attempts: 7 }) },
      { ...index, records: new Map(index.records).set(more.id, more) },
      { ...index, records: new Map([...index.records].filter(([id]) => id !== record.id)) },
      { ...index, beats: null },
      EMPTY_INDEX,
    ];
    for (const one of [...changes, ...changes]) {
      expect(directoryId(openDirectory(one), MAIN)).toBe(gitTreeId(printIndex(one), MAIN));
    }
    expect(new Set(changes.map((one) => directoryId(openDirectory(one), MAIN))).size).toBe(changes.length);
  });

  it('the order of keys and of records is nothing', () => {
    // A turned record has the same fields.
    const records = new Map(
      [...index.records].reverse().map(([id, record]) => [id, turned(record) as OpenRecord]),
    );
    expect(indexDigest({ ...index, records })).toBe(indexDigest(index));
  });

  it('any other value is another digest', () => {
    const record = index.records.get(REQUEST.id);
    if (record?.grant == null) throw new TypeError('no grant');
    const changed = [
      { ...record, attempts: 1 },
      { ...record, state: 'ending' } as const,
      { ...record, grant: { ...record.grant, permissions: [...record.grant.permissions].reverse() } },
      { ...record, grant: { ...record.grant, end: at('12:46') } },
    ];
    const digests = changed.map((one) =>
      indexDigest({ ...index, records: new Map([...index.records, [one.id, one]]) }),
    );
    expect(new Set([indexDigest(index), ...digests]).size).toBe(changed.length + 1);
  });
});
