/**
 * How often a command talks to its remote. Each conversation is a connection, 0.3 to 1.5 s over ssh, so they are counted
 * as git is asked for them: by a `git` in front of the real one that writes down its first word.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from './expectations.ts';
import { tempDir } from './program.ts';
import { type Actor, bench, type Bench, must } from './workbench.ts';

let team: Bench;
let path: string;
let log: string;

beforeAll(async () => {
  team = await bench({ remote: true });
  const dir = join(tempDir(), 'bin');
  log = join(dir, 'log');
  mkdirSync(dir);
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const script = `#!/bin/sh\nfor word; do case $word in ls-remote|fetch|push) echo $word >>'${log}';; esac; done\nexec ${real} "$@"\n`;
  writeFileSync(join(dir, 'git'), script);
  chmodSync(join(dir, 'git'), 0o755);
  path = `${dir}:${process.env['PATH'] ?? ''}`;
}, 120_000);

/** What it said to the remote, and what it printed. */
async function counted(
  who: Actor,
  args: readonly string[],
): Promise<{ readonly said: string; readonly out: string }> {
  writeFileSync(log, '');
  const { out } = await must(who.pam(args, { env: { PATH: path } }));
  return { said: readFileSync(log, 'utf8').trim().split('\n').join(' '), out };
}

describe('a life of one request, each in a clone of their own', () => {
  it('one fetch a command, and its pushes', async () => {
    const { dana, alice, bob, apply, sweep } = team;
    const said: Record<string, string> = {};
    const ran = async (name: string, who: Actor, args: readonly string[]): Promise<string> => {
      const { said: words, out } = await counted(who, args);
      said[name] = words;
      return out;
    };
    const wish = ['request', 'bastion-root', '--for', '30m', '--reason', 'to mend it', '--ticket', 'T-1'];
    const id = String(parse(await ran('request', dana, [...wish, '--json']))['id']);
    await ran('status with news', alice, ['status']);
    await ran('status', alice, ['status']);
    await ran('show', alice, ['show', id]);
    await ran('approve', alice, ['approve', id, '--yes']);
    await ran('merge', bob, ['merge', id]);
    await ran('plan', apply, ['plan']);
    await ran('apply', apply, ['apply']);
    await ran('apply, nothing to do', apply, ['apply']);
    await ran('first sweep', sweep, ['sweep']);
    await ran('sweep, nothing to do', sweep, ['sweep']);
    await ran('revoke', dana, ['revoke', id, '--yes', '--reason', 'done']);
    await ran('sweep with a stop', sweep, ['sweep']);
    expect(said).toEqual({
      request: 'fetch push',
      'status with news': 'fetch',
      status: 'fetch',
      show: 'fetch',
      approve: 'fetch push',
      merge: 'fetch push',
      plan: 'fetch',
      apply: 'fetch push push',
      'apply, nothing to do': 'fetch',
      // A machine that knows nothing yet cannot tell what it will ask.
      'first sweep': 'fetch ls-remote fetch',
      'sweep, nothing to do': 'fetch',
      revoke: 'fetch push',
      'sweep with a stop': 'fetch push push',
    });
  });
});
