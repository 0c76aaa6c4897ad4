/**
 * Statements by topic. A flooded topic, or one whose proposal is gone, hurts itself alone; and what could be
 * read of it is given all the same, for one stop is enough, whatever else was said (DESIGN rules 6 and 8).
 */
import { PamError } from '../../model/error.ts';
import type { Doubt, Forge, Found, Topic } from '../../model/forge.ts';
import type { OpenRecord } from '../../model/open-record.ts';

export interface ReadStatements {
  readonly found: ReadonlyMap<string, readonly Found[]>;
  /** Topics that could not be read whole, with why. */
  readonly flooded: ReadonlyMap<string, PamError>;
  /** Something is wrong with the forge itself: who knows what is missing. */
  readonly broken: PamError | null;
}

export async function readStatements(forge: Forge, topics: readonly Topic[]): Promise<ReadStatements> {
  const doubts = new Map<string, PamError>();
  const found = topics.length === 0 ? NOTHING : await findAll(forge, topics, doubts);
  return {
    found,
    flooded: new Map([...doubts].filter(([, { code }]) => OF_ONE_TOPIC.has(code))),
    broken: [...doubts.values()].find(({ code }) => !OF_ONE_TOPIC.has(code)) ?? null,
  };
}

const NOTHING: ReadStatements['found'] = new Map();

/**
 * What strangers can bring about at one proposal: too much, what changes while it is read, what is gone; and what is
 * missing in this clone of one branch alone.
 */
const OF_ONE_TOPIC: ReadonlySet<string> = new Set([
  'E_FORGE_LIMIT',
  'E_FORGE_PAGING',
  'E_FORGE_SHAPE',
  'E_FORGE_NOT_FOUND',
  'E_GIT_PARTIAL',
]);

async function findAll(
  forge: Forge,
  topics: readonly Topic[],
  doubts: Map<string, PamError>,
): Promise<ReadStatements['found']> {
  const doubt: Doubt = (topic, error) => void doubts.set(topic, error);
  try {
    return await forge.statements(topics, doubt);
  } catch (error) {
    if (!isFlood(error)) throw error;
  }
  const found = new Map<string, readonly Found[]>();
  for (const topic of topics) {
    try {
      for (const [key, statements] of await forge.statements([topic], doubt)) found.set(key, statements);
    } catch (error) {
      if (!isFlood(error)) throw error;
      doubt(topic.name, error);
    }
  }
  return found;
}

/** Where a request's statements are read: at the proposal that `seen` recorded, if it was seen. */
export const topicOf = ({ id, seen }: Pick<OpenRecord, 'id' | 'seen'>): Topic => ({
  name: id,
  place: seen?.proposal ?? null,
});

export const isFlood = (error: unknown): error is PamError =>
  error instanceof PamError && error.code === 'E_FORGE_LIMIT';
