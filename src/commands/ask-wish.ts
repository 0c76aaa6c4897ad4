/** What `pam request` still has to know: asked one after the other on a terminal, named all at once elsewhere. */
import type { Desk } from '../flows/desk.ts';
import { headFromHere } from '../flows/ledger/kept-head.ts';
import { readLedger } from '../flows/ledger/read-ledger.ts';
import type { Wish } from '../flows/people/make-request.ts';
import { PamError } from '../model/error.ts';
import { durationFrom } from '../model/instant.ts';
import type { Policy, Role } from '../model/policy.ts';
import { roleOf } from '../rules/exact-grant.ts';
import { mayRequest } from '../rules/my-part.ts';
import type { Session } from './session.ts';

/** What the command line said. */
export interface HalfWish extends Omit<Wish, 'role' | 'duration' | 'justification'> {
  readonly role: string | undefined;
  readonly duration: string | undefined;
  readonly justification: string | undefined;
}

/** Without a terminal to ask on. */
export function needWhole(half: HalfWish): Wish {
  const { role, duration, justification } = half;
  if (role !== undefined && duration !== undefined && justification !== undefined)
    return { ...half, role, duration, justification };
  const missing = [
    ...(role === undefined ? ['a role'] : []),

    ...(duration === undefined ? ['--for <duration>'] : []),
    ...(justification === undefined ? ['--reason <text>'] : []),
  ];
  const [last, ...before] = missing.reverse();
  const list = before.length === 0 ? last : `${before.reverse().join(', ')} and ${last}`;
  throw new PamError('E_USAGE', `a request needs ${list}`, { hint: 'pam request --help' });
}

/** The catalogue is the one that this clone holds: the request is judged by the newest. */
export async function askForRest(at: Session, desk: Desk, person: string, half: HalfWish): Promise<Wish> {
  if (!at.mayAsk()) return needWhole(half);
  const { policy } = (await readLedger(desk, null, await headFromHere(desk, null))).state;
  const role = half.role ?? (await whichRole(at, policy, person));
  const known = roleOf(policy, role);
  const atMost = known === undefined ? '' : `, at most ${known.max_duration}`;
  const duration =
    half.duration ?? (await at.askText(`For how long (45m, 2h)${atMost}?`, '', faultOfDuration));
  const justification =
    half.justification ?? (await at.askText('Why, for the person who approves?', '', needText));
  return { ...half, role, duration, justification, ...(await evidence(at, known, half)) };
}

async function whichRole(at: Session, policy: Policy, person: string): Promise<string> {
  const mine = mayRequest(policy, person);
  if (mine.length === 0)
    throw new PamError('E_POL_REQUESTER', `there is no role that ${person} may ask for`, {
      hint: '`pam catalog` lists the roles and who may ask for each',
    });
  const choices = mine.map((value) => ({
    value,
    label: `${value}   ${roleOf(policy, value)?.description ?? ''}`,
  }));
  return await at.pick('Which role?', choices);
}

/** What the role asks for besides, as far as it was not given. */
async function evidence(
  at: Session,
  role: Role | undefined,
  { ticket, incident, controls, scope }: HalfWish,
): Promise<Pick<Wish, 'ticket' | 'incident' | 'controls' | 'scope'>> {
  const wants = (what: string): boolean => role?.require.includes(what) === true;
  const filled: Record<string, string> = { ...scope };
  for (const [key, { enum: values }] of Object.entries(role?.scope ?? {}))
    filled[key] ??= await at.pick(
      `Which ${key}?`,
      values.map((value) => ({ value, label: value })),
    );
  return {
    scope: filled,
    ticket: ticket ?? (wants('ticket') ? await at.askText('Which ticket?', '', needText) : undefined),
    incident: incident ?? (wants('incident') ? await at.askText('Which incident?', '', needText) : undefined),
    controls:
      controls.length === 0 && wants('compensating_controls')
        ? [await at.askText('Which compensating control?', '', needText)]
        : controls,
  };
}

const needText = (text: string): string | undefined => (text === '' ? 'it is needed' : undefined);

const faultOfDuration = (text: string): string | undefined =>
  durationFrom(text) === undefined ? 'write 45m, 2h, 1h30m or 1d' : undefined;
