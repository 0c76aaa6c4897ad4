/**
 * What this machine remembers, outside every clone: the pinned trust root of each place, and the newest ledger head that
 * it verified of each root. Files below `$XDG_STATE_HOME/pam/`:
 *
 *   <hash of the place>/place     the remote's URL without user, password and query, or a lone clone's git directory
 *   <hash of the place>/root      the pinned trust root
 *   <hash of the place>/branches  names of main and ledger as the verified policy has them
 *   heads/<root>/<owner>.head.json (+ .sig)   `pam.checkpoint/1`; an executor's is signed with its own key
 *   heads/<root>/<owner>.head.commit          where that entry was found: a hint, never trusted
 *   heads/<root>/<executor>.notices.json      what an executor told people without an entry that says so
 *
 * What cannot be read (a link, a pipe, junk, too large) is as if it were absent, and that is told.
 */
import { join } from 'node:path';
import { readPlainFile } from '../files/plain-file.ts';
import { isSha256, type Sha256 } from '../model/names.ts';
import { directoryOf, plainPlace, takeOverHeads, takeOverPin } from './earlier-memory.ts';
import { headIn, headsOf, type KeptHead, rootIn, write, writeHead } from './head-files.ts';

export interface Branches {
  readonly main: string;
  readonly ledger: string;
}

export interface Memory {
  readonly directory: string;
  readonly pinnedRoot: () => Promise<Sha256 | undefined>;
  readonly pinRoot: (root: Sha256) => Promise<void>;
  /** Names of main and ledger as the verified policy has them. */
  readonly branches: () => Promise<Branches | undefined>;
  readonly keepBranches: (branches: Branches) => Promise<void>;
  /**
   * @param owner an executor's name, or `person`
   * @param root of which ledger; without it, of the one that is pinned here
   */
  readonly keptHead: (owner: string, root?: Sha256) => Promise<KeptHead | undefined>;
  readonly keepHead: (owner: string, kept: KeptHead) => Promise<void>;
  /** What an executor told people, as it wrote it down. */
  readonly keptNotices: (executor: string, root: Sha256) => Promise<string | undefined>;
  readonly keepNotices: (executor: string, root: Sha256, text: string) => Promise<void>;
}

/** Any file of ours is far smaller. */
const MAX_BYTES = 64 * 1024;
/** But for the one that grows with the requests that are open. */
const MAX_NOTICES_BYTES = 1024 * 1024;

const noticesOf = (home: string, root: Sha256, executor: string): string =>
  join(headsOf(home, root), `executor.${executor}.notices.json`);

/** @param url the remote's, or the real path of a lone clone's git directory */
export function memoryOf(
  stateHome: string,
  url: string,
  note: (line: string) => void = () => undefined,
): Memory {
  const home = join(stateHome, 'pam');
  const place = plainPlace(url);
  const directory = directoryOf(home, place);
  const read = (path: string, maxBytes = MAX_BYTES): string | undefined => {
    const file = readPlainFile(path, maxBytes);
    if (file.state === 'unreadable')
      note(`what this machine remembers at ${path} ${file.why}, and is ignored`);
    return file.state === 'read' ? file.bytes.toString('utf8') : undefined;
  };
  const text = (name: string): string | undefined => read(join(directory, name))?.trim();
  const pinned = (): Sha256 | undefined => {
    takeOverPin({ home, url, read });
    const root = text('root');
    return root !== undefined && isSha256(root) ? root : undefined;
  };
  return {
    directory,
    pinnedRoot: async () => pinned(),
    pinRoot: async (root) => {
      write(join(directory, 'place'), `${place}\n`);
      write(join(directory, 'root'), `${root}\n`);
    },
    branches: async () => {
      const [main, ledger] = text('branches')?.split(' ') ?? [];
      return main === undefined || ledger === undefined ? undefined : { main, ledger };
    },
    keepBranches: async ({ main, ledger }) => {
      if (text('branches') !== `${main} ${ledger}`) write(join(directory, 'branches'), `${main} ${ledger}\n`);
    },
    keptHead: async (owner, given) => {
      const root = given ?? pinned();
      if (root === undefined) return undefined;
      takeOverHeads({ home, owner, root, read });
      return headIn(headsOf(home, root), owner, read);
    },
    keepHead: async (owner, kept) => {
      const root = rootIn(kept.text);
      if (root !== undefined) writeHead(headsOf(home, root), owner, kept);
    },
    keptNotices: async (executor, root) => read(noticesOf(home, root, executor), MAX_NOTICES_BYTES),
    keepNotices: async (executor, root, told) => write(noticesOf(home, root, executor), told),
  };
}
