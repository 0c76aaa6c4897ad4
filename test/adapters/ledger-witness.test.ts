/** The entries that approvals name, looked up below a verified head: near ones at once, far ones all the same. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Desk } from '../../src/flows/desk.ts';
import { entriesBelow, type Known, witnessesOf } from '../../src/flows/ledger/walk/witness.ts';
import { openRepository } from '../../src/git/repository.ts';
import type { Repository } from '../../src/model/git.ts';
import { writeLedger } from '../support/ledger-commits.ts';
import { longLedger } from '../support/long-ledger.ts';
import { tempDir } from './git-workbench.ts';

const ENTRIES = 700;

let long: ReturnType<typeof longLedger>;
let repository: Repository;
let from: Known;
/** How many commits were asked for, each time; `undefined` = all. */
let asked: (number | undefined)[] = [];
let desk: Desk;

beforeAll(async () => {
  long = longLedger(ENTRIES);
  const dir = join(tempDir(), 'ledger.git');
  writeLedger(dir, long.commits);
  repository = await openRepository(dir, { PATH: process.env['PATH'] });
  const commit = await repository.resolve('refs/heads/pam-ledger');
  if (commit === undefined) throw new Error('no ledger');
  from = { state: long.ledger.state, commit };
  const counting: Repository = {
    ...repository,
    history: async (tip, not, most) => {
      asked.push(most);
      return await repository.history(tip, not, most);
    },
  };
  // Looking up entries needs nothing else of the desk.
  desk = { repository: counting, remote: null } as Partial<Desk> as Desk;
});

async function look(seqs: readonly number[]): Promise<ReadonlyMap<number, string>> {
  asked = [];
  return await witnessesOf(desk, from, seqs);
}

describe('entries by number', () => {
  it.each([ENTRIES - 2, ENTRIES - 256, ENTRIES - 257, 300, 1, 0])('entry %d', async (seq) => {
    expect((await look([seq])).get(seq)).toBe(long.ledger.witnesses.get(seq));
  });

  it('a near one is found among the newest, whatever lies below', async () => {
    await look([ENTRIES - 100]);
    expect(asked).toEqual([256]);
  });

  it('one above the head is not there, and nothing is listed for it', async () => {
    expect(await look([ENTRIES])).toEqual(new Map());
    expect(asked).toEqual([]);
  });

  it('all of them, newest first, each once', async () => {
    const seqs: number[] = [];
    for await (const { entry, head } of entriesBelow(desk, from)) {
      expect(head).toBe(long.ledger.witnesses.get(entry.seq));
      seqs.push(entry.seq);
    }
    expect(seqs).toEqual(Array.from({ length: ENTRIES }, (_, at) => ENTRIES - 1 - at));
  });
});

describe('the newest commits', () => {
  it('are the end of the whole history, in its order', async () => {
    const whole = await repository.history(from.commit);
    expect(await repository.history(from.commit, [], 10)).toEqual(whole.slice(-10));
    const [first] = whole;
    expect(await repository.history(from.commit, first === undefined ? [] : [first.oid], 5000)).toEqual(
      whole.slice(1),
    );
  });
});
