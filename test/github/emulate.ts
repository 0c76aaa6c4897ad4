/** The package `emulate`, a GitHub double that nobody here wrote, as a process of its own on loopback. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../adapters/git-workbench.ts';

export interface Emulated {
  readonly url: string;
  readonly token: (login: string) => string;
  readonly close: () => void;
}

const SEED = `tokens:
  token-alice: { login: alice, scopes: [repo, user] }
  token-bob: { login: bob, scopes: [repo, user] }
  token-carol: { login: carol, scopes: [repo, user] }
  token-mallory: { login: mallory, scopes: [repo, user] }
github:
  users: [{ login: alice, name: Alice Ng }, { login: bob }, { login: carol }, { login: mallory }]
  orgs:
    - login: acme
      name: Acme
      members: [{ login: alice, role: admin }, { login: bob, role: admin }, { login: carol, role: admin }]
  repos: [{ owner: acme, name: access, auto_init: true, private: true, default_branch: main }]
`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => {
    server.close(done);
  });
  return port;
}

export async function startEmulate(): Promise<Emulated> {
  const seed = join(tempDir(), 'seed.yaml');
  writeFileSync(seed, SEED);
  const port = await freePort();
  const program = fileURLToPath(new URL('../../node_modules/.bin/emulate', import.meta.url));
  const child = spawn(
    process.execPath,
    [program, 'start', '-s', 'github', '-p', String(port), '--seed', seed],
    {
      stdio: 'ignore',
      cwd: dirname(seed),
      env: { PATH: process.env['PATH'] ?? '', HOME: dirname(seed) },
    },
  );
  const url = `http://127.0.0.1:${port}`;
  const close = (): void => {
    child.kill();
  };
  for (let left = 200; left > 0; left -= 1) {
    if (child.exitCode !== null) throw new Error(`emulate ended with ${child.exitCode}`);
    const up = await fetch(`${url}/rate_limit`).then(
      () => true,
      () => false,
    );
    if (up) return { url, token: (login) => `token-${login}`, close };
    await new Promise((again) => setTimeout(again, 100));
  }
  close();
  throw new Error('emulate did not start');
}
