/** A policy before it is signed: as the work tree holds it, and as main does. */
import { join } from 'node:path';
import { readNewPolicy } from '../../documents/policy-files.ts';
import { POLICY_BYTES } from '../../documents/yaml.ts';
import { entriesOf, readPlainFile } from '../../files/plain-file.ts';
import { EXIT, expected, type Issue, PamError } from '../../model/error.ts';
import { type Files, POLICY_PATHS } from '../../model/policy.ts';
import { treeDigest } from '../../trust/digest.ts';
import { type Desk, mainRef } from '../desk.ts';
import { policyFilesOf } from '../ledger/walk/ledger-files.ts';

export interface CheckedPolicy {
  readonly issues: readonly Issue[];
  /** What an admin should know before signing; codes begin with `W_`. */
  readonly warnings: readonly Issue[];
}

/** Is this a path of the work tree (with `/`) whose file belongs to policy? */
export const isOfPolicy = (path: string): boolean =>
  path === 'pam.yaml' || path === 'policy' || path.startsWith('policy/');

/** Of both, so that a typo is met before it is pushed. A place without a work tree, or without policy in it, has main alone. */
export async function checkPolicy(desk: Desk): Promise<CheckedPolicy> {
  const here = policyHere(desk);
  const main =
    (await desk.repository.resolve(mainRef(desk, desk.hint))) ??
    (await desk.repository.resolve(`refs/heads/${desk.hint.main}`));
  if (main === undefined && here === undefined)
    throw new PamError('E_POL_MISSING', `there is no branch ${desk.hint.main}`, {
      exit: EXIT.invalid,
      hint: 'go to a clone of the access repository, or make a new one with `pam init`',
    });
  const local = here === undefined ? NOTHING : judged(desk, here);
  if (main === undefined) return local;
  const onMain = await policyOf(desk, main);
  if (here !== undefined && !('issues' in onMain) && treeDigest(onMain) === treeDigest(here.files))
    return local;
  const there = 'issues' in onMain ? onMain : judged(desk, { files: onMain, issues: [] });
  if (here === undefined) return there;
  const onBranch = (issue: Issue): Issue => ({ ...issue, file: `${desk.hint.main}:${issue.file}` });
  return {
    issues: [...local.issues, ...there.issues.map(onBranch)],
    warnings: [...local.warnings, ...there.warnings.map(onBranch)],
  };
}

/** Of the work tree alone; the same as `checkPolicy` where there is none. */
export async function checkPolicyHere(desk: Desk): Promise<CheckedPolicy> {
  const here = policyHere(desk);
  return here === undefined ? await checkPolicy(desk) : judged(desk, here);
}

const NOTHING: CheckedPolicy = { issues: [], warnings: [] };

async function policyOf(
  desk: Desk,
  commit: Parameters<typeof policyFilesOf>[1],
): Promise<Files | CheckedPolicy> {
  try {
    return await policyFilesOf(desk.repository, commit);
  } catch (cause) {
    return faultsIn(cause);
  }
}

interface PolicyHere {
  readonly files: Files;
  /** Files that cannot be read: they may have been made links or pipes. */
  readonly issues: readonly Issue[];
}

/** What would be committed; `undefined` where there is no file of a policy. */
export function policyHere({ repository: { workTree } }: Desk): PolicyHere | undefined {
  if (workTree === null) return undefined;
  const files = new Map<string, Uint8Array>();
  const issues: Issue[] = [];
  const others = entriesOf(join(workTree, 'policy')).map(({ name }) => `policy/${name}`);
  for (const path of new Set([...POLICY_PATHS, ...others])) {
    const known = POLICY_PATHS.some((one) => one === path);
    const file = readPlainFile(join(workTree, path), POLICY_BYTES, workTree);
    if (file.state === 'read') files.set(path, file.bytes);
    else if (file.state === 'unreadable')
      issues.push({
        file: path,
        code: 'E_POL_FILES',
        message: known ? `the file ${file.why}` : 'this file does not belong to a policy',
      });
  }
  return files.size + issues.length === 0 ? undefined : { files, issues };
}

function judged(desk: Desk, { files, issues }: PolicyHere): CheckedPolicy {
  if (issues.length > 0) return { issues, warnings: [] };
  try {
    const { warnings } = readNewPolicy(files, treeDigest(files), desk.providers, desk.clock());
    return { issues: [], warnings };
  } catch (cause) {
    return faultsIn(cause);
  }
}

function faultsIn(cause: unknown): CheckedPolicy {
  const { code, message, issues } = expected(cause);
  return { issues: issues.length > 0 ? issues : [{ file: 'policy', code, message }], warnings: [] };
}
