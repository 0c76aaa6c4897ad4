/**
 * A policy of a higher version. What an earlier program must do with it is little, and fixed from the first release on
 * (DESIGN "Versions"): know it without reading its shape, append nothing, revoke what is past its end, and say so. Any
 * other behaviour would put entries on top of what it cannot read, which newer programs must call a fork.
 */
import type { Entry } from '../model/entry.ts';
import type { CommitInfo } from '../model/commit-log.ts';
import { gaveNoAnswer, PamError } from '../model/error.ts';
import { readable, type Repository } from '../model/git.ts';
import type { Oid } from '../model/names.ts';
import type { Files } from '../model/policy.ts';
import type { Finding } from '../rules/audit-entry.ts';
import { judgeNewer, KNOWN_VERSION, versionIn } from '../rules/judge-newer.ts';
import type { ChainState } from '../trust/chain-state.ts';
import { treeDigest } from '../trust/digest.ts';

export interface Newer {
  readonly commit: Oid;
  /** Number of the policy entry that brings it. */
  readonly seq: number;
  readonly version: number;
}

export const UPGRADE = 'upgrade pam on this machine; until then it appends nothing here and grants nothing';

/** For a run's troubles and for audit. */
export function tellNewer({ seq, version }: Newer): Finding {
  return {
    code: 'E_LED_VERSION',
    severity: 'error',
    seq,
    message: `from entry ${seq} on the ledger is of version ${version}, and this pam knows version ${KNOWN_VERSION}: ${UPGRADE}`,
  };
}

/** Of a version that is not known nothing is, so these are only bounds on what is read. */
const MOST_FILES = 64;
const FILE_BYTES = 1024 * 1024;
const TREES = { entries: MOST_FILES };

/** @returns the version, where this entry follows and brings a higher one than this program knows */
export async function newerVersion(
  repository: Repository,
  before: ChainState,
  entry: Entry,
  { tree }: CommitInfo,
): Promise<number | undefined> {
  const [event] = entry.events;
  if (event?.type !== 'policy' || entry.events.length !== 1) return undefined;
  const files = await allPolicyFiles(repository, tree);
  const version = files === undefined ? undefined : versionIn(files.get('pam.yaml'));
  if (files === undefined || version === undefined) return undefined;
  try {
    judgeNewer(before, entry, event, treeDigest(files));
    return version;
  } catch (error) {
    // Not signed by enough admins, say: then it is judged, and told, like any other policy entry.
    if (error instanceof PamError) return undefined;
    throw error;
  }
}

/** `pam.yaml` and everything in `policy/`; `undefined` where that is no set of plain files within the bounds. */
async function allPolicyFiles(repository: Repository, tree: Oid): Promise<Files | undefined> {
  try {
    const listed = [
      ...readable(await repository.names(tree, 'pam.yaml', TREES), 'pam.yaml'),
      ...readable(await repository.names(tree, 'policy', TREES), 'policy'),
    ];
    if (listed.length > MOST_FILES || listed.some(({ mode }) => mode !== '100644')) return undefined;
    const wanted = listed.map(({ path }) => ({ treeish: tree, path }));
    const blobs = await repository.read(wanted, FILE_BYTES);
    const files = new Map<string, Uint8Array>();
    for (const [at, { path }] of listed.entries()) {
      const bytes = blobs[at];
      if (!(bytes instanceof Uint8Array)) return undefined;
      files.set(path, bytes);
    }
    return files;
  } catch (error) {
    // A stranger's tree may hold anything.
    if (!(error instanceof PamError) || gaveNoAnswer(error)) throw error;
    return undefined;
  }
}
