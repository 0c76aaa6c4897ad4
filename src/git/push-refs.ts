/** A push: fast-forward only, all or none, straight to the refs of the remote. */
import { PamError } from '../model/error.ts';
import type { PushResult } from '../model/git.ts';
import { isOid, type Oid } from '../model/names.ts';
import { lendCuts, type Line, type RemotePlace, unreachable } from './line.ts';
import { checkRef, isRef } from './ref-names.ts';
import type { Answer } from './talk.ts';

export async function pushRefs(
  at: RemotePlace,
  line: Line,
  moves: readonly { readonly oid: Oid; readonly ref: string }[],
): Promise<PushResult> {
  if (moves.length === 0) return 'moved';
  const specs = moves.map(({ oid, ref }) => {
    if (!isOid(oid) || !checkRef(ref).startsWith('refs/heads/'))
      throw new PamError('E_BUG', `cannot push to ${ref}`);
    return `${oid}:${ref}`;
  });
  const tracking = moves
    .map(({ ref }) => ref.replace(/^refs\/heads/u, `refs/remotes/${at.name}`))
    .filter(isRef);
  const before = new Map<string, Oid | undefined>();
  for (const ref of tracking) before.set(ref, await at.refs.resolve(ref));
  const atomic = moves.length > 1 ? ['--atomic'] : [];
  const args = [
    'push',
    '--porcelain',
    '--quiet',
    '--no-verify',
    ...atomic,
    '--end-of-options',
    line.url,
    ...specs,
  ];
  lendCuts(at, line);
  const answer = await line.say(args);
  if (answer.code !== 0) return judgeRefusal(answer);
  for (const { oid } of moves) line.commits.add(oid);
  await Promise.all(
    tracking.map(async (ref, index) => {
      const to = moves[index]?.oid;
      // Best effort, as git itself does it: the next fetch would say the same.
      if (to !== undefined)
        await at.refs.change([{ ref, to, old: before.get(ref) ?? null }]).catch(() => false);
    }),
  );
  return 'moved';
}

/** A refused ref has its own line, `!<tab>from:to<tab>[rejected] (why)`. Without one it is not known what happened. */
function judgeRefusal(answer: Answer): PushResult {
  const refused = answer.stdout.split('\n').filter((text) => text.startsWith('!\t'));
  if (refused.length > 0 && refused.every((text) => /\[(?:remote )?rejected\]/u.test(text)))
    return 'rejected';
  throw unreachable(answer.stderr);
}
