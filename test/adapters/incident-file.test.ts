import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readIncident } from '../../src/documents/incident-file.ts';
import { openRepository } from '../../src/git/repository.ts';
import { fileIncidents } from '../../src/sources/file/file-incidents.ts';
import { commit, env, newRepository, oidOf, write } from './git-workbench.ts';

const incident = (id: string, status: string): string => `version: 1\nid: ${id}\nstatus: ${status}\n`;

it('only what says open is open, only a readable end is closed, the rest is unknown', async () => {
  const dir = newRepository();
  write(dir, 'incidents/INC-6.yaml/x', '');
  execFileSync('ln', ['-s', 'INC-1.yaml', join(dir, 'incidents/INC-7.yaml')]);
  const main = commit(dir, {
    'incidents/INC-1.yaml': incident('INC-1', 'open'),
    'incidents/INC-2.yaml': incident('INC-2', 'closed'),
    'incidents/INC-3.yaml': incident('INC-3', 'maybe'),
    'incidents/INC-4.yaml': incident('INC-1', 'open'),
    'incidents/INC-5.yaml': incident('INC-5', 'open') + ' '.repeat(20_000),
  });
  const repository = await openRepository(dir, env);
  const source = fileIncidents({ repository, main, readIncident });
  const states = async (...ids: string[]): Promise<string[]> =>
    (await Promise.all(ids.map(async (id) => await source.state(id)))).map(({ state }) => state);
  expect(await states('INC-1', 'INC-2', 'INC-9')).toEqual(['open', 'closed', 'closed']);
  expect(await states('INC-3', 'INC-4', 'INC-5', 'INC-6', 'INC-7')).toEqual(Array(5).fill('unknown'));
  expect(await states('../INC-1', '', 'a/b', '.x', 'x'.repeat(65))).toEqual(Array(5).fill('unknown'));
  expect(await fileIncidents({ repository, main: undefined, readIncident }).state('INC-2')).toMatchObject({
    state: 'unknown',
  });
  expect(
    await fileIncidents({ repository, main: oidOf('1'.repeat(40)), readIncident }).state('INC-2'),
  ).toMatchObject({
    state: 'unknown',
  });
});
