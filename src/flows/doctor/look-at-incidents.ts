/** Can the incident source be asked, and about what is open now? */
import { type Check, tellOf } from '../../model/check.ts';
import { mayBeLive } from '../../model/open-record.ts';
import { type Desk, mainRef } from '../desk.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';

/** No incident is called that; a source that can be read says so. */
const PROBE = 'pam-doctor';

export async function lookAtIncidents(desk: Desk, view: LedgerView): Promise<Check[]> {
  const { ok, problem } = tellOf('incidents');
  const { policy, index } = view.state;
  const main = await desk.repository.resolve(mainRef(desk, policy.config));
  const source = desk.incidents(policy.config, main);
  const live = [...index.records.values()].filter(mayBeLive).flatMap(({ grant }) => grant?.incident ?? []);
  const checks: Check[] = [];
  for (const id of [PROBE, ...new Set(live)]) {
    const state = await source.state(id);
    if (state.state !== 'unknown') continue;
    const what =
      id === PROBE ? 'incidents cannot be read' : `incident ${id}, for which access is live, cannot be read`;
    const hint = 'grants that need an incident stop; live ones run to their end';
    checks.push(problem('E_INCIDENT', `${what}: ${state.why}`, hint));
    if (id === PROBE) break;
  }
  return checks.length > 0
    ? checks
    : [ok('E_INCIDENT', `incidents can be read (${policy.config.incidents.source})`)];
}
