/** `runPam`: runs after each other and beside each other in one process, which do not see each other. */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { tempDir } from './program.ts';
import { beginHere, interruptRun } from './run-here.ts';
import { ask, bench, type Bench } from './workbench.ts';

const CUT_OFF =
  'error: interrupted: nothing was signed and nothing was changed [E_INTERRUPTED]\nhint: run it again; `pam status` says how things stand\n';

let team: Bench;
let id: string;
beforeAll(async () => {
  team = await bench({ remote: false });
  ({ id } = await ask(team.erin, 'web-restart', '--for', '5m'));
});

/** A `git` that says where it is begun, and never ends of itself. */
function endlessGit(): { readonly path: string; readonly begun: string } {
  const path = tempDir();
  const begun = join(path, 'begun');
  writeFileSync(join(path, 'git'), `#!/bin/sh\ntouch ${begun}\nexec sleep 100\n`);
  chmodSync(join(path, 'git'), 0o755);
  return { path, begun };
}

async function until(file: string): Promise<void> {
  while (!existsSync(file)) await sleep(5);
}

test('[X54] one is interrupted, another under way at the same time is not, nor is the next', async () => {
  const { dana, erin } = team;
  const { path, begun } = endlessGit();
  const slow = endlessGit();
  const cut = beginHere(['status'], {
    cwd: dana.clone,
    env: { ...dana.env, PATH: `${path}:${dana.env['PATH'] ?? ''}` },
  });
  // It waits for a program of its own while the other is interrupted, and is interrupted later.
  const waiting = beginHere(['show', id], {
    cwd: erin.clone,
    env: { ...erin.env, PATH: `${slow.path}:${erin.env['PATH'] ?? ''}` },
  });
  await Promise.all([begun, slow.begun].map(until));
  const beside = beginHere(['status', '--json'], { cwd: erin.clone, env: erin.env });
  interruptRun(cut.run);
  expect(await cut.ran).toEqual({ code: 130, signal: null, out: '', err: CUT_OFF });
  const { code, err, out } = await beside.ran;
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(JSON.parse(out)).toMatchObject({ schema: 'pam.status/1' });
  expect([waiting.run.heard, beside.run.heard]).toEqual([false, false]);
  interruptRun(waiting.run);
  expect(await waiting.ran).toEqual({ code: 130, signal: null, out: '', err: CUT_OFF });
  const next = await beginHere(['status'], { cwd: dana.clone, env: dana.env }).ran;
  expect({ code: next.code, err: next.err }).toEqual({ code: 0, err: '' });
  expect(next.out).toContain(id);
});

test('flags, streams, directory and environment of one are none of the other', async () => {
  const { dana, erin } = team;
  const elsewhere = tempDir();
  cpSync(dana.clone, join(elsewhere, 'clone'), { recursive: true });
  const [text, document, nowhere] = await Promise.all(
    [
      { args: ['-C', 'clone', 'status'], how: { cwd: elsewhere, env: dana.env } },
      { args: ['status', '--json', '--offline'], how: { cwd: erin.clone, env: erin.env } },
      { args: ['status'], how: { cwd: elsewhere, env: erin.env } },
    ].map(async ({ args, how }) => await beginHere(args, how).ran),
  );
  expect(text?.code).toBe(0);
  // Another clone has a memory of its own.
  expect(text?.err).toMatch(/^first use here: /u);
  expect(text?.out).toContain(id);
  expect(JSON.parse(document?.out ?? '')).toMatchObject({ schema: 'pam.status/1' });
  expect(nowhere).toMatchObject({ code: 1, out: '' });
  // Neither is `--json` of the run before: a sentence, no document.
  expect(nowhere?.err).toMatch(/^error: /u);
});

test('files are those of where a run stands, and it leaves nothing in its temporary directory', async () => {
  const { dana } = team;
  const elsewhere = tempDir();
  const tmp = join(elsewhere, 'tmp');
  mkdirSync(tmp);
  for (const name of ['dana', 'dana.pub']) cpSync(join(team.dir, 'keys', name), join(elsewhere, name));
  const how = { cwd: elsewhere, env: { ...dana.env, TMPDIR: tmp, PAM_KEY: 'dana' } };
  const at = ['-C', dana.clone];
  const wrote = await beginHere([...at, 'audit', '--write-checkpoint', 'here'], how).ran;
  expect({ code: wrote.code, err: wrote.err }).toEqual({ code: 0, err: '' });
  expect(JSON.parse(readFileSync(join(elsewhere, 'here'), 'utf8'))).toMatchObject({ seq: 1 });
  expect((await beginHere([...at, 'audit', '--since', 'here'], how).ran).code).toBe(0);
  const asked = ['request', 'web-restart', '--for', '5m', '--reason', 'to mend the checkout'];
  expect(await beginHere([...at, ...asked], how).ran).toMatchObject({ code: 0, err: '' });
  const unknown = await beginHere([...at, ...asked, '--key', 'nobody'], how).ran;
  expect(unknown.err).toContain(join(elsewhere, 'nobody'));
  expect(readdirSync(tmp)).toEqual([]);
});
