/**
 * A remote that is far away: the machine's own sshd on the loopback, each connection of which begins 300 ms late. And an
 * earlier build of `pam`, made beside this one, so that both are measured in the same rounds.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { must, PLACE, PROJECT, run } from './measure.ts';

export interface Far {
  readonly urlOf: (path: string) => string;
  /** For git: a key, and a file of known hosts, of the bench's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly stop: () => void;
}

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd'];

/** `undefined`: this machine has no sshd, or it does not start here. */
export async function farRemote(delaySeconds: number): Promise<Far | undefined> {
  const sshd = SSHD.find((path) => existsSync(path));
  if (sshd === undefined) return undefined;
  const place = join(PLACE, 'sshd');
  mkdirSync(place, { mode: 0o700 });
  const file = (name: string, text: string, mode = 0o600): string => {
    writeFileSync(join(place, name), text, { mode });
    return join(place, name);
  };
  for (const name of ['host', 'user'])
    await must(run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(place, name)]));
  const port = await freePort();
  const late = `#!/bin/sh\nsleep ${delaySeconds}\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n`;
  const config = file(
    'config',
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${join(place, 'host')}
PidFile none
AuthorizedKeysFile ${join(place, 'user.pub')}
PubkeyAuthentication yes
PasswordAuthentication no
StrictModes no
UsePAM no
PermitRootLogin yes
MaxStartups 100
ForceCommand ${file('late', late, 0o700)}
`,
  );
  // Sshd wants it where it runs as root.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  const child = spawn(sshd, ['-D', '-e', '-f', config], { stdio: 'ignore' });
  const stop = (): void => void child.kill();
  process.once('exit', stop);
  const ssh = `ssh -F none -p ${port} -i ${join(place, 'user')} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=${join(place, 'known')} -o LogLevel=ERROR`;
  const user = userInfo().username;
  const answers = await answersAt(child, `${ssh} ${user}@127.0.0.1 true`);
  if (!answers) stop();
  return answers
    ? { urlOf: (path) => `ssh://${user}@127.0.0.1:${port}${path}`, env: { GIT_SSH_COMMAND: ssh }, stop }
    : undefined;
}

async function answersAt(child: ChildProcess, command: string): Promise<boolean> {
  for (let tries = 0; tries < 20 && child.exitCode === null; tries++) {
    if ((await run('sh', ['-c', command])).code === 0) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address !== null && typeof address === 'object' ? address.port : 0;
}

/** `bin/pam.js` of that commit, built with the modules that are here; `undefined` where this clone lacks the commit. */
export async function earlierPam(commit: string): Promise<string | undefined> {
  const place = join(PLACE, `pam-${commit}`);
  const archive = join(PLACE, `pam-${commit}.tar`);
  const made = await run('git', ['-C', PROJECT, 'archive', '-o', archive, commit]);
  if (made.code !== 0) return undefined;
  mkdirSync(place);
  await must(run('tar', ['-xf', archive, '-C', place]));
  symlinkSync(join(PROJECT, 'node_modules'), join(place, 'node_modules'));
  await must(run('npm', ['run', '--silent', 'build'], { cwd: place }));
  return join(place, 'bin', 'pam.js');
}
