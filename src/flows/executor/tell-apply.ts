/** What a run of `apply` says about itself, id by id. */
import type { RequestId } from '../../model/names.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';
import type { PlannedIntents } from './plan-intents.ts';
import type { RunStep } from './run-result.ts';

export const policyStep = (seq: number): RunStep => ({
  action: 'policy',
  id: '-',
  target: null,
  result: 'done',
  error: null,
  what: `policy ${seq} is in force`,
});

export function recordedSteps({ plan, intents }: PlannedIntents): RunStep[] {
  const step = (action: RunStep['action'], id: RequestId, target: string | null, what: string): RunStep => ({
    action,
    id,
    target,
    result: 'done',
    error: null,
    what,
  });
  const granting = new Set(intents.map(({ id }) => id));
  return [
    ...plan.see
      .filter(({ id }) => !granting.has(id))
      .map((one) => step('see', one.id, null, `${one.requester} asks to be ${one.role}`)),
    // A caller who named this id must not take a stop for a success.
    ...plan.stop.map((one) => ({
      ...step('stop', one.id, null, 'stopped by a person who may'),
      error: { code: 'E_POL_DENIED', message: 'stopped by a person who may' },
    })),
    ...plan.refuse.map((one) => ({
      ...step('refuse', one.id, null, one.reasons.map(({ message }) => message).join('; ')),
      error: one.reasons[0] ?? null,
    })),
    ...plan.ready
      .filter(({ action }) => action === 'schedule')
      .map(({ id, terms }) =>
        step(
          'schedule',
          id,
          terms.target,
          `${terms.permissions.join(', ')} to ${terms.login} from ${terms.start} until ${terms.end}`,
        ),
      ),
  ];
}

/** Begun by an executor that has not come back (yet): a run with nothing else to do must not pass over them in silence. */
export const beingGranted = (view: LedgerView): readonly RequestId[] =>
  [...view.state.index.records.values()].filter(({ state }) => state === 'granting').map(({ id }) => id);

/** An id that was asked for by name and needs nothing: live is well, over is over (DESIGN section 6). */
export function settledStep(view: LedgerView, id: RequestId): RunStep[] {
  const record = view.state.index.records.get(id);
  const target = record?.grant?.target ?? null;
  const skipped = { action: 'grant', id, target, result: 'skipped' } as const;
  switch (record?.state) {
    case 'live':
    case 'scheduled':
      return [{ ...skipped, error: null, what: `it is ${record.state} already` }];
    case 'granting':
      return [{ ...skipped, error: null, what: begunText(record.grant?.granting?.act_by) }];
    case 'ending':
    case 'ended':
    case 'failed':
    case 'refused':
    case 'stopped': {
      const message = `the id is used up: it is ${record.state}; ask again with a new one`;
      return [{ ...skipped, error: { code: 'E_REQ_CONSUMED', message }, what: '' }];
    }
    case 'unseen': {
      const message = 'these bytes were refused before; ask again with a new id';
      return [{ ...skipped, error: { code: 'E_REQ_CONSUMED', message }, what: '' }];
    }
    case undefined:
    case 'seen':
      return [];
  }
}

/** Until `act_by` the executor that began may still be at work; afterwards any `apply` takes it up. */
const begunText = (actBy: string | undefined): string =>
  actBy === undefined
    ? 'begun and not finished'
    : `begun and not finished; apply takes it up again after ${actBy}`;
