/**
 * A lock file that saves work and carries no weight: a run that cannot get it goes on without, and what was written is
 * read back anyway. It holds `<pid> <host> <nonce>`. It is stale when that process is gone (same host) or when it is
 * older than 30 s by the file system's own clock; then it is taken over.
 */
import { randomUUID } from 'node:crypto';
import { lstat, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, isMissing } from './durable-file.ts';

const STALE_MS = 30_000;
const PAUSE_MS = 50;
const TRIES = 700;

export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${hostname()} ${randomUUID()}\n`;
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (await create(path, mine)) {
      try {
        return await work();
      } finally {
        if ((await contentOf(path)) === mine) await rm(path, { force: true });
      }
    }
    const content = await contentOf(path);
    const stale = content !== undefined && (isOrphan(content) || (tries % 20 === 0 && (await isOld(path))));
    if (stale) await rm(path, { force: true });
    else await sleep(PAUSE_MS);
  }
  return await work();
}

async function create(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx', mode: 0o644 });
    return true;
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) return false;
    throw cause;
  }
}

/** Locked by a process of this machine that no longer runs. */
function isOrphan(content: string): boolean {
  const [, pid, host] = /^([1-9][0-9]{0,9}) (\S+)/u.exec(content) ?? [];
  if (pid === undefined || host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (cause) {
    return hasCode(cause, 'ESRCH');
  }
}

async function isOld(path: string): Promise<boolean> {
  const probe = `${path}.${randomUUID()}`;
  try {
    await writeFile(probe, '', { flag: 'wx' });
    const [now, then] = await Promise.all([stat(probe), stat(path)]);
    return now.mtimeMs - then.mtimeMs > STALE_MS;
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw cause;
  } finally {
    await rm(probe, { force: true });
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    // A pipe in its place would keep us waiting; what is no file counts as a lock that another run holds.
    return (await lstat(path)).isFile() ? await readFile(path, 'utf8') : undefined;
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw cause;
  }
}
