/**
 * Objects from two long-lived `git cat-file`: one gives an object, the other only says what it is and how large, where that
 * is too much to read. Only object ids are asked for (and `<id>^{tree}`), so no path and no name of a stranger ever becomes syntax.
 *
 * Reading is total: each object is answered for by itself. Git sends a large object whole once it was asked for it, and
 * ends at a broken one; both cost a new git, never the answers about the others.
 */
import { PamError } from '../model/error.ts';
import { isUnreadable, type Unreadable } from '../model/git.ts';
import { isOid, type Oid } from '../model/names.ts';
import type { Conversation, KeptOpen } from '../process/keep-open.ts';
import type { Sealed } from './sealed.ts';

export interface ObjectHead {
  readonly oid: Oid;
  readonly type: string;
  readonly size: number;
}

export interface ObjectStream {
  /**
   * Each in its order; `undefined` where the clone has no such object, or git cannot say what it is.
   * @param asked object ids, or `<id>^{tree}`
   */
  readonly look: (asked: readonly string[]) => Promise<readonly (ObjectHead | undefined)[]>;
  /**
   * What `take` made of the tree of each commit or tree, in order. It gets one tree at a time, so that a thousand large
   * ones are never in memory together; its bytes are gone afterwards.
   */
  readonly trees: <T>(
    treeish: readonly Oid[],
    room: Room,
    take: (content: Buffer, tree: Oid) => T | Unreadable,
  ) => Promise<readonly (T | Unreadable)[]>;
  /** In order. */
  readonly blobs: (oids: readonly Oid[], room: Room) => Promise<readonly (Uint8Array | Unreadable)[]>;
  /** The bytes of commits, in order. */
  readonly commits: (oids: readonly Oid[], room: Room) => Promise<readonly (Uint8Array | Unreadable)[]>;
}

/** How many bytes may be read. */
export interface Room {
  /** Of one object. */
  readonly each: number;
  /** Of all together, counted down. */
  left: number;
}

/** Longer than any answer line; a "missing" one repeats the question. */
const LINE = 1024;
const QUESTIONS = 512;
/** An honest clone has no broken object; each costs a new git. */
const MOST_BROKEN = 64;

export function openObjectStream(sealed: Sealed): ObjectStream {
  const heads = sealed.keepOpen(['cat-file', '--batch-check']);
  const wholes = sealed.keepOpen(['cat-file', '--batch']);
  const look: ObjectStream['look'] = async (asked) => {
    const known = asked.length > QUESTIONS ? [] : await lookWhole(wholes, asked);
    const rest = asked.slice(known.length);
    const answers = await askEach(heads, rest, async (from) => headOf(await from.line(LINE)));
    return [...known, ...answers.map((one) => (isUnreadable(one) ? undefined : one))];
  };
  const programs = { look, wholes };
  // A copy, so that one small file does not keep the whole answer in memory.
  const take = (content: Buffer): Uint8Array => Uint8Array.from(content);
  const treeOf = (oid: Oid): string => `${oid}^{tree}`;
  return {
    look,
    trees: async (treeish, room, makeOf) =>
      await readWhole(programs, treeish, { type: 'tree', ask: treeOf, room, take: makeOf }),
    blobs: async (oids, room) => await readWhole(programs, oids, { type: 'blob', ask: String, room, take }),
    commits: async (oids, room) =>
      await readWhole(programs, oids, { type: 'commit', ask: String, room, take }),
  };
}

/**
 * A few small objects are looked at as they are read, and dropped: another git costs more. Those before the first that
 * is too large for that, or broken.
 */
async function lookWhole(
  wholes: KeptOpen,
  asked: readonly string[],
): Promise<readonly (ObjectHead | undefined)[]> {
  const answers = await askEach(wholes, asked, async (from) => {
    const head = headOf(await from.line(LINE));
    if (head === undefined) return undefined;
    if (head.size > FEW_BYTES) throw new NotSent();
    await from.bytes(head.size + 1);
    return head;
  });
  const broken = answers.findIndex(isUnreadable);
  return (broken === -1 ? answers : answers.slice(0, broken)).flatMap((one) =>
    isUnreadable(one) ? [] : [one],
  );
}

interface Reading<T> {
  readonly type: 'tree' | 'blob' | 'commit';
  readonly ask: (oid: Oid) => string;
  readonly room: Room;
  readonly take: (content: Buffer, oid: Oid) => T | Unreadable;
}

interface Programs {
  readonly look: ObjectStream['look'];
  readonly wholes: KeptOpen;
}

/**
 * Mostly every object has a sensible size. At the first that has not, git is stopped before it sends it; what is left
 * is looked at before it is read.
 */
async function readWhole<T>(
  programs: Programs,
  oids: readonly Oid[],
  reading: Reading<T>,
): Promise<readonly (T | Unreadable)[]> {
  const first = await readSome(programs.wholes, oids, reading);
  const rest = oids.slice(first.length);
  const found = rest.length === 0 ? first : first.concat(await lookAndRead(programs, rest, reading));
  const absent = oids.filter((_, at) => found[at] === undefined);
  const heads = absent.length === 0 ? [] : await programs.look(absent);
  const faults = new Map(absent.map((oid, at) => [oid, faultOfAbsent(oid, heads[at], reading.type)]));
  return oids.map((oid, at) => found[at] ?? faults.get(oid) ?? TOO_MUCH);
}

type Some<T> = (T | Unreadable | undefined)[];

/** Those before the first that is too large to be sent; `undefined` for what the clone has not. */
async function readSome<T>(
  wholes: KeptOpen,
  oids: readonly Oid[],
  { type, ask, room, take }: Reading<T>,
): Promise<Some<T>> {
  return await askEach(wholes, oids.map(ask), async (from) => {
    const head = headOf(await from.line(LINE));
    if (head === undefined) return undefined;
    const fault = faultOf(head, type, room);
    if (fault !== undefined && head.size > FEW_BYTES) throw new NotSent();
    // A line feed follows it.
    const content = (await from.bytes(head.size + 1)).subarray(0, head.size);
    if (fault !== undefined) return fault;
    room.left -= head.size;
    return take(content, head.oid);
  });
}

async function lookAndRead<T>(
  { look, wholes }: Programs,
  oids: readonly Oid[],
  reading: Reading<T>,
): Promise<Some<T>> {
  const { type, ask, room } = reading;
  const heads = await look(oids.map(ask));
  const faults = heads.map((head) => (head === undefined ? undefined : faultOf(head, type, room)));
  const sound = [...new Set(oids.filter((_, at) => heads[at] !== undefined && faults[at] === undefined))];
  const answers = await readSome(wholes, sound, reading);
  // There was room for each of them, and not for all.
  const read = new Map(sound.map((oid, at) => [oid, at < answers.length ? answers[at] : TOO_MUCH]));
  return oids.map((oid, at) => faults[at] ?? read.get(oid));
}

/** Ends a conversation before git sends what is asked for next. */
class NotSent extends Error {}

/** What has no use and is no larger is read and dropped: cheaper than another git. */
const FEW_BYTES = 64 * 1024;

const because = (unreadable: Unreadable['unreadable'], why: string): Unreadable => ({ unreadable, why });
const TOO_MUCH = because('E_GIT_SIZE', 'everything together is more than is read at once');

function faultOf(head: ObjectHead, type: string, room: Room): Unreadable | undefined {
  if (head.type !== type)
    return because('E_GIT_UNREADABLE', `object ${head.oid} is a ${head.type}, no ${type}`);
  if (head.size > room.each)
    return because('E_GIT_SIZE', `${type} ${head.oid} has ${head.size} bytes; at most ${room.each} are read`);
  return head.size > room.left ? TOO_MUCH : undefined;
}

/** A commit that is there and has no tree lacks it; what is no commit never had one. */
function faultOfAbsent(oid: Oid, head: ObjectHead | undefined, type: string): Unreadable {
  if (head === undefined || head.type === type || head.type === 'commit')
    return because('E_GIT_PARTIAL', `this clone lacks ${type} ${oid}`);
  return because('E_GIT_UNREADABLE', `object ${oid} is a ${head.type}, no ${type}`);
}

/**
 * Asks in portions, so that neither side waits for the other with a full pipe. Where git ends before it answered one
 * question and answers others, that object is broken; where it answers nothing at all its error is thrown.
 */
async function askEach<T>(
  open: KeptOpen,
  questions: readonly string[],
  answer: (from: Conversation) => Promise<T>,
): Promise<(T | Unreadable)[]> {
  const answers: (T | Unreadable)[] = [];
  for (let broken = 0; answers.length < questions.length; ) {
    const until = answers.length + QUESTIONS;
    try {
      await open.converse(async (from) => {
        // Held once more after an interrupt: what was answered the first time is not asked again.
        const part = questions.slice(answers.length, until);
        from.say(part.map((question) => `${question}\n`).join(''));
        for (const _ of part) answers.push(await answer(from));
      });
    } catch (error) {
      if (error instanceof NotSent) return answers;
      if (!isBroken(error) || !(await answersAtAll(open, questions[0] ?? ''))) throw error;
      broken += 1;
      const left = broken < MOST_BROKEN ? 1 : questions.length - answers.length;
      for (let count = 0; count < left; count++) answers.push(BROKEN);
    }
  }
  return answers;
}

const BROKEN = because('E_GIT_UNREADABLE', 'git ends when it is asked for it: the object is broken');

const isBroken = (error: unknown): boolean =>
  error instanceof PamError && (error.code === 'E_RUN_ENDED' || error.code === 'E_GIT');

/** No object has the id of nothing but zeros. */
async function answersAtAll(open: KeptOpen, like: string): Promise<boolean> {
  const nothing = '0'.repeat(/^[0-9a-f]*/u.exec(like)?.[0].length ?? 40);
  try {
    return (
      (await open.converse(async (from) => {
        from.say(`${nothing}\n`);
        return headOf(await from.line(LINE));
      })) === undefined
    );
  } catch (error) {
    if (isBroken(error)) return false;
    throw error;
  }
}

function headOf(line: string): ObjectHead | undefined {
  const [, oid, type, size] = /^([0-9a-f]{40,64}) ([a-z]+) (\d+)$/u.exec(line) ?? [];
  if (oid !== undefined && type !== undefined && isOid(oid)) return { oid, type, size: Number(size) };
  if (/^\S+ missing$/u.test(line)) return undefined;
  throw new PamError('E_GIT', 'git cat-file gave an unreadable answer');
}
