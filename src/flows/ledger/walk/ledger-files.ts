/** What one ledger commit holds: the entry, the policy that it follows or brings, and the index after it. */
import { POLICY_BYTES } from '../../../documents/yaml.ts';
import { EXIT, PamError } from '../../../model/error.ts';
import { isUnreadable, readable, type Repository } from '../../../model/git.ts';
import type { Oid } from '../../../model/names.ts';
import { type Files, POLICY_PATHS } from '../../../model/policy.ts';
import { openDirectory } from '../../../rules/print-index.ts';
import type { ChainState } from '../../../trust/chain-state.ts';
import { type Directory, directoryOf } from '../../../trust/git-tree-id.ts';

/** Exactly what a ledger commit holds: what writers make of an entry, and readers expect. */
export function ledgerDirectory(
  state: Pick<ChainState, 'policyFiles' | 'index'>,
  bytes: Uint8Array,
  armor: string,
): Directory {
  return new Map([
    ['entry.json', bytes],
    ['entry.json.sig', Buffer.from(armor, 'latin1')],
    ...policyDirectory(state.policyFiles),
    ...openDirectory(state.index),
  ]);
}

/** Throws where those files cannot be read, or are no policy: the caller decides what that means. */
export async function policyFilesOf(repository: Repository, treeish: Oid): Promise<Files> {
  const listed = [
    ...readable(await repository.names(treeish, 'policy', POLICY_TREES), 'policy'),
    ...readable(await repository.names(treeish, 'pam.yaml', POLICY_TREES), 'pam.yaml'),
  ];
  const odd = listed.find((one) => one.mode !== '100644' || !POLICY_PATHS.some((path) => path === one.path));
  if (odd !== undefined) {
    throw new PamError('E_POL_FILES', `${odd.path} (mode ${odd.mode}) does not belong to a policy`, {
      exit: EXIT.invalid,
    });
  }
  const blobs = await repository.read(
    POLICY_PATHS.map((path) => ({ treeish, path })),
    POLICY_BYTES,
  );
  return new Map(
    POLICY_PATHS.flatMap((path, at) => {
      const found = blobs[at];
      if (isUnreadable(found) && found.unreadable === 'E_GIT_SIZE') {
        const message = `${path} has more than the ${POLICY_BYTES} bytes that are allowed`;
        throw new PamError('E_YAML_SIZE', message, { exit: EXIT.invalid });
      }
      const bytes = readable(found, path);
      return bytes === undefined ? [] : [[path, bytes] as const];
    }),
  );
}

/** Any more than a handful of files is no policy. */
const POLICY_TREES = { entries: 64 };

const policyDirectories = new WeakMap<Files, Directory>();

/** Policy seldom changes, and its directories are as old as its files. */
function policyDirectory(files: Files): Directory {
  const known = policyDirectories.get(files) ?? directoryOf(files);
  policyDirectories.set(files, known);
  return known;
}
