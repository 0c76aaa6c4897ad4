/**
 * A policy of a higher version. What an earlier program must do with it is little, and fixed from the first release on
 * (DESIGN "Versions"): know it without reading its shape, append nothing, revoke what is past its end, and say so. Any
 * other behaviour would put entries on top of what it cannot read, which newer programs must call a fork.
 */
import type { Entry } from '../../../model/entry.ts';
import type { CommitInfo } from '../../../model/commit-log.ts';
import type { Reason } from '../../../model/decision.ts';
import { EXIT, expected, gaveNoAnswer, PamError } from '../../../model/error.ts';
import { readable, type Repository } from '../../../model/git.ts';
import type { Oid } from '../../../model/names.ts';
import type { Files } from '../../../model/policy.ts';
import type { Finding } from '../../../rules/audit-entry.ts';
import { judgeNewer, KNOWN_VERSION, versionIn } from '../../../rules/judge-newer.ts';
import type { ChainState } from '../../../trust/chain-state.ts';
import { treeDigest } from '../../../trust/digest.ts';

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

/** For what people sign and merge, but for stops: what a later version asks of it is not known here. */
export function needKnownVersion({ troubles }: { readonly troubles: readonly Reason[] }): void {
  const newer = troubles.find(({ code }) => code === 'E_LED_VERSION');
  if (newer === undefined) return;
  throw new PamError(newer.code, `nothing was signed, a newer pam is needed: ${newer.message}`, {
    exit: EXIT.integrity,
    hint: 'stops work all the same: pam deny <id>',
  });
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
    expected(error);
    return undefined;
  }
}

/**
 * The version of a ledger that was begun by a newer program, where it is a higher one: the entry is known by its
 * digest, and holds that of the files beside it, whatever else its shape may be.
 */
export async function bornNewer(
  repository: Repository,
  entry: string,
  tree: Oid,
): Promise<number | undefined> {
  const files = await allPolicyFiles(repository, tree);
  if (files === undefined || !entry.includes(`"${treeDigest(files)}"`)) return undefined;
  return versionIn(files.get('pam.yaml'));
}

export const newerBeginning = (version: number): PamError =>
  new PamError(
    'E_LED_VERSION',
    `the ledger was begun with version ${version}, and this pam knows version ${KNOWN_VERSION}: a newer pam is needed`,
    { exit: EXIT.integrity, hint: 'upgrade pam on this machine' },
  );

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
