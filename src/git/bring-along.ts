/** After `pam merge`: brings a clean, checked-out branch along; leaves anything else exactly as it is and says why. */
import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { plainBytes } from '../files/plain-file.ts';
import type { Repository } from '../model/git.ts';
import type { Oid } from '../model/names.ts';
import { run } from '../process/run.ts';
import { checkRef } from './ref-names.ts';
import { localEnvironment, said, seal, type Environment, type Sealed } from './sealed.ts';

export type BroughtAlong = { readonly state: 'moved' } | { readonly state: 'left'; readonly why: string };

export interface Along {
  /** `refs/heads/main` */
  readonly branch: string;
  readonly from: Oid;
  readonly to: Oid;
}

const left = (why: string): BroughtAlong => ({ state: 'left', why });
const UNFINISHED = [
  'MERGE_HEAD',
  'CHERRY_PICK_HEAD',
  'REVERT_HEAD',
  'rebase-merge',
  'rebase-apply',
  'index.lock',
];

/**
 * Fast-forwards `branch`, its index and its work tree from `from` to `to`. Hooks, filters and the clone's settings have
 * no part in it. Work tree first checked, then the ref moved (compare-and-swap), then the files written.
 */
export async function bringAlong(
  repository: Repository,
  env: Environment,
  along: Along,
): Promise<BroughtAlong> {
  const { workTree } = repository;
  checkRef(along.branch);
  if (workTree === null) return left('this clone has no work tree');
  const ownDir = await ownGitDir(repository, workTree, env);
  if (ownDir === undefined || !existsSync(join(workTree, '.git')))
    return left('its work tree lies elsewhere');
  if (headOf(ownDir) !== `ref: ${along.branch}`) return left('another branch is checked out');
  if ((await repository.resolve(along.branch)) !== along.from)
    return left('the local branch is somewhere else');
  if (UNFINISHED.some((name) => existsSync(join(ownDir, name))))
    return left('another git operation is going on');
  if (!(await repository.isAncestor(along.from, along.to))) return left('that is not a fast-forward');

  if (lstatSync(join(ownDir, 'index'), { throwIfNoEntry: false })?.isFile() === false)
    return left('its index is no regular file');

  const sealed = seal({ gitDir: repository.gitDir, workTree, objectFormat: formatOf(along.to) }, env);
  const files = { GIT_WORK_TREE: workTree, GIT_INDEX_FILE: join(ownDir, 'index') };
  const dirty = await whyDirty(sealed, files, along.from);
  if (dirty !== undefined) return left(dirty);
  const checkout = ['read-tree', '-m', '-u', along.from, along.to];
  const dry = await sealed.git([...checkout.slice(0, 1), '-n', ...checkout.slice(1)], { env: files });
  if (dry.code !== 0) return left(`the work tree is in the way${said(dry.stderr)}`);
  if (!(await repository.moveRef(along.branch, along.to, along.from)))
    return left('the local branch just moved');
  const done = await sealed.git(checkout, { env: files });
  if (done.code === 0) return { state: 'moved' };
  await repository.moveRef(along.branch, along.from, along.to);
  return left(`the files could not be written${said(done.stderr)}`);
}

/** Untracked files are no obstacle unless the new tree has one of them; `read-tree` looks at that. */
async function whyDirty(
  sealed: Sealed,
  env: Readonly<Record<string, string>>,
  from: Oid,
): Promise<string | undefined> {
  // Exit code 1 only says that something changed; the next two say what.
  await sealed.git(['update-index', '-q', '--refresh'], { env });
  const staged = await sealed.git(['diff-index', '--cached', '--quiet', '--no-ext-diff', from, '--'], {
    env,
  });
  if (staged.code === 1) return 'there are staged changes';
  if (staged.code !== 0) return `its index cannot be read${said(staged.stderr)}`;
  const changed = await sealed.git(
    ['diff-files', '--no-ext-diff', '--no-textconv', '--ignore-submodules', '--name-only', '-z'],
    { env },
  );
  if (changed.code !== 0) return `its work tree cannot be read${said(changed.stderr)}`;
  if (changed.stdout.length > 0) return 'there are uncommitted changes';
  return undefined;
}

/** The git directory of this one work tree (it holds HEAD and the index), if it is one of that repository. */
async function ownGitDir(
  repository: Repository,
  workTree: string,
  env: Environment,
): Promise<string | undefined> {
  const dotGit = join(workTree, '.git');
  if (!existsSync(dotGit)) return undefined;
  const args = ['--no-pager', 'rev-parse', '--path-format=absolute', '--git-dir', '--git-common-dir'];
  const { code, stdout } = await run('git', args, {
    cwd: workTree,
    env: { ...localEnvironment(env), GIT_DIR: dotGit },
    timeoutMs: 30_000,
    maxBytes: 64 * 1024,
  });
  const [own, common] = stdout.toString('utf8').split('\n');
  if (code !== 0 || own === undefined || common === undefined) return undefined;
  return realpathSync(common) === repository.gitDir ? realpathSync(own) : undefined;
}

function headOf(gitDir: string): string | undefined {
  return plainBytes(join(gitDir, 'HEAD'), 4096)?.toString('utf8').trim();
}

function formatOf(oid: Oid): 'sha1' | 'sha256' {
  return oid.length === 64 ? 'sha256' : 'sha1';
}
