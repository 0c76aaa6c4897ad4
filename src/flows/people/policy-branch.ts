/**
 * A change of policy on plain Git before main holds it: the work tree's commit, a branch, or `pam/policy-<seq>`, which the
 * first signer pushes for the others. Main is moved with the last signature, so grants never stop.
 */
import { isAbsolute, join, resolve as resolvePath } from 'node:path';
import { plainBytes } from '../../files/plain-file.ts';
import { expected, PamError } from '../../model/error.ts';
import { isUnreadable } from '../../model/git.ts';
import { isOid, type Oid } from '../../model/names.ts';
import type { Files } from '../../model/policy.ts';
import { treeDigest } from '../../trust/digest.ts';
import { type Desk, mainRef } from '../desk.ts';
import { type NewPolicy, policyOf, policyOnMain } from '../gather/policy-on-main.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import { policyFilesOf } from '../ledger/walk/ledger-files.ts';
import { commitNamed } from './check-file.ts';
import { isOfPolicy, policyHere } from './check-policy.ts';
import { moveMain } from './merge-request.ts';

export interface PolicyBranch {
  readonly commit: Oid;
  /** As people call it: a branch, or a shortened commit id. */
  readonly name: string;
  readonly found: NewPolicy;
}

export const policyBranch = (seq: number): string => `pam/policy-${seq}`;

/** What waits to be signed without being named; `undefined` where there is nothing. */
export async function policyToCome(desk: Desk, view: LedgerView): Promise<PolicyBranch | undefined> {
  const seq = (view.state.index.beats?.policy.seq ?? 0) + 1;
  const head = await headOf(desk);
  const mine = head === undefined ? undefined : await ahead(desk, view, head, `commit ${head.slice(0, 12)}`);
  const others = await pushedByOthers(desk, view, policyBranch(seq), mine !== undefined);
  if (mine !== undefined && others !== undefined && mine.found.digest !== others.found.digest)
    throw new PamError('E_USAGE', `${mine.name} here and ${others.name} hold different policies`, {
      hint: `name the one that you mean: pam ratify ${others.name}, or pam ratify <your branch>`,
    });
  const one = others ?? mine;
  if (one === undefined && head !== undefined) await needCommitted(desk, head);
  return one;
}

/** @param elsewhere there is another policy to sign, and junk under this name does not keep an admin from it */
async function pushedByOthers(
  desk: Desk,
  view: LedgerView,
  branch: string,
  elsewhere: boolean,
): Promise<PolicyBranch | undefined> {
  try {
    const pushed = await remoteBranch(desk, branch);
    return pushed === undefined ? undefined : await ahead(desk, view, pushed, branch);
  } catch (cause) {
    const { code, message, hint } = expected(cause);
    const why = `the branch ${branch} cannot be signed: ${message}`;
    if (!elsewhere) throw new PamError(code, why, hint === undefined ? {} : { hint });
    desk.note(`${why} [${code}]; it is passed over`);
    return undefined;
  }
}

/** @param name a branch here or at the remote, or a whole commit id */
export async function policyNamed(
  desk: Desk,
  view: LedgerView,
  name: string,
): Promise<PolicyBranch | undefined> {
  if ((await policyOnMain(desk, view)) !== undefined)
    throw new PamError('E_USAGE', 'main holds a policy that is not in force yet', {
      hint: 'that one comes first: pam ratify signs it, and once it is signed pam apply puts it in force',
    });
  const commit = (await commitNamed(desk, name)) ?? (await remoteBranch(desk, name));
  if (commit === undefined)
    throw new PamError('E_USAGE', `there is no branch or commit ${JSON.stringify(name)}`, {
      hint: 'give a branch of this clone or of its remote, or nothing at all for the commit that is checked out',
    });
  return await ahead(desk, view, commit, isOid(name) ? `commit ${name.slice(0, 12)}` : name);
}

/** Fetched, for another clone may have pushed it a moment ago. */
async function remoteBranch(desk: Desk, branch: string): Promise<Oid | undefined> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}$/u.test(branch)) return undefined;
  if (desk.remote === null) return await desk.repository.resolve(`refs/heads/${branch}`);
  const ref = `refs/remotes/${desk.remote.name}/${branch}`;
  const remote = await desk.remote.open();
  const there = (await remote.list([`refs/heads/${branch}`])).get(`refs/heads/${branch}`);
  if (there === undefined) return undefined;
  if ((await desk.repository.resolve(ref)) !== there) {
    const [missed] = await remote.fetch([`+refs/heads/${branch}:${ref}`]);
    if (missed !== undefined) throw missed.why;
  }
  return await desk.repository.resolve(ref);
}

/** The commit that is checked out, of a linked work tree too. */
async function headOf({ repository }: Desk): Promise<Oid | undefined> {
  const { workTree } = repository;
  if (workTree === null) return undefined;
  const link = plainBytes(join(workTree, '.git'), 4096)?.toString('utf8');
  const named = link === undefined ? undefined : /^gitdir: (.+?)\r?\n?$/u.exec(link)?.[1];
  const directory =
    named === undefined ? repository.gitDir : isAbsolute(named) ? named : resolvePath(workTree, named);
  const head = plainBytes(join(directory, 'HEAD'), 4096)?.toString('utf8').trim() ?? '';
  if (isOid(head)) return head;
  const branch = /^ref: (refs\/heads\/[A-Za-z0-9][A-Za-z0-9._/-]{0,200})$/u.exec(head)?.[1];
  return branch === undefined ? undefined : await repository.resolve(branch);
}

/** `undefined` where main has that commit already, or it holds the policy in force. */
async function ahead(
  desk: Desk,
  view: LedgerView,
  commit: Oid,
  name: string,
): Promise<PolicyBranch | undefined> {
  const { repository } = desk;
  const main = await repository.resolve(mainRef(desk, view.state.policy.config));
  if (main === undefined || (await repository.isAncestor(commit, main))) return undefined;
  const found = policyOf(desk, view, await policyFilesOf(repository, commit));
  if (found === undefined) return undefined;
  // What others changed on main since would be taken back by a branch that began before.
  const base = await repository.mergeBase(main, commit);
  const before = base === undefined ? undefined : treeDigest(await policyFilesOf(repository, base));
  if (before !== treeDigest(await policyFilesOf(repository, main)))
    throw new PamError('E_USAGE', `${name} began before the policy that main holds`, {
      hint: `bring it up to date, and ratify then: git rebase ${desk.remote === null ? '' : `${desk.remote.name}/`}${view.state.policy.config.main}`,
    });
  return { commit, name, found };
}

/** An admin who edited policy and ratifies means that; only commits are signed. */
async function needCommitted(desk: Desk, head: Oid): Promise<void> {
  const here = policyHere(desk);
  if (here === undefined || here.issues.length > 0) return;
  if (treeDigest(here.files) === treeDigest(await policyFilesOf(desk.repository, head))) return;
  throw new PamError('E_USAGE', 'the change of policy in this work tree is not committed', {
    hint: 'git commit it, and pam ratify signs that commit before it is pushed; pam check looks at it as it is',
  });
}

const TRIES = 6;

/** Why the local checkout was left as it is; `null` when it came along. */
export async function bringToMain(
  desk: Desk,
  view: LedgerView,
  { commit, found: { seq, files } }: PolicyBranch,
  author: string,
  beside: readonly { readonly oid: Oid; readonly ref: string }[],
): Promise<string | null> {
  const { config, digest } = view.state.policy;
  const ref = mainRef(desk, config);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const main = await desk.repository.resolve(ref);
    if (main === undefined) break;
    if (treeDigest(await policyFilesOf(desk.repository, main)) !== digest) break;
    const next = await commitOnMain(desk, main, { commit, seq, files, author });
    const moved = await moveMain(desk, config.main, ref, next, main, beside);
    if (moved !== undefined) return moved.left;
    await desk.pause(desk.chance() * 200 * 2 ** attempt);
    if (desk.remote !== null) await (await desk.remote.open()).fetch([`+refs/heads/${config.main}:${ref}`]);
  }
  throw new PamError('E_RACE_LOST', 'main moved, or the remote refused the push', {
    hint: 'run it again; may you push to main there?',
  });
}

/** The commit itself where it brings nothing but policy and main has not moved; else a new one on main with its policy alone. */
async function commitOnMain(
  desk: Desk,
  main: Oid,
  {
    commit,
    seq,
    files,
    author,
  }: { readonly commit: Oid; readonly seq: number; readonly files: Files; readonly author: string },
): Promise<Oid> {
  const { repository } = desk;
  const base = await repository.mergeBase(main, commit);
  const only = base !== undefined && (await bringsOnlyPolicy(desk, base, commit));
  if (only && base === main) return commit;
  return await repository.writeCommit({
    parents: only ? [main, commit] : [main],
    base: main,
    files,
    message: `${only ? 'Merge policy' : 'Policy'} ${seq}\n`,
    author,
    at: desk.clock(),
  });
}

async function bringsOnlyPolicy({ repository }: Desk, base: Oid, commit: Oid): Promise<boolean> {
  const [before, after] = [await repository.names(base, ''), await repository.names(commit, '')];
  if (isUnreadable(before) || isUnreadable(after)) return false;
  const told = (entries: typeof before): string =>
    entries
      .filter(({ path }) => !isOfPolicy(path) && !path.startsWith('policy-tests/'))
      .map(({ mode, path, oid }) => `${mode} ${oid} ${path}`)
      .join('\n');
  return told(before) === told(after);
}
