/**
 * A second opinion: the package `emulate` is asked the same questions as our double, and both must say the same, but
 * for what is listed by name, with a reason, in `second-opinion.ts`. Where the two differ GitHub's description and
 * what GitHub is known to answer decide; a difference that goes away fails too, so that the lists stay true.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { git } from '../adapters/git-workbench.ts';
import { type Emulated, startEmulate } from './emulate.ts';
import { ONLY_OURS, ONLY_THEIRS, type Step, STEPS } from './second-opinion.ts';
import { stage } from './stage.ts';

interface Heard {
  readonly status: number;
  readonly body: unknown;
  /** Relation to page number. */
  readonly pages: Readonly<Record<string, string>>;
}

/** Paths of an answer with the type of each leaf; a list is its first item. */
function shapeOf(value: unknown, at: string = ''): readonly string[] {
  if (Array.isArray(value)) return [`${at}[]`, ...(value.length === 0 ? [] : shapeOf(value[0], `${at}[]`))];
  if (value === null) return [`${at}:null`];
  if (typeof value !== 'object') return [`${at}:${typeof value}`];
  return Object.entries(value).flatMap(([key, one]) => shapeOf(one, `${at}.${key}`));
}

/** Of two answers that both did what was asked; refusals have words of their own. */
const shapesOf = (...both: readonly [Heard, Heard]): readonly [readonly string[], readonly string[]] =>
  both.every(({ status }) => status < 300) ? [shapeOf(both[0].body), shapeOf(both[1].body)] : [[], []];

const heard = new Map<string, readonly [ours: Heard, theirs: Heard]>();

async function hear(base: string, token: string, step: Step, saved: Map<string, string>): Promise<Heard> {
  const path = step.path.replaceAll(/\{(\w+)\}/gu, (_, name: string) => saved.get(name) ?? '');
  const response = await fetch(
    path.startsWith('/') ? `${base}${path}` : `${base}/repos/acme/access/${path}`,
    {
      method: step.method,
      headers: { 'User-Agent': 'test', Authorization: `Bearer ${token}` },
      ...(step.body === undefined ? {} : { body: JSON.stringify(step.body) }),
    },
  );
  const text = await response.text();
  const body: unknown = text === '' ? undefined : JSON.parse(text);
  if (step.save !== undefined) saved.set(step.save, String((body as { readonly id: number }).id));
  const links = (response.headers.get('link') ?? '').matchAll(/[?&]page=([0-9]+)[^>]*>; rel="([a-z]+)"/gu);
  return {
    status: response.status,
    body,
    pages: Object.fromEntries([...links].map(([, page = '', relation = '']) => [relation, page])),
  };
}

/** The same branches on both sides: ours by git, theirs through their API. */
async function makeBranches(emulate: Emulated): Promise<void> {
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const step = { name: '', as: 'alice', method, path, body } as const;
    return (await hear(emulate.url, emulate.token('alice'), step, new Map())).body;
  };
  const { object } = (await call('GET', 'git/ref/heads/main')) as {
    readonly object: { readonly sha: string };
  };
  for (const branch of ['one', 'two', 'same']) {
    await call('POST', 'git/refs', { ref: `refs/heads/${branch}`, sha: object.sha });
    if (branch === 'same') continue;
    await call('PUT', `contents/${branch}.txt`, { message: branch, branch, content: 'YQo=' });
  }
}

beforeAll(async () => {
  const on = await stage();
  const emulate = await startEmulate();
  try {
    await makeBranches(emulate);
    for (const branch of ['one', 'two']) on.push(branch, { [`${branch}.txt`]: 'a\n' });
    git(on.bare, 'update-ref', 'refs/heads/same', 'refs/heads/main');
    const saved = [new Map([['bob', String(on.hub.id('bob'))]]), new Map([['bob', '4']])] as const;
    for (const step of STEPS) {
      const ours = await hear(on.hub.url, on.hub.token(step.as), step, saved[0]);
      heard.set(step.name, [ours, await hear(emulate.url, emulate.token(step.as), step, saved[1])]);
    }
  } finally {
    emulate.close();
    await on.hub.close();
  }
});

const answers = ({ name }: Step): readonly [ours: Heard, theirs: Heard] => {
  const found = heard.get(name);
  if (found === undefined) throw new Error(`${name} was not asked`);
  return found;
};
const reasonFor = (list: typeof ONLY_OURS, what: string): string | undefined =>
  list.find(([pattern]) => pattern.test(what))?.[1];

const named = (step: Step, from: readonly string[], without: readonly string[]): readonly string[] =>
  from.filter((one) => !without.includes(one)).map((one) => `${step.name} ${one}`);

describe('both say the same', () => {
  test.each(STEPS.filter(({ differs }) => differs === undefined))('$name', (step) => {
    const [ours, theirs] = answers(step);
    expect([ours.status, ours.pages]).toEqual([theirs.status, theirs.pages]);
  });

  test.each(STEPS)('in the same shape, where both answer: $name', (step) => {
    const [ours, theirs] = answers(step);
    const [mine, other] = shapesOf(ours, theirs);
    expect(named(step, mine, other).filter((one) => reasonFor(ONLY_OURS, one) === undefined)).toEqual([]);
    expect(named(step, other, mine).filter((one) => reasonFor(ONLY_THEIRS, one) === undefined)).toEqual([]);
  });
});

describe('emulate differs', () => {
  test.each(
    STEPS.filter(({ differs }) => differs !== undefined).map(
      (step) => [step.name, step.differs?.[1], step] as const,
    ),
  )('%s: %s', (_, __, step) => {
    const [ours, theirs] = answers(step);
    expect(theirs.status).toBe(step.differs?.[0]);
    expect(ours.status).not.toBe(theirs.status);
  });

  test('files of a pull request: it has none, for it has no trees to compare', () => {
    expect(STEPS.some(({ path }) => path.endsWith('/files'))).toBe(false);
  });
});

test('every reason is needed', () => {
  const differences = STEPS.flatMap((step) => {
    const [mine, other] = shapesOf(...answers(step));
    return [
      ...named(step, mine, other).map((what) => ['ours', what] as const),
      ...named(step, other, mine).map((what) => ['theirs', what] as const),
    ];
  });
  const idle = (list: typeof ONLY_OURS, whose: string): string[] =>
    list
      .filter(([pattern]) => !differences.some(([who, what]) => who === whose && pattern.test(what)))
      .map(([pattern]) => pattern.source);
  expect([idle(ONLY_OURS, 'ours'), idle(ONLY_THEIRS, 'theirs')]).toEqual([[], []]);
});
