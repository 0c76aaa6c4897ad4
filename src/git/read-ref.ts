/**
 * Refs, read from the files of the clone and by nothing else: a loose file, else its line in `packed-refs`. Reading is
 * total: what is no regular file, has a name that pam does not speak, or does not hold an object id as git writes it,
 * is no ref to pam, and hides no other one. Git itself would wait for a pipe and follow a link anywhere.
 */
import { join } from 'node:path';
import { entriesOf, plainBytes } from '../files/plain-file.ts';
import { isOid, type Oid } from '../model/names.ts';
import { isRef } from './ref-names.ts';

/** The object that a full name points at; `null`: there is no such ref. */
export function readRef(gitDir: string, ref: string, hops = MOST_HOPS): Oid | null {
  // Loose first: git writes the packed line before it removes the loose file.
  const text = plainBytes(join(gitDir, ref), LOOSE_MAX_BYTES)?.toString('latin1');
  if (text !== undefined) return looseOid(gitDir, text, hops);
  for (const [name, oid] of packedRefs(gitDir, [ref])) if (name === ref) return oid;
  return null;
}

/** All refs whose names start with one of these, in the order of their names. */
export function readRefs(gitDir: string, prefixes: readonly string[]): ReadonlyMap<string, Oid> {
  const found = new Map<string, Oid>();
  for (const [ref, oid] of packedRefs(gitDir, prefixes)) if (isRef(ref)) found.set(ref, oid);
  for (const ref of looseNames(gitDir, 'refs', prefixes)) {
    const text = plainBytes(join(gitDir, ref), LOOSE_MAX_BYTES)?.toString('latin1');
    // It was packed, or deleted, since it was listed.
    if (text === undefined) continue;
    const oid = looseOid(gitDir, text, MOST_HOPS);
    if (oid === null) found.delete(ref);
    else found.set(ref, oid);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What a loose file holds: an id, or the name of another ref (git makes one such for a remote's `HEAD`). */
function looseOid(gitDir: string, text: string, hops: number): Oid | null {
  const [, other] = /^ref: (\S+)\n?$/u.exec(text) ?? [];
  if (other === undefined) return oidOf(text.replace(/\n$/u, '')) ?? null;
  return hops > 0 && isRef(other) ? readRef(gitDir, other, hops - 1) : null;
}

/** As deep as git follows them. */
const MOST_HOPS = 5;

/** Names of loose files that may be refs with these prefixes: only directories on the way to one are opened. */
function looseNames(gitDir: string, directory: string, prefixes: readonly string[]): readonly string[] {
  const found: string[] = [];
  for (const entry of entriesOf(join(gitDir, directory))) {
    const name = `${directory}/${entry.name}`;
    if (entry.isDirectory()) {
      const onTheWay = prefixes.some((one) => one.startsWith(`${name}/`) || `${name}/`.startsWith(one));
      if (onTheWay) for (const below of looseNames(gitDir, name, prefixes)) found.push(below);
    } else if (entry.isFile() && isRef(name) && prefixes.some((one) => name.startsWith(one))) {
      found.push(name);
    }
  }
  return found;
}

function packedRefs(gitDir: string, prefixes: readonly string[]): ReadonlyMap<string, Oid> {
  const text = plainBytes(join(gitDir, 'packed-refs'), PACKED_MAX_BYTES)?.toString('latin1') ?? '';
  const found = new Map<string, Oid>();
  for (const prefix of prefixes) {
    for (let at = text.indexOf(` ${prefix}`); at !== -1; at = text.indexOf(` ${prefix}`, at + 1)) {
      const [, id = '', ref = ''] = PACKED_LINE.exec(lineAround(text, at)) ?? [];
      const oid = oidOf(id);
      if (oid !== undefined && ref.startsWith(prefix)) found.set(ref, oid);
    }
  }
  return found;
}

const PACKED_LINE = /^([0-9a-f]+) (\S+)$/u;

function lineAround(text: string, at: number): string {
  const end = text.indexOf('\n', at);
  return text.slice(text.lastIndexOf('\n', at) + 1, end === -1 ? text.length : end);
}

/** Git takes an id of noughts for a broken ref. */
const oidOf = (text: string): Oid | undefined => (isOid(text) && !/^0+$/u.test(text) ? text : undefined);

const LOOSE_MAX_BYTES = 1024;
const PACKED_MAX_BYTES = 64 * 1024 * 1024;
