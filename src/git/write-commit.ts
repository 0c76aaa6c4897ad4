/** One new commit, objects only: no ref, no index, no work tree. Its objects are made here, and git takes them as a pack. */
import { handledLater, PamError } from '../model/error.ts';
import type { NewCommit } from '../model/git.ts';
import { unixSeconds } from '../model/instant.ts';
import type { Oid } from '../model/names.ts';
import { checkOid } from './history.ts';
import { idOf, type NewObject, type ObjectFormat, printPack } from './new-objects.ts';
import { newTree } from './new-tree.ts';
import type { ObjectStream } from './object-stream.ts';
import { gitError, type Sealed } from './sealed.ts';

interface Made {
  readonly oid: Oid;
  readonly objects: readonly NewObject[];
}

/** Git writes each of a few objects to disk by itself; many stay together, since each would wait for the disk. */
const FEW = 32;

/**
 * Author and committer are `<author> <author@pam>` (the committer's address with the mark) with `at` as both dates; the
 * message gets a final newline.
 */
export async function writeCommit(
  sealed: Sealed,
  stream: ObjectStream,
  format: ObjectFormat,
  wanted: NewCommit | Promise<NewCommit>,
): Promise<Oid> {
  const making = make(stream, format, wanted);
  const few = async (): Promise<Uint8Array> => {
    const { objects } = await making;
    return await printPack(objects.length > FEW ? [] : objects, format);
  };
  const stdin = few();
  handledLater(stdin);
  const take = async (args: readonly string[], pack: Uint8Array | Promise<Uint8Array>): Promise<void> => {
    const { code, stderr } = await sealed.git(args, { stdin: pack });
    if (code !== 0) throw gitError('git could not write a commit', stderr, 'E_GIT_WRITE');
  };
  await take(['unpack-objects', '-q'], stdin);
  const { oid, objects } = await making;
  if (objects.length > FEW) await take(['index-pack', '--stdin'], await printPack(objects, format));
  return oid;
}

async function make(
  stream: ObjectStream,
  format: ObjectFormat,
  wanted: NewCommit | Promise<NewCommit>,
): Promise<Made> {
  const commit = await wanted;
  const author = checkAuthor(commit.author);
  const parents = commit.parents.map(checkOid);
  const mark = commit.mark === undefined ? '' : `+${checkMark(commit.mark)}`;
  const when = `${unixSeconds(commit.at)} +0000`;
  const tree = await newTree(stream, format, commit.base, commit.files);
  if (commit.tree !== undefined && commit.tree !== tree.id) {
    throw new PamError('E_GIT_TREE', `a commit would hold ${tree.id}, not ${commit.tree} as it should`);
  }
  const lines = [
    `tree ${tree.id}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${author} <${author}@pam> ${when}`,
    `committer ${author} <${author}${mark}@pam> ${when}`,
    '',
    commit.message.replace(/\n*$/u, '\n'),
  ];
  const object: NewObject = { type: 'commit', body: Buffer.from(lines.join('\n')) };
  return { oid: idOf(object, format), objects: [...tree.objects.values(), object] };
}

function checkMark(mark: string): string {
  if (/^[0-9a-f]{1,64}$/u.test(mark)) return mark;
  throw new PamError('E_BUG', `${JSON.stringify(mark)} is no mark for a commit`);
}

function checkAuthor(author: string): string {
  if (/^[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,78}[A-Za-z0-9])?$/u.test(author)) return author;
  throw new PamError('E_BUG', `${JSON.stringify(author)} cannot be the author of a commit`);
}
