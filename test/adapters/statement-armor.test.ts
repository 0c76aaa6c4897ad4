/** Statement branches that a person pushed by hand, in a real repository: what is read is what ssh-keygen takes. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { branchPlace } from '../../src/forges/branch-place.ts';
import { statementBranch, statementBranches } from '../../src/forges/statement-branches.ts';
import { openRepository } from '../../src/git/repository.ts';
import { writeObject, writeRef, writeTree } from '../fuzz/loose-objects.ts';
import { keyNamed } from '../support/world.ts';
import { env, git, tempDir } from './git-workbench.ts';

const TOPIC = '20261122-reader-abcdef';

describe('[X41] an armor on a statement branch', () => {
  it('is read in the one spelling, however it was pushed; what is none stays as it is', async () => {
    const work = tempDir();
    git(work, 'init', '-q', '-b', 'main');
    const dir = join(work, '.git');
    const armor = keyNamed('bob').sign('the text\n', 'pam-approval-v1');
    const pushed = {
      'as it is\n': armor,
      'converted\n': armor.replaceAll('\n', '\r\n'),
      'pasted\n': `\n${armor}\n`,
      'none\n': 'no armor\n',
    };
    for (const [text, sig] of Object.entries(pushed)) {
      const tree = writeTree(dir, [
        { mode: '100644', name: 'statement', oid: writeObject(dir, 'blob', text) },
        { mode: '100644', name: 'statement.sig', oid: writeObject(dir, 'blob', sig) },
      ]);
      const commit = git(work, 'commit-tree', '-m', 'by hand', tree).trim();
      writeRef(dir, `refs/heads/${statementBranch(TOPIC, text)}`, commit);
    }
    const repository = await openRepository(work, env);
    const branches = statementBranches(repository, branchPlace(repository, undefined), () => 0);
    const found = (await branches.find([TOPIC])).get(TOPIC) ?? [];
    const read = Object.fromEntries(found.map(({ signed }) => [signed?.text, signed?.armor]));
    expect(read).toEqual({
      'as it is\n': armor,
      'converted\n': armor,
      'pasted\n': armor,
      'none\n': 'no armor\n',
    });
    const name = statementBranch(TOPIC, 'converted\n');
    expect(await branches.holds(name, { text: 'converted\n', armor })).toBe(true);
  });
});
