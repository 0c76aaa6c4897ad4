/**
 * The pre-checks: what policy says about a request before any approver is asked. Every rule answers, so that a
 * requester mends three problems in one push. The codes are the ones that each rule fails with.
 */
import type { ErrorCode } from '../model/error-codes.ts';
import type { Reason } from '../model/decision.ts';
import { type Instant, plus, secondsBetween, secondsOf } from '../model/instant.ts';
import type { IncidentState } from '../model/incident.ts';
import type { Policy, Role } from '../model/policy.ts';
import type { Request } from '../model/request.ts';
import { identityOf, roleOf } from './exact-grant.ts';
import { checkScope } from './fill-scope.ts';
import { faultOfOpening } from './open-requests.ts';
import { isPerson, members, ownerOf } from './people.ts';

/** `wait`: not now, but nothing is wrong. */
export interface DecisionReason extends Reason {
  readonly kind: 'rule' | 'wait' | 'evidence';
}

export const MAX_START_AHEAD_SECONDS = 30 * 86_400;

export interface RequestFacts {
  readonly policy: Policy;
  readonly request: Request;
  /** `null`: the request names none. */
  readonly incident: IncidentState | null;
  readonly now: Instant;
  /** When the executor first saw it; `null` before that. */
  readonly seenAt: Instant | null;
  /** Of `openBeside`. */
  readonly beside: number | null;
}

export function judgeRequest(facts: RequestFacts): readonly DecisionReason[] {
  const { policy, request } = facts;
  const role = roleOf(policy, request.role);
  if (role === undefined) {
    return [rule('E_POL_ROLE', false, `there is no role ${request.role} in the catalogue`)];
  }
  return [
    rule('E_POL_ROLE', true, `role ${request.role} is on ${role.target}`),
    judgeRequester(policy, request, role),
    judgeSubject(policy, request, role),
    judgeScope(request, role),
    judgeDuration(request, role),
    ...judgeRequired(request, role),
    ...judgeIncident(facts, role),
    ...judgeStart(facts),
    ...judgeOpening(facts),
  ];
}

const rule = (code: ErrorCode, ok: boolean, message: string): DecisionReason => ({
  code,
  ok,
  message,
  kind: 'rule',
});

function judgeRequester(policy: Policy, request: Request, role: Role): DecisionReason {
  const { requester, subject } = request;
  if (identityOf(policy, requester) === undefined) {
    return rule('E_POL_REQUESTER', false, `${requester} is neither a person nor a service in policy`);
  }
  const listed = members(policy, role.requesters);
  // An owner asks on behalf of the service: the service must be listed, the owner need not be.
  const owner = requester !== subject && ownerOf(policy, subject) === requester;
  return listed.has(requester) || owner
    ? rule('E_POL_REQUESTER', true, `${requester} may ask for ${request.role}`)
    : rule('E_POL_REQUESTER', false, `${requester} is not among those who may ask for ${request.role}`);
}

function judgeSubject(policy: Policy, request: Request, role: Role): DecisionReason {
  const { requester, subject } = request;
  if (identityOf(policy, subject) === undefined) {
    return rule('E_POL_SUBJECT', false, `${subject} is neither a person nor a service in policy`);
  }
  if (subject !== requester && !(isPerson(policy, requester) && ownerOf(policy, subject) === requester)) {
    return rule(
      'E_POL_SUBJECT',
      false,
      `${requester} may ask for themselves or a service of theirs, not for ${subject}`,
    );
  }
  return members(policy, role.requesters).has(subject)
    ? rule('E_POL_SUBJECT', true, `${subject} may receive ${request.role}`)
    : rule('E_POL_SUBJECT', false, `${subject} is not among those who may receive ${request.role}`);
}

function judgeScope(request: Request, role: Role): DecisionReason {
  const problems = checkScope(role, request.scope ?? {});
  if (problems.length > 0) return rule('E_POL_SCOPE', false, problems.join('; '));
  const filled = Object.entries(request.scope ?? {}).map(([key, value]) => `${key}=${value}`);
  return rule(
    'E_POL_SCOPE',
    true,
    filled.length === 0 ? 'the role has no scope to fill' : `scope ${filled.join(', ')}`,
  );
}

function judgeDuration(request: Request, role: Role): DecisionReason {
  const ok = secondsOf(request.duration) <= secondsOf(role.max_duration);
  const limit = `at most ${role.max_duration}`;
  return rule(
    'E_POL_TTL',
    ok,
    ok
      ? `${request.duration}, ${limit}`
      : `${request.duration} is longer than the ${role.max_duration} that the role allows`,
  );
}

function judgeRequired(request: Request, role: Role): DecisionReason[] {
  return role.require.flatMap((word) => {
    if (word === 'ticket') {
      const { ticket } = request;
      return rule(
        'E_POL_TICKET',
        ticket !== undefined,
        ticket === undefined ? 'a ticket is required' : `ticket ${ticket}`,
      );
    }
    if (word === 'compensating_controls') {
      const count = request.compensating_controls?.length ?? 0;
      const message =
        count === 0 ? 'at least one compensating control is required' : `${count} compensating control(s)`;
      return rule('E_POL_CONTROLS', count > 0, message);
    }
    if (word.startsWith('justification:')) {
      const least = Number(word.slice('justification:'.length));
      const length = [...request.justification.trim()].length;
      const message = `justification of ${length} characters, at least ${least} required`;
      return rule('E_POL_JUSTIFICATION', length >= least, message);
    }
    // `incident` is judged with the incident itself; any other word was refused when policy was loaded.
    return [];
  });
}

function judgeIncident(facts: RequestFacts, role: Role): DecisionReason[] {
  const { request, incident } = facts;
  if (request.incident === undefined) {
    return role.require.includes('incident')
      ? [rule('E_POL_INCIDENT', false, 'an open incident is required')]
      : [];
  }
  if (incident === null || incident.state === 'unknown') {
    const why = incident?.state === 'unknown' ? `: ${incident.why}` : '';
    const message = `whether incident ${request.incident} is open is not known${why}`;
    return [{ code: 'E_POL_INCIDENT', ok: false, message, kind: 'wait' }];
  }
  return incident.state === 'open'
    ? [rule('E_POL_INCIDENT', true, `incident ${request.incident} is open`)]
    : [rule('E_POL_INCIDENT', false, `incident ${request.incident} is not open: ${incident.why}`)];
}

function judgeOpening({ policy, request, beside }: RequestFacts): DecisionReason[] {
  const fault = faultOfOpening(policy, request.requester, beside);
  if (fault === undefined) return [];
  const message = `${fault}; this one waits until one of them is decided or withdrawn`;
  return [{ code: 'E_POL_LIMIT', ok: false, message, kind: 'wait' }];
}

function judgeStart(facts: RequestFacts): DecisionReason[] {
  const { request, now } = facts;
  if (request.start === undefined) return [];
  if (secondsBetween(facts.seenAt ?? now, request.start) > MAX_START_AHEAD_SECONDS) {
    return [rule('E_POL_START', false, `start ${request.start} is more than 30 days ahead`)];
  }
  const end = plus(request.start, secondsOf(request.duration));
  return end <= now
    ? [rule('E_POL_START', false, `start ${request.start} and its ${request.duration} are over`)]
    : [rule('E_POL_START', true, `not before ${request.start}`)];
}
