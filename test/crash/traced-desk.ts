/**
 * A desk with every door watched: whatever an executor does to the ledger, to a target or to its own memory goes
 * through `act`, one named step at a time. Each function of each door is called a step or a read *here*, so a new
 * one neither compiles nor runs before somebody has said which it is.
 */
import type { Desk } from '../../src/flows/desk.ts';
import type { Memory } from '../../src/memory/kept-heads.ts';
import type { Remote, Repository } from '../../src/model/git.ts';
import type { Provider, TargetSession } from '../../src/model/target.ts';

/** `door`: holds further functions, and is wrapped by itself. */
type Kind = 'step' | 'read' | 'door';
type Kinds<T> = Readonly<Record<keyof T, Kind>>;

const DESK: Kinds<Desk> = {
  repository: 'door',
  remote: 'door',
  memory: 'door',
  providers: 'door',
  sign: 'step',
  bringAlong: 'step',
  // Executors only read from forges; proposing and publishing is for people.
  forge: 'read',
  // What is told changes nothing that is on record.
  notices: 'read',
  wrote: 'read',
  branchesAbout: 'read',
  incidents: 'read',
  hint: 'read',
  givenRoot: 'read',
  offline: 'read',
  clock: 'read',
  pause: 'read',
  chance: 'read',
  nonce: 'read',
  env: 'read',
  interrupted: 'read',
  allRecorded: 'read',
  note: 'read',
  progress: 'read',
  keyOf: 'read',
};
const REPOSITORY: Kinds<Repository> = {
  writeCommit: 'step',
  moveRef: 'step',
  moveRefs: 'step',
  gitDir: 'read',
  workTree: 'read',
  resolve: 'read',
  refs: 'read',
  history: 'read',
  commitLog: 'read',
  messages: 'read',
  isAncestor: 'read',
  mergeBase: 'read',
  mergeBases: 'read',
  list: 'read',
  names: 'read',
  read: 'read',
  remote: 'read',
};
const REMOTE: Kinds<Remote> = {
  url: 'read',
  list: 'read',
  fetch: 'step',
  fetchLarge: 'step',
  push: 'step',
  deepen: 'step',
};
const MEMORY: Kinds<Memory> = {
  directory: 'read',
  pinnedRoot: 'read',
  branches: 'read',
  keepBranches: 'step',
  pinRoot: 'step',
  keptHead: 'read',
  keepHead: 'step',
  keptNotices: 'read',
  keepNotices: 'step',
};
const SESSION: Kinds<TargetSession> = {
  verifyIdentity: 'step',
  grant: 'step',
  revoke: 'step',
  inspect: 'step',
  prepare: 'step',
  checkOrder: 'read',
  examine: 'read',
};

/** Runs one step, or doesn't. `name` is `<door>.<function>`; a target's door is its provider. */
export type Act = <T>(name: string, step: () => Promise<T>) => Promise<T>;

export function tracedDesk(desk: Desk, act: Act): Desk {
  const { remote } = desk;
  return watched('desk', desk, DESK, act, {
    repository: watched('repository', desk.repository, REPOSITORY, act),
    memory: watched('memory', desk.memory, MEMORY, act),
    remote:
      remote === null
        ? null
        : { ...remote, open: async () => watched('remote', await remote.open(), REMOTE, act) },
    providers: new Map([...desk.providers].map(([kind, one]) => [kind, watchedProvider(one, act)])),
  });
}

function watchedProvider(provider: Provider, act: Act): Provider {
  return {
    ...provider,
    open: async (place) => watched(provider.kind, await provider.open(place), SESSION, act),
  };
}

function watched<T extends object>(
  door: string,
  inner: T,
  kinds: Readonly<Record<keyof T, Kind>>,
  act: Act,
  doors: Partial<T> = {},
): T {
  // `Object.keys` forgets which keys they are.
  const names = Object.keys(inner) as (keyof T & string)[];
  const replaced = names.flatMap((name): [string, unknown][] => {
    const value: unknown = inner[name];
    if (!Object.hasOwn(kinds, name)) throw new Error(`${door}.${name} is neither a step nor a read yet`);
    if (kinds[name] !== 'step' || typeof value !== 'function') return [];
    const step = async (...args: readonly unknown[]): Promise<unknown> =>
      await act(`${door}.${name}`, async () => await (Reflect.apply(value, inner, args) as Promise<unknown>));
    return [[name, step]];
  });
  return { ...inner, ...(Object.fromEntries(replaced) as Partial<T>), ...doors };
}
