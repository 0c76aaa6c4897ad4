/** What `pam revoke` and `pam done` share: a signed stop, and the access taken away at once where an executor is at hand. */
import { EXIT } from '../model/error.ts';
import type { Signed } from '../model/statement.ts';
import type { Desk, Signer } from '../flows/desk.ts';
import type { Looked } from '../flows/gather/look-at-request.ts';
import { exitOfSweep } from '../flows/executor/run-result.ts';
import { prepareStop, signStop } from '../flows/people/sign-stop.ts';
import { sweep } from '../flows/executor/sweep.ts';
import { runText } from '../views/run.ts';
import { type Session, stopOut } from './session.ts';

export interface Ending {
  readonly desk: Desk;
  readonly looked: Looked;
  readonly signer: Signer;
  readonly reason: string;
  /** Asks whether to go on. */
  readonly ask: (question: string) => Promise<void>;
}

export async function endAccess(at: Session, { desk, looked, signer, reason, ask }: Ending): Promise<void> {
  const { id, record } = looked;
  const stopped = record?.state === 'ending' && record.ending?.cause === 'stopped';
  const executor = at.executor();
  const stops: Signed[] = [];
  if (!stopped) {
    const statement = prepareStop(looked, signer.id, reason);
    await ask(`End ${id} now, as ${signer.id}?`);
    stops.push(await signStop(desk, looked, statement, signer, executor !== null));
  }
  const out = stopped ? {} : { out: stopOut(id) };
  // A sweep would be another step.
  if (executor === null || desk.interrupted()) {
    const document = { id, type: 'stop', signer: signer.id, capacity: null };
    const said = `${id} stopped by ${signer.id}; the next sweep takes the access away\n`;
    at.done({ exit: EXIT.done, schema: 'pam.statement/1', document, text: said, ...out });
    return;
  }
  const result = await sweep(desk, executor, {
    targets: [],
    ids: new Set([id]),
    stops: new Map([[id, stops]]),
  });
  const { steps, ledger } = result;
  if (!steps.some((one) => one.id === id)) {
    at.show(`${executor.name} has nothing to do for ${id}; the sweep that may revoke there takes it away\n`);
  }
  at.done({
    exit: desk.interrupted() && !stopped ? EXIT.done : exitOfSweep(result),
    schema: 'pam.run/1',
    document: { steps, ledger },
    text: runText(result, at.style, at.now()),
    ...out,
  });
}

/** The requester's or the subject's own. */
export const isOwn = ({ record }: Looked, person: string): boolean =>
  record?.seen?.requester === person || record?.grant?.subject === person;
