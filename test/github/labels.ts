/** Labels come into being when somebody who may puts them on. */
import { atLeast } from './accounts.ts';
import { type Answer, type Asked, callerOf, invalid, type Listing, listing, ok, Refusal } from './answers.ts';
import { pullOf } from './find-pull.ts';
import type { Hub } from './hub.ts';
import { showLabel } from './shapes.ts';

export function listLabels(hub: Hub, asked: Asked): Listing {
  return listing([...pullOf(hub, asked, 'issue_number').labels], (name) => showLabel(hub, name));
}

export function addLabels(hub: Hub, asked: Asked): Answer {
  const pull = pullOf(hub, asked, 'issue_number');
  if (!atLeast(callerOf(asked).role, 'triage'))
    throw new Refusal(403, 'Must have triage access to add labels.');
  const wanted: unknown = asked.body['labels'];
  const names = (Array.isArray(wanted) ? wanted : []).map((one: unknown) =>
    typeof one === 'object' && one !== null && 'name' in one ? one.name : one,
  );
  if (!names.every((one) => typeof one === 'string' && one !== '')) {
    throw invalid({ resource: 'Label', code: 'missing_field', field: 'name' });
  }
  for (const name of names) pull.labels.add(String(name));
  pull.updatedAt = hub.now();
  return ok([...pull.labels].map((name) => showLabel(hub, name)));
}
