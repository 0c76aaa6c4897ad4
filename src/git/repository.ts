/** The door to Git, assembled: one repository on this machine. */
import type { Repository } from '../model/git.ts';
import { findRepository } from './find-repository.ts';
import { openHistory } from './history.ts';
import { openRemote } from './network.ts';
import { openObjectStream } from './object-stream.ts';
import { openObjects } from './objects.ts';
import { openRefs } from './refs.ts';
import { seal, type Environment } from './sealed.ts';
import { writeCommit } from './write-commit.ts';

/** The repository that `dir` lies in. `E_GIT_NONE`, `E_GIT_OWNER`, `E_GIT` when it cannot be used. */
export async function openRepository(dir: string, env: Environment): Promise<Repository> {
  const place = await findRepository(dir, env);
  const sealed = seal(place, env);
  const stream = openObjectStream(sealed);
  const refs = openRefs(sealed, place);
  return {
    gitDir: place.gitDir,
    workTree: place.workTree,
    resolve: refs.resolve,
    refs: refs.refs,
    ...openHistory(sealed, stream),
    ...openObjects(stream),
    writeCommit: async (commit) => await writeCommit(sealed, stream, place.objectFormat, commit),
    moveRef: async (ref, to, old) => await refs.change([{ ref, to, old }]),
    moveRefs: async (moves) => await refs.change(moves),
    remote: async (name) => await openRemote({ place, sealed, stream, refs, env, name }),
  };
}
