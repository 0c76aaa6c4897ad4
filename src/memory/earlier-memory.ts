/**
 * Places without what is secret in them, and what an earlier build kept by the whole URL: taken over once, so that a
 * changed token, a mirror or another spelling of the URL loses neither pin nor kept head, and a password stays in no file.
 */
import { existsSync, lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { entriesOf } from '../files/plain-file.ts';
import { isSha256, type Sha256 } from '../model/names.ts';
import { CHECKPOINT_NAMESPACE } from '../model/statement.ts';
import { sha256 } from '../trust/digest.ts';
import { verifySshsig } from '../trust/sshsig.ts';
import { fieldsIn, headIn, headsOf, type KeptHead, write, writeHead } from './head-files.ts';

type Read = (path: string) => string | undefined;

/** Without user, password, query and fragment. A path, of a lone clone or of a remote, stays what it is. */
export function plainPlace(url: string): string {
  if (/^(?:\/|file:)/u.test(url)) return url;
  const plain = url.replace(/^([a-z]+:\/\/)[^/@]*@/u, '$1').replace(/^[^/:@]*@(?=[^/:]+:)/u, '');
  return /^[a-z]+:\/\//u.test(plain) ? plain.replace(/[?#].*$/u, '') : plain;
}

export const directoryOf = (home: string, place: string): string =>
  join(home, sha256(place).slice('sha256:'.length, 'sha256:'.length + 16));

const earlierDirectories = (home: string): readonly string[] =>
  entriesOf(home)
    .filter((entry) => entry.isDirectory() && /^[0-9a-f]{16}$/u.test(entry.name))
    .map(({ name }) => join(home, name));

/** A pin under a URL with user or password moves to the URL without; of several the newest, as the person left it. */
export function takeOverPin({
  home,
  url,
  read,
}: {
  readonly home: string;
  readonly url: string;
  readonly read: Read;
}): void {
  const place = plainPlace(url);
  const here = directoryOf(home, place);
  const earlier = earlierDirectories(home).filter((directory) => {
    const there = directory === here ? undefined : read(join(directory, 'place'))?.trim();
    return there !== undefined && there !== place && plainPlace(there) === place;
  });
  const age = (directory: string): number =>
    lstatSync(join(directory, 'root'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  for (const directory of [...earlier].sort((a, b) => age(b) - age(a))) {
    const root = read(join(directory, 'root'))?.trim();
    const branches = read(join(directory, 'branches'));
    if (!existsSync(join(here, 'root')) && root !== undefined && isSha256(root)) {
      if (branches !== undefined) write(join(here, 'branches'), branches);
      write(join(here, 'place'), `${place}\n`);
      write(join(here, 'root'), `${root}\n`);
    }
    // Its heads stay until they are asked for; the URL goes now.
    for (const name of ['place', 'root', 'branches']) rmSync(join(directory, name), { force: true });
  }
}

/** Of several heads of one root the highest; an executor's only if the signature beside it is good. */
export function takeOverHeads({
  home,
  owner,
  root,
  read,
}: {
  readonly home: string;
  readonly owner: string;
  readonly root: Sha256;
  readonly read: Read;
}): void {
  const found = earlierDirectories(home).flatMap((directory) => {
    const kept = headIn(directory, owner, read);
    const fields = kept === undefined ? undefined : fieldsIn(kept.text);
    return kept !== undefined && fields?.root === root ? [{ directory, kept, seq: fields.seq }] : [];
  });
  if (found.length === 0) return;
  const good = found.filter(({ kept }) => owner === 'person' || isSigned(kept));
  const here = headIn(headsOf(home, root), owner, read);
  const known = here === undefined ? -1 : (fieldsIn(here.text)?.seq ?? -1);
  const [highest] = [...good].sort((a, b) => b.seq - a.seq);
  if (highest !== undefined && highest.seq > known) writeHead(headsOf(home, root), owner, highest.kept);
  for (const { directory } of found) {
    for (const name of ['head.json', 'head.json.sig', 'head.commit'])
      rmSync(join(directory, `${owner}.${name}`), { force: true });
  }
}

/** By whose key is for the flow to say, which knows the policy in force. */
function isSigned({ text, signature }: KeptHead): boolean {
  if (signature === null) return false;
  try {
    verifySshsig({ message: text, armor: signature, namespace: CHECKPOINT_NAMESPACE });
    return true;
  } catch {
    return false;
  }
}
