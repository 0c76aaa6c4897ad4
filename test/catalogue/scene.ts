/**
 * What an attack starts from: a real access repository in which one grant is live and everything else still waits.
 * Made once a file, then copied for each attack.
 */
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { lookAtRequest } from '../../src/flows/gather/look-at-request.ts';
import { proposeRequest } from '../../src/flows/people/make-request.ts';
import { mergeRequest } from '../../src/flows/people/merge-request.ts';
import { prepareApproval, signApproval } from '../../src/flows/people/sign-approval.ts';
import { type Instant, plus } from '../../src/model/instant.ts';
import type { RequestId } from '../../src/model/names.ts';
import { tempDir } from '../adapters/git-workbench.ts';
import { BEGIN, makeWorld, signedHere, type Wanted, type World } from '../crash/access-repository.ts';

export interface Scene {
  readonly world: World;
  /** `reader` on `north` for dana, live until `LIVE_ENDS`. */
  readonly live: RequestId;
  /** `southerner` for dana, approved by bob and not merged: nobody's victim, it shows that others go on. */
  readonly good: RequestId;
  /** `writer` on `north` for erin, approved by bob and not merged: the attacker may merge it. */
  readonly victim: RequestId;
  /** `reader` on `north` for erin, proposed: nobody signed it yet. */
  readonly unapproved: RequestId;
  /** `slot` s1 on `north` for erin, approved by bob and then denied by alice. */
  readonly denied: RequestId;
}

/** When attacks happen. */
export const ATTACKED = plus(BEGIN, 10 * 60);
export const LIVE_ENDS = plus(BEGIN, 3600);
export const LIVE_HELD = 'north dana read';
export const GOOD_HELD = 'south dana read';

export async function makeScene(options: { readonly remote?: boolean } = {}): Promise<Scene> {
  const world = await makeWorld(join(tempDir(), 'world'), options);
  const live = await world.ask({ role: 'reader', duration: '1h' });
  const good = await propose(world, { role: 'southerner', duration: '6h' }, 'bob');
  const victim = await propose(world, { role: 'writer', requester: 'erin' }, 'bob');
  const unapproved = await propose(world, { role: 'reader', requester: 'erin' });
  const denied = await propose(world, { role: 'slot', requester: 'erin', scope: { slot: 's1' } }, 'bob');
  await world.stop(denied, 'alice');
  await world.apply();
  world.now = ATTACKED;
  return { world, live, good, victim, unapproved, denied };
}

/** Asked for and, where an approver is named, approved; not merged. */
export async function propose(world: World, wanted: Wanted, approver?: string): Promise<RequestId> {
  const { role, requester = 'dana', duration = '1h', scope = {}, incident } = wanted;
  const desk = await world.desk(signedHere);
  const wish = { role, duration, justification: 'The lock has to go.', controls: [], scope, incident };
  const { request } = await proposeRequest(desk, world.signer(requester), wish);
  if (approver !== undefined) {
    const looked = await lookAtRequest(desk, request.id);
    await signApproval(desk, looked, prepareApproval(looked, approver, null), world.signer(approver));
  }
  return request.id;
}

export async function merge(world: World, id: RequestId): Promise<void> {
  await mergeRequest(await world.desk(), await lookAtRequest(await world.desk(), id), 'alice');
}

/** Builds one scene before the tests of a file; each call of the result is a copy of its own. */
export function preparedScene(options: { readonly remote?: boolean } = {}): () => Scene {
  return prepared(async () => await makeScene(options));
}

/** The same for a scene in which more waits than in `makeScene`'s. */
export function prepared<S extends Scene>(make: () => Promise<S>): () => S {
  let made: S | undefined;
  beforeAll(async () => {
    made = await make();
  }, 120_000);
  return () => {
    if (made === undefined) throw new Error('scenes are copied inside tests only');
    return { ...made, world: made.world.copy(join(tempDir(), 'world')) };
  };
}

export const minutes = (count: number): Instant => plus(BEGIN, count * 60);
