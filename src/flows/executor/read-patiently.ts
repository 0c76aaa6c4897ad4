/**
 * Reading the ledger before a sweep, when reading may take long: a pusher can make fetching and walking slow, and push more
 * than a run may fetch. What rests on its recorded end does not wait for either.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { handledLater } from '../../model/error.ts';
import { beginBudget } from '../at-targets/ask-targets.ts';
import { aboutStops } from '../gather/about.ts';
import { fetchLargeLedger, fetchState, type Freshness } from '../ledger/fetch-state.ts';
import { headFromHere } from '../ledger/kept-head.ts';
import { held, readOrHold } from '../ledger/net.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import type { Known } from '../ledger/walk/witness.ts';
import { endAtTargets, needsNoRecord, NOT_ALL, restsOnItsEnd, UNRECORDED } from './end-due.ts';
import { type Done, outcomeRecorder } from './record-outcomes.ts';
import { onItsOwn, type Run, tellIn } from './sweep-run.ts';

/** Milliseconds: longer than fetching and walking takes where nothing makes it slow. */
const PATIENCE = { own: 10_000, shared: 60_000 };

/**
 * A pusher can make fetching and walking slow. What rests on its recorded end, by the head that this machine kept, does
 * not wait for that: soon what no other grant can need, later what others share as well, since a newer grant of the same
 * access may not have been read yet. Outcomes are recorded on top of what was read in the end.
 */
export async function readPatiently(run: Run, before: readonly Done[]): Promise<LedgerView> {
  const known = await knownHere(run);
  const reading = readAll(run, known);
  if (known === undefined) return await recordEarly(run, await reading, before);
  const { own, shared } = run.scope.patience ?? PATIENCE;
  const early = await endMeanwhile(run, known, reading, [
    [own, needsNoRecord],
    [shared - own, restsOnItsEnd],
  ]);
  return await recordEarly(run, await reading, [...before, ...early]);
}

const knownHere = async (run: Run): Promise<Known | undefined> =>
  await held(tellIn(run), 'the kept head could not be read', undefined, async () => {
    return await headFromHere(run.desk, run.executor);
  });

type Turn = readonly [afterMs: number, isDue: typeof restsOnItsEnd];

/** While something else takes its time, turn after turn, ends what is due by what is known. */
async function endMeanwhile(
  run: Run,
  known: Known,
  work: Promise<unknown>,
  turns: Iterable<Turn>,
): Promise<readonly Done[]> {
  const early: Done[] = [];
  for (const [wait, isDue] of turns) {
    if (await settledWithin(work, wait)) break;
    await held(tellIn(run), NOT_ALL, undefined, async () => {
      const due = onItsOwn(run)(known, run.desk.clock()).end.filter(isDue);
      // A turn has its own time: those before may have used up theirs.
      const turn = { ...run, budget: beginBudget(run.desk.clock()) };
      await endAtTargets(turn, known, due, async (done) => await Promise.resolve(void early.push(done)));
    });
  }
  return early;
}

async function recordEarly(run: Run, read: LedgerView, early: readonly Done[]): Promise<LedgerView> {
  if (early.length === 0) return read;
  const recorder = outcomeRecorder(run.desk, run.executor, read, tellIn(run));
  const last = await held(tellIn(run), UNRECORDED, read, async () => {
    for (const done of early) await recorder.note(done);
    return await recorder.rest();
  });
  run.wrote ||= last !== read;
  return last;
}

/** Again and again, as long as it takes. */
function* everyMinute(): Generator<Turn> {
  for (;;) yield [60_000, restsOnItsEnd];
}

export async function fetchLargeMeanwhile(
  run: Run,
): Promise<{ readonly fetched: boolean; readonly early: readonly Done[] }> {
  const fetching = held(
    tellIn(run),
    'the ledger could not be fetched by itself',
    false,
    async () => await fetchLargeLedger(run.desk),
  );
  handledLater(fetching);
  const known = await knownHere(run);
  const early = known === undefined ? [] : await endMeanwhile(run, known, fetching, everyMinute());
  return { fetched: await fetching, early };
}

async function readAll(run: Run, known: Known | undefined): Promise<LedgerView> {
  const { desk, executor } = run;
  const tells = tellIn(run);
  const stale: Freshness = { fresh: false, why: 'the last fetch failed' };
  const freshness = await held(
    tells,
    'not fetched',
    stale,
    async () => await fetchState(desk, known && aboutStops(known.state)),
  );
  if (!freshness.fresh) {
    run.ledgerTooLarge = freshness.ledgerTooLarge === true;
    tells({ code: 'E_FORGE_STALE', message: `not fetched: ${freshness.why}` });
  }
  return await readOrHold(desk, executor, known);
}

/** Also when it failed: its error is thrown where it is awaited. */
async function settledWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = work.then(
    () => true,
    () => true,
  );
  const gaveUp = new AbortController();
  try {
    return await Promise.race([settled, sleep(ms, false, { signal: gaveUp.signal })]);
  } finally {
    gaveUp.abort();
  }
}
