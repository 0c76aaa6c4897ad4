/**
 * What every file of `open/` beside the records keeps to, whichever the registry lists: it is folded, printed, digested,
 * and read back from a commit as the same.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readShelf } from '../../src/documents/entry-file.ts';
import { SCHEMAS } from '../../src/documents/document-schemas.ts';
import { stateAt } from '../../src/flows/ledger/walk/state-at.ts';
import type { OpenIndex, ShelfName } from '../../src/model/open-record.ts';
import { LEDGER_NAMESPACE } from '../../src/model/statement.ts';
import { asItWasRead, indexDigest, openDirectory, printIndex } from '../../src/rules/print-index.ts';
import { NO_SHELVES, SHELVES } from '../../src/rules/shelves/registry.ts';
import type { ShelfKind } from '../../src/rules/shelves/shelf-kind.ts';
import { providers } from '../../src/targets/registry.ts';
import { treeDigest } from '../../src/trust/digest.ts';
import { directoryId, gitTreeId } from '../../src/trust/git-tree-id.ts';
import { codeOf, codeOfLater } from '../support/error-code.ts';
import { ledgerFiles } from '../support/ledger-files.ts';
import { at, grantLive, keyNamed, Ledger, MAIN, requestId } from '../support/world.ts';
import { commitsInMemory } from '../fuzz/commits-in-memory.ts';

const ledger = new Ledger();
grantLive(ledger, {}, 'bob', at('12:00'));
const { state } = ledger;
const { index } = state;
const bytes = ledger.candidates.at(-1)?.signed.bytes ?? new Uint8Array();
const armor = keyNamed(state.entry.executor).sign(bytes, LEDGER_NAMESPACE);
const files = ledgerFiles(state, bytes, armor);
const shelves = Object.entries(SHELVES) as unknown as readonly (readonly [ShelfName, ShelfKind<ShelfName>])[];

/** The index in the newest commit, as a machine reads it that knows only the head. */
async function readBack(tree: ReadonlyMap<string, Uint8Array | string>): Promise<OpenIndex | undefined> {
  const { repository, commits } = commitsInMemory([tree]);
  const [commit] = commits;
  if (commit === undefined) throw new TypeError('no commit');
  return (await stateAt(repository, providers, commit.oid, state))?.index;
}

describe.each(shelves)('%s', (name, kind) => {
  const held = index[name];

  it('lies below open/ under its own name, and has a schema that `schemas/` holds', () => {
    expect(kind.path).toMatch(/^open\/[a-z-]+\.json$/u);
    expect(kind.schema.$id).toBe(`${name}.schema.json`);
    expect(SCHEMAS[name]).toBe(kind.schema);
    const shipped = fileURLToPath(new URL(`../../schemas/${name}.schema.json`, import.meta.url));
    expect(JSON.stringify(JSON.parse(readFileSync(shipped, 'utf8')))).toBe(JSON.stringify(kind.schema));
  });

  it('is a file of the index while it holds something, and reads back as it is', () => {
    expect(held).not.toBeNull();
    const text = printIndex(index).get(kind.path) ?? '';
    expect(text).toMatch(/^\{.*\}\n$/u);
    expect(readShelf(name, Buffer.from(text))).toEqual(held);
    expect(codeOf(() => readShelf(name, Buffer.from('{"no field of any shelf":1}\n')))).toBe('E_LED_SHAPE');
    const without = { ...index, [name]: null };
    expect(printIndex(without).has(kind.path)).toBe(false);
    expect(indexDigest(without)).not.toBe(indexDigest(index));
    expect(
      kind.fold(null, [], { ...state.entry, main: null, policy: state.policy, key: state.key }),
    ).toBeNull();
  });

  it('counts by the bytes that it was read from', () => {
    if (held === null) throw new TypeError('nothing is held');
    const read = { ...held };
    asItWasRead(kind.path, read, Buffer.from('another spelling\n'));
    expect(indexDigest({ ...index, [name]: read })).not.toBe(indexDigest(index));
  });
});

describe('the index with what stands beside its records', () => {
  it('is the same files in every form', () => {
    for (const one of [index, { ...index, records: new Map() }, { ...NO_SHELVES, records: index.records }]) {
      expect(indexDigest(one)).toBe(treeDigest(printIndex(one)));
      expect(directoryId(openDirectory(one), MAIN)).toBe(gitTreeId(printIndex(one), MAIN));
    }
  });

  it('is read back from its commit, whole or not at all', async () => {
    expect(await readBack(files)).toEqual(index);
    for (const [, { path }] of shelves) {
      const less = new Map([...files].filter(([one]) => one !== path));
      expect(await readBack(less)).toBeUndefined();
    }
  });

  it('takes a record only from its own path', async () => {
    const [id] = index.records.keys();
    const path = `open/${String(id).slice(0, 8)}/${String(id)}.json`;
    const record = files.get(path) ?? '';
    const rest = [...files].filter(([one]) => one !== path);
    for (const other of [
      'open/record.json',
      'open/20261122/record.json',
      `open/20261121/${String(id)}.json`,
      `open/20261122/${requestId('20261122-dba-bbbbbb')}.json`,
    ]) {
      expect(await codeOfLater(readBack(new Map([...rest, [other, record]])))).toBe('E_LED_SHAPE');
      expect(await codeOfLater(readBack(new Map([...files, [other, record]])))).toBe('E_LED_SHAPE');
    }
  });
});
