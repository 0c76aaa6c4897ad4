/** One new commit through `git fast-import`: objects only; no ref, no index, no work tree. */
import { PamError } from '../model/error.ts';
import type { NewCommit } from '../model/git.ts';
import { unixSeconds } from '../model/instant.ts';
import { isOid, type Oid } from '../model/names.ts';
import { checkOid } from './history.ts';
import { checkPath } from './objects.ts';
import { gitError, type RepositoryPlace, type Sealed } from './sealed.ts';

/** fast-import wants a branch; it is reset to nothing before the stream ends, so it never exists on disk. */
const SCRATCH = 'refs/pam/unborn';

/**
 * Author and committer are `<author> <author@pam>` (the committer's address with the mark) with `at` as both dates; the
 * message gets a final newline.
 */
export async function writeCommit(
  sealed: Sealed,
  place: RepositoryPlace,
  wanted: NewCommit | Promise<NewCommit>,
): Promise<Oid> {
  const told = async (): Promise<Uint8Array> => Buffer.concat(await stream(sealed, place, await wanted));
  const stdin = told();
  // Whoever asked is told by git's end; should git not even start, nobody listens here.
  stdin.catch(() => undefined);
  const { code, stdout, stderr } = await sealed.git(
    // Files of one commit have little in common: looking for it takes longer than writing it.
    ['fast-import', '--quiet', '--done', '--date-format=raw', '--depth=0'],
    { stdin },
  );
  const commit = await wanted;
  const [oid = '', root = ''] = stdout.toString('utf8').split('\n');
  const [, tree = ''] = /^040000 tree ([0-9a-f]+)\t$/u.exec(root) ?? [];
  if (code !== 0 || !isOid(oid) || !isOid(tree)) {
    throw gitError('git could not write a commit', stderr, 'E_GIT_WRITE');
  }
  if (commit.tree !== undefined && commit.tree !== tree) {
    throw new PamError('E_GIT_TREE', `commit ${oid} holds something else than it should`);
  }
  return oid;
}

async function stream(sealed: Sealed, place: RepositoryPlace, commit: NewCommit): Promise<readonly Buffer[]> {
  const [first, ...others] = commit.parents.map(checkOid);
  const name = checkAuthor(commit.author);
  const when = `${unixSeconds(commit.at)} +0000`;
  const mark = commit.mark === undefined ? '' : `+${checkMark(commit.mark)}`;
  const parts = [
    line(`commit ${SCRATCH}`),
    line('mark :1'),
    line(`author ${name} <${name}@pam> ${when}`),
    line(`committer ${name} <${name}${mark}@pam> ${when}`),
    data(Buffer.from(commit.message.replace(/\n*$/u, '\n'))),
  ];
  if (first !== undefined) parts.push(line(`from ${first}`));
  parts.push(...others.map((parent) => line(`merge ${parent}`)));
  if (commit.base !== (first ?? null)) {
    parts.push(line('deleteall'));
    if (commit.base !== null) parts.push(line(`M 040000 ${await treeOf(sealed, commit.base)} ""`));
  }
  parts.push(...changes(commit.files));
  const nothing = '0'.repeat(place.objectFormat === 'sha256' ? 64 : 40);
  parts.push(
    line('get-mark :1'),
    line('ls :1 ""'),
    line(`reset ${SCRATCH}`),
    line(`from ${nothing}`),
    line('done'),
  );
  return parts;
}

function checkMark(mark: string): string {
  if (/^[0-9a-f]{1,64}$/u.test(mark)) return mark;
  throw new PamError('E_BUG', `${JSON.stringify(mark)} is no mark for a commit`);
}

/** Removals first, so that a file may take the place of a directory and the other way round. */
function changes(files: NewCommit['files']): readonly Buffer[] {
  const removed: Buffer[] = [];
  const written: Buffer[] = [];
  for (const [path, bytes] of files) {
    if (bytes === null) removed.push(line(`D ${plainPath(path.replace(/\/$/u, ''))}`));
    else written.push(line(`M 100644 inline ${plainPath(path)}`), data(Buffer.from(bytes)));
  }
  return [...removed, ...written];
}

/** A leading quote would start fast-import's own quoting. */
function plainPath(path: string): string {
  if (path.startsWith('"')) throw new PamError('E_GIT_PATH', `${JSON.stringify(path)} starts with a quote`);
  return checkPath(path);
}

async function treeOf(sealed: Sealed, commit: Oid): Promise<Oid> {
  const out = await sealed.must(['rev-parse', '--verify', '--end-of-options', `${checkOid(commit)}^{tree}`]);
  return checkOid(out.toString('utf8').trim());
}

function checkAuthor(author: string): string {
  if (/^[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,78}[A-Za-z0-9])?$/u.test(author)) return author;
  throw new PamError('E_BUG', `${JSON.stringify(author)} cannot be the author of a commit`);
}

const line = (text: string): Buffer => Buffer.from(`${text}\n`);
const data = (bytes: Buffer): Buffer => Buffer.concat([line(`data ${bytes.length}`), bytes, line('')]);
