/**
 * Which pull requests brought main's policy. Statements on a policy are posted there before it is merged; all that is
 * taken from the forge's answer is where to look for them.
 */
import type { CommitInfo } from '../../model/commit-log.ts';
import { isUnreadable, type Repository } from '../../model/git.ts';
import type { Oid } from '../../model/names.ts';
import type { Pull, Pulls } from './pull-port.ts';

/** So far back, and so many changes of policy: an admin with more of them in between has to sign again. */
const COMMITS = 500;
const CHANGES = 5;

export async function policyPulls(
  repository: Repository,
  main: Oid | undefined,
  pulls: Pick<Pulls, 'ofCommit'>,
): Promise<readonly Pull[]> {
  if (main === undefined) return [];
  const found = new Map<number, Pull>();
  for (const commit of await policyChanges(repository, main)) {
    for (const pull of await pulls.ofCommit(commit)) found.set(pull.number, pull);
  }
  return [...found.values()].sort((a, b) => a.number - b.number);
}

/** Commits on main's own line that changed policy, newest first. A rebase merge leaves one for each of its commits. */
async function policyChanges(repository: Repository, main: Oid): Promise<readonly Oid[]> {
  const commits = new Map((await repository.history(main)).map((one) => [one.oid, one]));
  const changes: Oid[] = [];
  let at: CommitInfo | undefined = commits.get(main);
  let policy = await policyIn(repository, main);
  for (let steps = 0; at !== undefined && steps < COMMITS && changes.length < CHANGES; steps += 1) {
    const [parent] = at.parents;
    const before = parent === undefined ? '' : await policyIn(repository, parent);
    if (policy !== before) changes.push(at.oid);
    policy = before;
    at = parent === undefined ? undefined : commits.get(parent);
  }
  return changes;
}

/** Any more than a handful of files is no policy. */
const FEW = { entries: 64 };

async function policyIn(repository: Repository, commit: Oid): Promise<string> {
  const listed = [
    await repository.names(commit, 'policy', FEW),
    await repository.names(commit, 'pam.yaml', FEW),
  ];
  // What cannot be read is not what was signed, and differs from what can.
  return listed
    .flatMap((one) =>
      isUnreadable(one) ? [one.why] : one.map(({ mode, oid, path }) => `${mode} ${oid} ${path}\n`),
    )
    .join('');
}
