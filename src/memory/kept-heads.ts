/**
 * What this machine remembers of an access repository, outside every clone: the pinned trust root and the newest
 * ledger head that it verified. Files below `$XDG_STATE_HOME/pam/<hash of the place>/`:
 *
 *   place                  the remote URL, or the real path of a lone clone's git directory
 *   root                   the pinned trust root
 *   head.json (+ .sig)     `pam.checkpoint/1`; an executor's is signed with its own key and any other is ignored
 *   head.commit            where that entry was found: a hint, never trusted
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOid, isSha256, type Oid, type Sha256 } from '../model/names.ts';
import { sha256 } from '../trust/digest.ts';

export interface KeptHead {
  readonly text: string;
  readonly signature: string | null;
  readonly commit: Oid | null;
}

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
  /** `owner`: an executor's name, or `person`. */
  readonly keptHead: (owner: string) => Promise<KeptHead | undefined>;
  readonly keepHead: (owner: string, kept: KeptHead) => Promise<void>;
}

export function memoryOf(stateHome: string, place: string): Memory {
  const directory = join(stateHome, 'pam', sha256(place).slice('sha256:'.length, 'sha256:'.length + 16));
  const read = (name: string): string | undefined => {
    try {
      return readFileSync(join(directory, name), 'utf8');
    } catch {
      // Absent or unreadable: then this machine remembers nothing, and says so where that matters.
      return undefined;
    }
  };
  const write = (name: string, text: string): void => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const temporary = join(directory, `.${name}.${randomBytes(6).toString('hex')}`);
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, join(directory, name));
  };
  return {
    directory,
    pinnedRoot: async () => {
      const root = read('root')?.trim();
      return root !== undefined && isSha256(root) ? root : undefined;
    },
    pinRoot: async (root) => {
      write('place', `${place}\n`);
      write('root', `${root}\n`);
    },
    branches: async () => {
      const [main, ledger] = read('branches')?.trim().split(' ') ?? [];
      return main === undefined || ledger === undefined ? undefined : { main, ledger };
    },
    keepBranches: async ({ main, ledger }) => {
      const text = `${main} ${ledger}\n`;
      if (read('branches') !== text) write('branches', text);
    },
    keptHead: async (owner) => {
      const text = read(`${owner}.head.json`);
      if (text === undefined) return undefined;
      const commit = read(`${owner}.head.commit`)?.trim() ?? '';
      return {
        text,
        signature: read(`${owner}.head.json.sig`) ?? null,
        commit: isOid(commit) ? commit : null,
      };
    },
    keepHead: async (owner, kept) => {
      if (kept.signature !== null) write(`${owner}.head.json.sig`, kept.signature);
      write(`${owner}.head.json`, kept.text);
      if (kept.commit !== null) write(`${owner}.head.commit`, `${kept.commit}\n`);
    },
  };
}
