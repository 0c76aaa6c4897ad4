/**
 * Statements on branches: one parentless commit each, holding `statement` and `statement.sig` and nothing else. All lie
 * in one directory, `pam-statements/<topic>.<16 hex>`: a branch cannot have the name of another one's directory, so with
 * one of its own for each topic, a pusher could take that name and silence the topic. No topic holds a dot.
 */
import { expected, PamError } from '../model/error.ts';
import type { Doubt, Found } from '../model/forge.ts';
import { cannotRead, isUnreadable, type Repository, type Unreadable } from '../model/git.ts';
import type { Oid } from '../model/names.ts';
import type { Signed } from '../model/statement.ts';
import { parseArmor, printArmor } from '../trust/armor.ts';
import { sha256 } from '../trust/digest.ts';
import type { BranchPlace } from './branch-place.ts';
import { fewAtOnce } from './few-at-once.ts';

export const STATEMENTS = 'pam-statements';
const TOPIC = /^[a-z0-9][a-z0-9-]{0,80}$/u;
const NAME = new RegExp(`^${STATEMENTS}/([^./]+)\\.[0-9a-f]{16}$`, 'u');
const FILES = ['statement', 'statement.sig'] as const;
/** Text and armor together. */
const MAX_BYTES = 8 * 1024;
/** Of a tree with those two files, and some to spare. */
const TREES = { treeBytes: 1024, entries: 8 };
const MAX_PER_TOPIC = 2000;

export interface StatementBranches {
  /**
   * @param doubt hears of a topic with a branch that was not fetched, or that this clone lacks, or with more than are
   *   read; without it that is an error
   */
  readonly find: (topics: readonly string[], doubt?: Doubt) => Promise<ReadonlyMap<string, readonly Found[]>>;
  /** Does that branch hold exactly this? */
  readonly holds: (branch: string, signed: Signed) => Promise<boolean>;
}

/** The first 16 hex digits of the text's SHA-256 name the branch, so one statement has one place. */
export function statementBranch(topic: string, text: string): string {
  return `${prefixOf(topic)}${sha256(text).slice('sha256:'.length, 'sha256:'.length + 16)}`;
}

/** @param chance evenly in [0, 1) */
export function statementBranches(
  repository: Repository,
  place: BranchPlace,
  chance: () => number,
): StatementBranches {
  return {
    find: async (topics, doubt = orThrow) => {
      const pick = (branches: readonly string[]): readonly string[] => {
        const read = (topic: string): readonly string[] => fewOf(topic, branches, chance, doubt);
        return topics.flatMap(read);
      };
      const none = new Map<string, Oid>();
      const missed = new Map<string, PamError>();
      const tell = (branch: string, why: PamError): void => {
        const topic = NAME.exec(branch)?.[1];
        if (topic !== undefined) missed.set(topic, why);
      };
      const found = topics.length === 0 ? none : await place.find(topics.map(patternOf), pick, tell);
      for (const [topic, why] of missed) doubt(topic, notFetched(topic, why));
      const read = await readStatements(repository, found, doubt);
      return new Map(
        topics.map((topic) => [topic, read.filter((each) => each.place.startsWith(prefixOf(topic)))]),
      );
    },
    holds: async (branch, signed) => {
      const [there] = await readStatements(repository, await place.find([branch]), orThrow);
      return there?.signed?.text === signed.text && there.signed.armor === signed.armor;
    },
  };
}

const notFetched = (topic: string, why: PamError): PamError =>
  new PamError('E_FORGE_LIMIT', `not every statement about ${topic} could be fetched: ${why.message}`, {
    hint: `remove the branches ${prefixOf(topic)}* that hold no valid statement`,
    cause: why,
  });

function prefixOf(topic: string): string {
  if (TOPIC.test(topic)) return `${STATEMENTS}/${topic}.`;
  throw new PamError('E_BUG', `not a topic for statements: ${JSON.stringify(topic)}`);
}

function patternOf(topic: string): string {
  return `${prefixOf(topic)}*`;
}

/**
 * The branches of a topic, or a random part of them where there are too many: a stop among others that anybody may push
 * is found in some run, and no pusher can choose which ones are passed over.
 */
function fewOf(
  topic: string,
  branches: readonly string[],
  chance: () => number,
  doubt: Doubt,
): readonly string[] {
  const all = branches.filter((branch) => branch.startsWith(prefixOf(topic)));
  if (all.length <= MAX_PER_TOPIC) return all;
  const why = `there are ${all.length} statements about ${topic}; a random ${MAX_PER_TOPIC} of them are read in each run`;
  const hint = `remove the branches ${prefixOf(topic)}* that hold no valid statement`;
  doubt(topic, new PamError('E_FORGE_LIMIT', why, { hint }));
  const drawn = all.map((branch) => ({ branch, lot: chance() })).sort((a, b) => a.lot - b.lot);
  return drawn.slice(0, MAX_PER_TOPIC).map(({ branch }) => branch);
}

/**
 * Whatever has another shape or another name than its own text gives it is left out: anybody may push junk, so the
 * cheap question comes first, and a commit under many names is read once.
 */
async function readStatements(
  repository: Repository,
  found: ReadonlyMap<string, Oid>,
  doubt: Doubt,
): Promise<readonly Found[]> {
  const named = [...found].filter(([branch]) => NAME.test(branch));
  const commits = [...new Set(named.map(([, oid]) => oid))];
  const bytes = await repository.read(
    commits.flatMap((treeish) => FILES.map((path) => ({ treeish, path }))),
    MAX_BYTES,
    TREES,
  );
  const lacking = new Map(commits.map((oid, at) => [oid, lackingIn(bytes.slice(at * 2, at * 2 + 2))]));
  for (const [branch, oid] of named) {
    const topic = NAME.exec(branch)?.[1];
    const fault = lacking.get(oid);
    if (fault !== undefined && topic !== undefined) doubt(topic, cannotRead(fault, `the branch ${branch}`));
  }
  const signed = new Map<Oid, Signed>();
  for (const [at, oid] of commits.entries()) {
    const text = decode(bytes[at * 2]);
    const armor = decode(bytes[at * 2 + 1]);
    if (text !== undefined && armor !== undefined) signed.set(oid, { text, armor: plainArmor(armor) });
  }
  const right = named.flatMap(([branch, oid]) => {
    const statement = signed.get(oid);
    const topic = NAME.exec(branch)?.[1];
    const fits =
      statement !== undefined && topic !== undefined && statementBranch(topic, statement.text) === branch;
    return fits ? [{ oid, found: { place: branch, signed: statement, posted: null } }] : [];
  });
  const shapes = await fewAtOnce(right, async ({ oid }) => await isStatement(repository, oid));
  return right.flatMap((one, at) => (shapes[at] === true ? [one.found] : []));
}

/**
 * A branch that a person pushed by hand may hold CRLF or a blank line, which ssh-keygen refuses in the ledger. What is no
 * armor stays as it is: its judge says so.
 */
function plainArmor(armor: string): string {
  try {
    return printArmor(parseArmor(armor));
  } catch (error) {
    expected(error);
    return armor;
  }
}

/** What a branch names and the clone has not: a fetch would have brought it, so it may be a stop that was lost here. */
const lackingIn = (files: readonly (Uint8Array | Unreadable | undefined)[]): Unreadable | undefined =>
  files.filter(isUnreadable).find(({ unreadable }) => unreadable === 'E_GIT_PARTIAL');

const orThrow: Doubt = (_, error) => {
  throw error;
};

async function isStatement(repository: Repository, commit: Oid): Promise<boolean> {
  const entries = await repository.list(commit, '', TREES);
  if (isUnreadable(entries)) return false;
  const size = entries.reduce((sum, entry) => sum + (entry.size ?? MAX_BYTES), 0);
  const names = entries.map(({ path, mode }) => `${mode} ${path}`).join();
  return names === FILES.map((path) => `100644 ${path}`).join() && size <= MAX_BYTES;
}

/** Statements and armors are ASCII; anything else could not be compared byte for byte. */
function decode(bytes: Uint8Array | Unreadable | undefined): string | undefined {
  if (!(bytes instanceof Uint8Array) || bytes.some((byte) => byte > 0x7e)) return undefined;
  return Buffer.from(bytes).toString('latin1');
}
