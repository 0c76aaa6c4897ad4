/** Statements by topic. A topic that somebody flooded hurts itself alone: the others are read one by one then. */
import { PamError } from '../model/error.ts';
import type { Forge, Found, Topic } from '../model/forge.ts';
import type { OpenRecord } from '../model/open-record.ts';

export interface ReadStatements {
  readonly found: ReadonlyMap<string, readonly Found[]>;
  /** Topics that could not be read, with why. */
  readonly flooded: ReadonlyMap<string, string>;
}

export async function readStatements(forge: Forge, topics: readonly Topic[]): Promise<ReadStatements> {
  const found = new Map<string, readonly Found[]>();
  const flooded = new Map<string, string>();
  if (topics.length === 0) return { found, flooded };
  try {
    return { found: await forge.statements(topics), flooded };
  } catch (error) {
    if (!isFlood(error)) throw error;
  }
  for (const topic of topics) {
    try {
      for (const [key, statements] of await forge.statements([topic])) found.set(key, statements);
    } catch (error) {
      if (!isFlood(error)) throw error;
      flooded.set(topic.name, error.message);
    }
  }
  return { found, flooded };
}

/** Where a request's statements are read: at the proposal that `seen` recorded, if it was seen. */
export const topicOf = ({ id, seen }: Pick<OpenRecord, 'id' | 'seen'>): Topic => ({
  name: id,
  place: seen?.proposal ?? null,
});

export const isFlood = (error: unknown): error is PamError =>
  error instanceof PamError && error.code === 'E_FORGE_LIMIT';
