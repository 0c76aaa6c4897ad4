/**
 * Every folder of test/vectors/ledger is a ledger and what `pam audit` has to find in it. The commits are written
 * into a real repository and audited by the real flow; no target may be called and nothing may be written.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Audited, audit } from '../../src/flows/audit/audit.ts';
import { auditPart } from '../../src/flows/audit/audit-part.ts';
import type { Desk } from '../../src/flows/desk.ts';
import type { Auditors } from '../../src/flows/audit/ledger-part.ts';
import { openRepository } from '../../src/git/repository.ts';
import { memoryOf } from '../../src/memory/kept-heads.ts';
import { EXIT, PamError } from '../../src/model/error.ts';
import type { Instant } from '../../src/model/instant.ts';
import type { Sha256 } from '../../src/model/names.ts';
import { POLICY_PATHS, type Policy } from '../../src/model/policy.ts';
import type { Entry } from '../../src/model/entry.ts';
import { EVENTS } from '../../src/rules/events/registry.ts';
import { tellEntry } from '../../src/rules/tell-entry.ts';
import { providers } from '../../src/targets/registry.ts';
import { sha256, treeDigest } from '../../src/trust/digest.ts';
import { auditText } from '../../src/views/audit.ts';
import { PLAIN } from '../../src/views/style.ts';
import { listingOf } from '../support/directory-listing.ts';
import { writeLedger } from '../support/ledger-commits.ts';
import { Story, type Told, type Written } from '../support/ledger-story.ts';
import { tamper } from '../support/ledger-tampering.ts';
import { type Case, checkWords, type EntryWord, type History } from '../support/ledger-words.ts';
import { at, fillKeys, type PolicyTexts, policyOf, type WorldPolicy } from '../support/world.ts';
import { tempDir } from './git-workbench.ts';

const CASES = fileURLToPath(new URL('../vectors/ledger/', import.meta.url));
const OTHER_DIGEST = sha256('another');
/** What may move a cursor, hide, or turn the direction of a line. */
const UNPRINTABLE = /[^\n\P{C}]/u;

const names = readdirSync(CASES, { withFileTypes: true })
  .filter((one) => one.isDirectory() && one.name !== '_base')
  .map((one) => one.name)
  .sort();

// Unknown words are refused right away; the compiler's view of the rest is the interface.
function readCase(name: string): Case {
  const told = yaml(join(CASES, name, 'case.yaml')) as Case;
  checkWords('case', told);
  return told;
}

function yaml(path: string): unknown {
  return parse(readFileSync(path, 'utf8'), { version: '1.2', schema: 'core' }) as unknown;
}

/** The case's own file, else the one of `_base`. */
function textOf(name: string, path: string, otherwise = path): string {
  const places = [join(CASES, name, path), join(CASES, '_base', path), join(CASES, '_base', otherwise)];
  const found = places.find((one) => existsSync(one));
  if (found === undefined) throw new TypeError(`${name} has no ${path}`);
  return readFileSync(found, 'utf8');
}

const policies = new Map<string, WorldPolicy>();

function policyIn(name: string, folder: string): WorldPolicy {
  const where = [join(CASES, name, folder), join(CASES, '_base', folder)].find((one) => existsSync(one));
  if (where === undefined) throw new TypeError(`${name} has no ${folder}`);
  const known = policies.get(where) ?? readPolicyIn(name, folder);
  policies.set(where, known);
  return known;
}

function readPolicyIn(name: string, folder: string): WorldPolicy {
  const pathIn = (path: string, where: string): string => `${where}/${path.replace('policy/', '')}`;
  const texts = POLICY_PATHS.map((path) => [
    path,
    textOf(name, pathIn(path, folder), pathIn(path, 'policy')),
  ]);
  // One text for each of the four paths.
  const all = Object.fromEntries(texts) as PolicyTexts;
  try {
    return policyOf(all);
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
    const files = new Map(POLICY_PATHS.map((path) => [path, Buffer.from(fillKeys(all[path]))]));
    // No reader takes it, but its writer can name its digest.
    return { files, policy: { digest: treeDigest(files) } as Policy };
  }
}

const histories = new Map<string, History>();

function historyNamed(name: string): History {
  const known = histories.get(name) ?? (yaml(join(CASES, '_base', `${name}.yaml`)) as History);
  if (!histories.has(name)) checkWords('history', known);
  histories.set(name, known);
  return known;
}

const plainlyTold = new Map<string, Told>();

function tell(name: string, told: Case): Told {
  const history = historyNamed(told.history);
  const lies = told.lies ?? {};
  const unknown = Object.keys(lies).find((label) => !history.entries.some(({ n }) => String(n) === label));
  if (unknown !== undefined) throw new TypeError(`the history has no entry ${unknown} to lie in`);
  const upTo = told.up_to ?? Number.POSITIVE_INFINITY;
  const base = history.entries
    .filter(({ n }) => Number(n) <= upTo)
    .map((entry) => {
      const lie = lies[String(entry.n)];
      return lie === undefined ? entry : { ...entry, ...lie, lied: true };
    });
  const added = (told.entries ?? []).map((entry: EntryWord) => ({ ...entry, lied: true }));
  const folders = { ...history.policies, ...told.policies };
  const byName = Object.fromEntries(
    Object.entries(folders).map(([one, folder]) => [one, policyIn(name, folder)]),
  );
  const ownPolicy = told.policies !== undefined || existsSync(join(CASES, name, 'policy'));
  const plain = told.lies === undefined && told.entries === undefined && !ownPolicy;
  const known = plain ? plainlyTold.get(`${told.history} ${upTo}`) : undefined;
  if (known !== undefined) return known;
  const story = new Story({
    policies: byName,
    entries: [...base, ...added],
    requestText: (one) => textOf(name, `requests/${one}.yaml`),
    message: messageOf,
  });
  const done = story.tell();
  if (plain) plainlyTold.set(`${told.history} ${upTo}`, done);
  return done;
}

/** An event that no program knows has no line of its own. */
const messageOf = (entry: Entry): string =>
  entry.events.every(({ type }) => Object.hasOwn(EVENTS, type)) ? tellEntry(entry) : 'no entry of ours\n';

/** A beginning that this team did not make: the same policy, another executor key's signature, another root. */
function beginning(name: string, told: Case) {
  return (key: string): Written => {
    const folder = key === 'pam-apply' ? 'policy' : `policy-${key}`;
    const story = new Story({
      policies: { one: policyIn(name, folder) },
      entries: [],
      requestText: () => '',
      message: messageOf,
    });
    const [genesis] = story.tell().commits;
    if (genesis === undefined) throw new TypeError(`${told.about}: no genesis`);
    return { ...genesis, label: 'genesis' };
  };
}

/**
 * What audit may touch: the repository, the root, the clock. Whoever reaches for anything else has left the ledger,
 * and the case fails.
 */
async function deskOf(dir: string, now: Instant, root: Sha256 | undefined): Promise<Desk> {
  const never = (what: string) => () => {
    throw new Error(`audit reached for ${what}`);
  };
  const sealed = [...providers].map(([name, one]) => [name, { ...one, open: never('a target') }] as const);
  return {
    repository: await openRepository(dir, { PATH: process.env['PATH'], TMPDIR: tempDir() }),
    remote: null,
    hint: { main: 'main', ledger: 'pam-ledger' },
    memory: memoryOf(join(dir, 'nowhere'), dir),
    givenRoot: root,
    offline: true,
    clock: () => now,
    pause: never('a pause'),
    chance: never('chance'),
    nonce: never('chance'),
    env: {},
    providers: new Map(sealed),
    notices: new Map(),
    forge: never('the forge'),
    branchesAbout: never('the branches of a forge'),
    incidents: never('incidents'),
    bringAlong: never('the work tree'),
    interrupted: () => false,
    allRecorded: () => undefined,
    progress: () => undefined,
    note: () => undefined,
    keyOf: never('a key'),
    sign: never('a signature'),
  };
}

async function auditCase(name: string, told: Case): Promise<Audited | PamError> {
  const story = tell(name, told);
  const commits = tamper(story, told.tamper ?? [], beginning(name, told));
  const dir = join(tempDir(), 'ledger.git');
  writeLedger(dir, commits);
  const root =
    told.root === 'none'
      ? undefined
      : (told.root ?? 'given') === 'given'
        ? story.ledger.state.root
        : OTHER_DIGEST;
  const now = at(told.now ?? historyNamed(told.history).now);
  const before = listingOf(dir);
  try {
    const desk = await deskOf(dir, now, root);
    const wish = { checkpoint: checkpointOf(told, story) };
    const whole = await outcomeOf(audit(desk, wish));
    // Read in parts it is the same ledger, wherever one ends and the next begins.
    const auditors = { count: 1, worthwhile: 0, longest: 1, found: foundIn(desk) };
    expect(await outcomeOf(audit(desk, { ...wish, auditors })), 'commit by commit').toEqual(whole);
    if (whole instanceof Error) throw whole;
    return whole;
  } catch (error) {
    if (error instanceof PamError) return error;
    throw error;
  } finally {
    expect(listingOf(dir)).toBe(before);
  }
}

async function outcomeOf(auditing: Promise<Audited>): Promise<Audited | PamError> {
  return await auditing.catch((error: unknown) => {
    if (error instanceof PamError) return error;
    throw error;
  });
}

/** What processes do beside each other, one after the other. */
const foundIn = (desk: Desk): Auditors['found'] =>
  async function* (jobs, jobAt) {
    for (let place = 0; place < jobs; place++) yield await auditPart(desk, structuredClone(jobAt(place)));
  };

function checkpointOf(told: Case, story: Told): Uint8Array | undefined {
  const word = told.checkpoint;
  if (word === undefined) return undefined;
  if (word.text !== undefined) return Buffer.from(word.text);
  const head = word.head === 'another' ? OTHER_DIGEST : story.heads.get(String(word.of ?? word.seq));
  const root = word.root === 'another' ? OTHER_DIGEST : story.ledger.state.root;
  const when = at('15:00');
  return Buffer.from(
    `${JSON.stringify({ schema: 'pam.checkpoint/1', root, seq: word.seq, head, at: when })}\n`,
  );
}

function spread({ code, seq }: { readonly code: string; readonly seq: number | string }): readonly string[] {
  const [from, to] = String(seq).split('..').map(Number);
  if (from === undefined) return [];
  return Array.from({ length: (to ?? from) - from + 1 }, (_, step) => `${from + step} ${code}`);
}

const sorted = (list: readonly string[]): readonly string[] =>
  [...new Set(list)].sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));

describe('ledger cases', () => {
  it('there are at least fifty of them', () => {
    expect(names.length).toBeGreaterThanOrEqual(50);
  });

  it.each(
    names.map((name) => {
      const told = readCase(name);
      return [`${told.rows.map((row) => `[${row}]`).join('')} ${name}`, name, told] as const;
    }),
  )('%s', async (_title, name, told) => {
    const { about, expect: wanted } = told;
    const found = foundBy(await auditCase(name, told));
    const { said, ...verdict } = found;
    expect({ about, ...verdict }).toEqual({
      about,
      ok: wanted.ok,
      seq: wanted.seq,
      first_bad: wanted.first_bad,
      findings: sorted((wanted.findings ?? []).flatMap(spread)),
      error: wanted.error,
    });
    expect(said).not.toMatch(UNPRINTABLE);
    expect(said).toContain(wanted.first_bad === undefined ? '' : `error entry ${wanted.first_bad}: `);
  });
});

function foundBy(audited: Audited | PamError) {
  if (audited instanceof PamError) {
    const error = audited.exit === EXIT.integrity ? audited.code : `${audited.code}, exit ${audited.exit}`;
    return { error, findings: [], said: audited.message };
  }
  const { ok, seq, findings } = audited;
  const errors = findings.filter(({ severity }) => severity === 'error').map((one) => one.seq);
  return {
    ok,
    seq,
    first_bad: errors.length === 0 ? undefined : Math.min(...errors),
    findings: sorted(findings.map(({ code, seq: where }) => `${where} ${code}`)),
    said: auditText(audited, PLAIN),
  };
}
