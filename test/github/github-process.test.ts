import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { git, newRepository, tempDir } from '../adapters/git-workbench.ts';
import { startGithubProcess } from './github-process.ts';

test('a program is answered while the test waits for it; the door is reached by messages', async () => {
  const seed = newRepository();
  const bare = join(tempDir(), 'access.git');
  git(seed, 'clone', '-q', '--bare', seed, bare);
  const hub = await startGithubProcess({
    bare,
    owner: 'acme',
    repo: 'access',
    accounts: { alice: { id: 1001 } },
  });
  const token = await hub.call('token', 'alice');
  const program = `const r = await fetch(process.argv[1] + '/user', { headers: { authorization: 'Bearer ' + process.argv[2] } });
    console.log((await r.json()).id);`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', program, hub.url, token], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect(said.trim()).toBe('1001');
  const [asked] = await hub.call('requests');
  expect(asked).toMatchObject({ operation: 'users/get-authenticated', status: 200 });
  expect(asked?.authorization).toBe(await hub.call('digestOf', token));
  await expect(hub.call('merge', 7)).rejects.toThrow('there is no pull request 7');
  await hub.close();
});
