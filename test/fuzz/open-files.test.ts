/**
 * A good entry with other files beside it: `open/`, `policy/`, a file too many, one too few. The commit is junk unless
 * it holds exactly what the entry makes, and a machine that kept such a head believes nothing that it says.
 */
import { describe } from 'vitest';
import { stateAt } from '../../src/flows/ledger/walk/state-at.ts';
import { walkLedger } from '../../src/flows/ledger/walk/walk-ledger.ts';
import type { LedgerEvent } from '../../src/model/entry.ts';
import { PamError } from '../../src/model/error.ts';
import { parseArmor } from '../../src/trust/armor.ts';
import { printIndex } from '../../src/rules/print-index.ts';
import { sameJson } from '../../src/rules/same-json.ts';
import { ledgerFiles } from '../support/ledger-files.ts';
import { at, providers } from '../support/world.ts';
import { NOW, POOL, WORLD } from './attack-world.ts';
import { commitsInMemory, type InMemory, type TreeFiles } from './commits-in-memory.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { type Json, mutateJson } from './mutate-json.ts';
import { mutateYaml } from './mutate-yaml.ts';
import type { Random } from './random.ts';
import { broken, fuzz, layerOf } from './table.ts';

const { asked, ledger, next, ratified } = WORLD;
const { state } = ledger;

const LAYERS: Readonly<Record<string, RegExp>> = {
  'the files beside it': /^E_LED_TREE$/u,
  'policy and its admins': /^E_POL_|^E_LED_CHAIN$/u,
  'the entry': /^E_/u,
};

const EVENTS: readonly LedgerEvent[] = [
  { type: 'revoked', id: asked.overdue.id, kept_for: {}, usage: { used: true, last: at('09:00') } },
  { type: 'heartbeat', id: '-', live: 3 },
  { type: 'policy', id: '-', seq: 2, digest: next.policy.digest, statements: ratified },
];
const HONEST = EVENTS.map((event) => {
  const policy = event.type === 'policy';
  const how = policy ? { brings: next } : {};
  const made = ledger.draft([event], NOW, { executor: 'pam-sweep', ...how });
  const after = ledger.follow(made);
  ledger.state = state;
  const policyFiles = policy ? next.files : state.policyFiles;
  const files: TreeFiles = ledgerFiles({ policyFiles, index: after.index }, made.bytes, made.signature);
  return { files, after };
});
type Honest = (typeof HONEST)[number];

const NAMES: readonly [string, ...string[]] = [
  'evil',
  'entry.json2',
  'Entry.json',
  'open',
  'open/beats.json2',
  'open/evil.json',
  'open/20261122/evil.json',
  'open/20261123/20261123-dba-aaaaaa.json',
  'open/delegations.json',
  'policy/more.yaml',
  'policy/roles.yaml2',
  '.gitattributes',
  '.gitmodules',
];
const CONTENTS: readonly [string, ...string[]] = [
  '',
  'null\n',
  '[]\n',
  '{}\n',
  '0\n',
  '{"id":1}\n',
  '{"id":"-"}\n',
  'x',
  '['.repeat(20_000) + ']'.repeat(20_000),
];

describe('[D12] other files beside a good entry', () => {
  fuzz(
    'files of a ledger commit',
    {
      runs: 1500,
      shares: { 'the files beside it': 0.4, 'policy and its admins': 0.01, 'the same files': 0.005 },
    },
    (random) => {
      const honest = random.pick(HONEST) ?? broken('no entry');
      const files = mutated(random, honest);
      const changed = [...files].filter(([path, text]) => !sameBytes(honest.files.get(path), text));
      const gone = [...honest.files.keys()].filter((path) => !files.has(path));
      const shown = JSON.stringify([
        gone,
        changed.map(([path, text]) => [path, Buffer.from(text).toString('latin1')]),
      ]);
      return { shown, judge: async () => await judge(honest, files) };
    },
  );
});

function mutated(random: Random, { files }: Honest): TreeFiles {
  const copy = new Map(files);
  const path = random.pick([...files.keys()]) ?? '';
  const other = random.pick([...files.keys()]) ?? '';
  const old = files.get(path) ?? '';
  switch (random.weighed({ same: 1, bytes: 8, data: 8, drop: 4, add: 6, swap: 4, rename: 3, content: 4 })) {
    case 'same':
      return copy;
    case 'bytes':
      return copy.set(path, mutateBytes(random, Buffer.from(old)));
    case 'data':
      return copy.set(path, dataOf(random, path, Buffer.from(old).toString('utf8')));
    case 'drop':
      copy.delete(path);
      return copy;
    case 'add':
      return copy.set(random.pick(NAMES), random.pick([old, ...CONTENTS]));
    case 'swap':
      return copy.set(path, files.get(other) ?? '').set(other, old);
    case 'rename':
      copy.delete(path);
      return copy.set(random.pick(NAMES), old);
    case 'content':
      return copy.set(path, random.pick(CONTENTS));
  }
}

function dataOf(random: Random, path: string, text: string): string {
  if (path.endsWith('.yaml')) return mutateYaml(random, text, POOL).toString('utf8');
  if (!path.endsWith('.json')) return text.replace('\n', '\n ');
  return `${JSON.stringify(mutateJson(random, JSON.parse(text) as Json, POOL))}\n`;
}

async function judge(honest: Honest, files: TreeFiles): Promise<string> {
  const memory = commitsInMemory([files], state.seq + 2);
  const same = sameFiles(honest.files, files);
  await keptHead(honest, memory);
  for await (const walked of walkLedger(memory.repository, providers, memory.commits, state)) {
    if (walked.kind === 'step') return same ? 'the same files' : broken('other files were believed');
    if (same) broken('its own files were not believed');
    if (walked.kind === 'newer') broken('no mutant is of a higher version');
    return layerOf(walked.junk.code, LAYERS);
  }
  throw new TypeError('nothing was walked');
}

/** The same commit as a head that was once verified: what it says is what the entry signs, or it says nothing. */
async function keptHead({ after }: Honest, { repository, commits }: InMemory): Promise<void> {
  const [commit] = commits;
  if (commit === undefined) throw new TypeError('no commit');
  try {
    const found = await stateAt(repository, providers, commit.oid, { root: state.root, head: after.head });
    if (found === undefined) return;
    const [a, b] = [found.index, after.index].map((index) => Object.fromEntries(printIndex(index)));
    const same = sameJson(a, b) && found.policy.digest === after.policy.digest;
    if (!same) broken('a kept head says what no entry said');
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
  }
}

/** Equal but for the spelling of the armor: the signature in it is the same. */
function sameFiles(one: TreeFiles, other: TreeFiles): boolean {
  if (one.size !== other.size) return false;
  return [...one].every(([path, text]) => {
    const there = other.get(path);
    return sameBytes(text, there) || (path === 'entry.json.sig' && sameSignature(text, there));
  });
}

function sameSignature(one: Uint8Array | string, other: Uint8Array | string | undefined): boolean {
  try {
    const [a, b] = [one, other ?? ''].map((text) => parseArmor(Buffer.from(text).toString('latin1')));
    return sameBytes(a, b);
  } catch (error) {
    if (error instanceof PamError) return false;
    throw error;
  }
}

const sameBytes = (one: Uint8Array | string | undefined, other: Uint8Array | string | undefined): boolean =>
  one !== undefined && other !== undefined && Buffer.from(one).equals(Buffer.from(other));
