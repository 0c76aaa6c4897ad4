/**
 * Objects from two long-lived `git cat-file`: one says what an object is and how large, the other gives it. Only
 * object ids are asked for (and `<id>^{tree}`), so no path and no name of a stranger ever becomes syntax.
 */
import { PamError } from '../model/error.ts';
import { isOid, type Oid } from '../model/names.ts';
import type { Conversation, KeptOpen } from '../process/keep-open.ts';
import type { Sealed } from './sealed.ts';

export interface ObjectHead {
  readonly oid: Oid;
  readonly type: string;
  readonly size: number;
}

export interface ObjectStream {
  /** Each in its order; `undefined` where the clone has no such object. */
  readonly look: (oids: readonly Oid[]) => Promise<readonly (ObjectHead | undefined)[]>;
  /** The tree of each commit or tree, in order; `undefined` where the clone has no such object, or no tree in it. */
  readonly trees: (treeish: readonly Oid[]) => Promise<readonly (Whole | undefined)[]>;
  /** In order. Throws `E_GIT_SIZE` or `E_GIT` at the first that is too large, missing or no blob. */
  readonly blobs: (oids: readonly Oid[], maxBytes: number) => Promise<readonly Uint8Array[]>;
}

export interface Whole extends ObjectHead {
  readonly content: Buffer;
}

/** Longer than any answer line; a "missing" one repeats the question. */
const LINE = 1024;
/** A tree of some 400,000 entries: far more than any that pam reads. */
const TREE_MAX_BYTES = 16 * 1024 * 1024;
const QUESTIONS = 512;

export function openObjectStream(sealed: Sealed): ObjectStream {
  const heads = sealed.keepOpen(['cat-file', '--batch-check']);
  const wholes = sealed.keepOpen(['cat-file', '--batch']);
  return {
    look: async (oids) => await inTurns(heads, oids, String, async (from) => headOf(await from.line(LINE))),
    trees: async (treeish) =>
      await inTurns(
        wholes,
        treeish,
        (oid) => `${oid}^{tree}`,
        async (from) => await wholeOf(from, 'tree', TREE_MAX_BYTES),
      ),
    blobs: async (oids, maxBytes) =>
      await inTurns(wholes, oids, String, async (from) => {
        const blob = await wholeOf(from, 'blob', maxBytes);
        if (blob === undefined) throw new PamError('E_GIT', 'an object is missing, or no blob');
        // A copy, so that one small file does not keep the whole answer in memory.
        return Uint8Array.from(blob.content);
      }),
  };
}

/** Asks in portions, so that neither side waits for the other with a full pipe. */
async function inTurns<T>(
  open: KeptOpen,
  oids: readonly Oid[],
  ask: (oid: Oid) => string,
  answer: (from: Conversation) => Promise<T>,
): Promise<readonly T[]> {
  const answers: T[] = [];
  for (let at = 0; at < oids.length; at += QUESTIONS) {
    const part = oids.slice(at, at + QUESTIONS);
    await open.converse(async (from) => {
      from.say(part.map((oid) => `${ask(oid)}\n`).join(''));
      for (const _ of part) answers.push(await answer(from));
    });
  }
  return answers;
}

function headOf(line: string): ObjectHead | undefined {
  const [, oid, type, size] = /^([0-9a-f]{40,64}) ([a-z]+) (\d+)$/u.exec(line) ?? [];
  if (oid !== undefined && type !== undefined && isOid(oid)) return { oid, type, size: Number(size) };
  if (/^\S+ missing$/u.test(line)) return undefined;
  throw new PamError('E_GIT', 'git cat-file gave an unreadable answer');
}

async function wholeOf(from: Conversation, type: string, maxBytes: number): Promise<Whole | undefined> {
  const head = headOf(await from.line(LINE));
  if (head === undefined) return undefined;
  if (head.size > maxBytes)
    throw new PamError(
      'E_GIT_SIZE',
      `${type} ${head.oid} has ${head.size} bytes; at most ${maxBytes} are read`,
    );
  // A line feed follows it.
  const content = (await from.bytes(head.size + 1)).subarray(0, head.size);
  return head.type === type ? { ...head, content } : undefined;
}
