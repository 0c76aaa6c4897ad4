/** What a stranger, or the thief of a key, does to the commits of a ledger that is already written. */
import { printEntry, readEntry } from '../../src/documents/entry-file.ts';
import type { Entry } from '../../src/model/entry.ts';
import { LEDGER_NAMESPACE } from '../../src/model/statement.ts';
import { sha256 } from '../../src/trust/digest.ts';
import type { Tampering } from './ledger-words.ts';
import type { Told, TreeFile, Written } from './ledger-story.ts';
import { keyNamed } from './world.ts';

/** A genesis of somebody else, for a second beginning. */
export type Beginning = (key: string) => Written;

export function tamper(told: Told, list: readonly Tampering[], begin: Beginning): readonly Written[] {
  return list.reduce((commits, one) => tamperOnce(commits, one, begin), told.commits);
}

function tamperOnce(commits: readonly Written[], word: Tampering, begin: Beginning): readonly Written[] {
  if (word.drop !== undefined) return commits.filter((one) => one !== find(commits, word.drop));
  if (word.truncate !== undefined) return commits.slice(0, place(commits, word.truncate) + 1);
  if (word.swap !== undefined) return swapped(commits, word.swap);
  if (word.exchange !== undefined) return exchanged(commits, word.exchange);
  if (word.repeat !== undefined) {
    return [...commits, { ...find(commits, word.repeat), label: `again ${word.repeat}` }];
  }
  if (word.copy !== undefined) {
    const copy = { ...find(commits, word.copy), label: `copy of ${word.copy}` };
    return joined(commits, copy, word.joined);
  }
  if (word.empty !== undefined) {
    const { at } = find(commits, word.empty);
    const after = place(commits, word.empty) + 1;
    return commits.toSpliced(after, 0, { label: 'empty', at, message: 'nothing', files: new Map() });
  }
  if (word.merge !== undefined) {
    const other = find(commits, word.with).label;
    return change(commits, word.merge, (one, before) => ({ ...one, parents: [before, other] }));
  }
  if (word.second_genesis !== undefined) return joined(commits, begin(word.second_genesis), word.joined);
  if (word.relink !== undefined) return relinked(commits, word);
  if (word.message !== undefined) {
    return change(commits, word.message, (one) => ({ ...one, message: word.text ?? '' }));
  }
  return change(commits, target(word), (one) => ({ ...one, files: filesAfter(one.files, word) }));
}

const target = (word: Tampering): number | string | undefined =>
  word.crlf ?? word.sign ?? word.replace ?? word.write ?? word.remove ?? word.mode;

function filesAfter(files: Written['files'], word: Tampering): Written['files'] {
  const { file = 'entry.json' } = word;
  if (word.remove !== undefined) {
    if (!files.has(file)) throw new TypeError(`there is no ${file}`);
    return new Map([...files].filter(([path]) => path !== file));
  }
  if (word.write !== undefined) return withFile(files, file, { bytes: Buffer.from(word.text ?? '') });
  if (word.mode !== undefined) return withFile(files, file, { mode: word.is ?? '100755' });
  if (word.sign !== undefined) {
    const armor = keyNamed(word.key ?? 'pam-apply').sign(
      textOf(files, 'entry.json'),
      word.namespace ?? LEDGER_NAMESPACE,
    );
    return withFile(files, 'entry.json.sig', { bytes: Buffer.from(armor) });
  }
  if (word.crlf !== undefined) {
    return new Map(
      [...files].map(([path, { mode, bytes }]) => [
        path,
        {
          mode,
          bytes: Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll('\n', '\r\n'), 'latin1'),
        },
      ]),
    );
  }
  const text = textOf(files, file);
  if (word.from === undefined || !text.includes(word.from)) {
    throw new TypeError(`${file} does not hold ${word.from}`);
  }
  return withFile(files, file, { bytes: Buffer.from(text.replace(word.from, () => word.to ?? '')) });
}

function withFile(files: Written['files'], path: string, file: Partial<TreeFile>): Written['files'] {
  const plain = { mode: '100644', bytes: new Uint8Array() };
  return new Map([...files, [path, { ...plain, ...files.get(path), ...file }]]);
}

function textOf(files: Written['files'], path: string): string {
  const bytes = files.get(path)?.bytes;
  if (bytes === undefined) throw new TypeError(`there is no ${path}`);
  return Buffer.from(bytes).toString('utf8');
}

function find(commits: readonly Written[], label: number | string | undefined): Written {
  const found = commits.find((one) => one.label === String(label));
  if (found === undefined) throw new TypeError(`there is no entry ${label}`);
  return found;
}

const place = (commits: readonly Written[], label: number | string): number =>
  commits.indexOf(find(commits, label));

function change(
  commits: readonly Written[],
  label: number | string | undefined,
  how: (one: Written, before: string) => Written,
): readonly Written[] {
  const one = find(commits, label);
  const at = commits.indexOf(one);
  return commits.with(at, how(one, commits[at - 1]?.label ?? ''));
}

function swapped(
  commits: readonly Written[],
  [a, b]: readonly [number | string, number | string],
): readonly Written[] {
  return commits.with(place(commits, a), find(commits, b)).with(place(commits, b), find(commits, a));
}

/** The bodies change places, the signatures stay. */
function exchanged(
  commits: readonly Written[],
  [a, b]: readonly [number | string, number | string],
): readonly Written[] {
  const body = (label: number | string): Partial<TreeFile> => ({
    bytes: find(commits, label).files.get('entry.json')?.bytes ?? new Uint8Array(),
  });
  const withBody = (label: number | string, other: number | string): Written => {
    const one = find(commits, label);
    return { ...one, files: withFile(one.files, 'entry.json', body(other)) };
  };
  return commits.with(place(commits, a), withBody(a, b)).with(place(commits, b), withBody(b, a));
}

/** A commit put in front of all, above it, or on its own and joined by a merge. */
function joined(
  commits: readonly Written[],
  one: Written,
  how: Tampering['joined'] = 'alone',
): readonly Written[] {
  if (how === 'first') return [one, ...commits];
  if (how === 'last') return [...commits, one];
  const last = commits.at(-1);
  if (last === undefined) throw new TypeError('an empty ledger');
  const join = { ...last, label: 'join', parents: [last.label, one.label] };
  return [...commits, { ...one, parents: [] }, join];
}

/** Whoever stole a key signs everything from here on again, so that each entry names the one before it. */
function relinked(commits: readonly Written[], word: Tampering): readonly Written[] {
  const key = word.key ?? 'pam-apply';
  const from = commits.findIndex((one) => one.label === String(word.relink));
  if (from < 1) throw new TypeError(`there is no entry ${word.relink} to begin at`);
  let before = entryOf(commits[from - 1]);
  return commits.map((one, at) => {
    if (at < from) return one;
    const entry: Entry = {
      ...entryOf(one).entry,
      seq: before.entry.seq + 1,
      previous: sha256(before.bytes),
      executor: word.executor ?? key,
    };
    const bytes = printEntry(entry);
    before = { entry, bytes };
    const armor = keyNamed(key).sign(bytes, LEDGER_NAMESPACE);
    const files = withFile(withFile(one.files, 'entry.json', { bytes }), 'entry.json.sig', {
      bytes: Buffer.from(armor),
    });
    return { ...one, files };
  });
}

function entryOf(one: Written | undefined): { readonly entry: Entry; readonly bytes: Uint8Array } {
  const bytes = one?.files.get('entry.json')?.bytes ?? new Uint8Array();
  return { entry: readEntry(bytes), bytes };
}
