/** From a wish to a proposal: build the file, judge it, sign it, and only then put it anywhere. */
import { printRequest, readRequest } from '../../documents/request-file.ts';
import type { Reason } from '../../model/decision.ts';
import { ERROR_HINTS } from '../../model/error-hints.ts';
import { EXIT, expected, PamError } from '../../model/error.ts';
import { type Duration, type Instant, durationFrom, parseInstant } from '../../model/instant.ts';
import { isRequestId, requestPath, type RequestId } from '../../model/names.ts';
import type { Request } from '../../model/request.ts';
import type { Policy } from '../../model/policy.ts';
import { orDidYouMean } from '../../rules/did-you-mean.ts';
import { roleOf } from '../../rules/exact-grant.ts';
import { judgeRequest } from '../../rules/judge-request.ts';
import { faultOfOpening, openBeside } from '../../rules/open-requests.ts';
import { proposalFacts } from '../../rules/proposal-facts.ts';
import { verifyRequester } from '../../rules/decide.ts';
import { beneficiaries } from '../../rules/people.ts';
import { judgeApprovers } from '../../rules/who-can-approve.ts';
import { joinSigned } from '../../trust/armor.ts';
import { sha256 } from '../../trust/digest.ts';
import { printStatement } from '../../trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../trust/statements/registry.ts';
import { type Desk, mainRef, type Signer } from '../desk.ts';
import { incidentStates } from '../gather/gather.ts';
import { aboutOne } from '../gather/about.ts';
import { freshLedger } from '../gather/look-at-request.ts';
import { needKnownVersion } from '../ledger/walk/newer-version.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';

export interface Wish {
  readonly role: string;
  readonly duration: string;
  readonly justification: string;
  readonly ticket?: string | undefined;
  readonly incident?: string | undefined;
  readonly controls: readonly string[];
  readonly scope: Readonly<Record<string, string>>;
  readonly subject?: string | undefined;
  readonly start?: string | undefined;
}

export interface CheckedDraft {
  readonly request: Request;
  readonly bytes: Uint8Array;
  readonly reasons: readonly Reason[];
  readonly view: LedgerView;
}

export interface Proposed extends CheckedDraft {
  readonly path: string;
  readonly branch: string;
  readonly proposal: string;
}

/** The file as it would be, with every pre-check; throws when one of them says no. */
export async function draftRequest(desk: Desk, requester: string, wish: Wish): Promise<CheckedDraft> {
  const request = requestOf(desk, requester, wish, desk.clock());
  const { view } = await freshLedger(desk, (known) => aboutOne(request.id, known));
  needKnownVersion(view);
  const now = desk.clock();
  const bytes = Buffer.from(printRequest(request));
  needReadable(bytes, request.id);
  const { policy } = view.state;
  const main = await desk.repository.resolve(mainRef(desk, policy.config));
  const named = request.incident === undefined ? [] : [request.incident];
  const incident = (await incidentStates(desk, view, main, named)).get(request.incident ?? '') ?? null;
  const beside = openBeside(view.state.index, request);
  const reasons = judgeRequest({ policy, request, incident, now, seenAt: null, beside });
  const role = roleOf(policy, wish.role);
  const gain = beneficiaries(policy, request.requester, request.subject);
  const never = role === undefined ? [] : judgeApprovers(policy, role, gain);
  const failing = [...reasons, ...never].filter((one) => !one.ok && one.kind === 'rule');
  const known = role !== undefined;
  const sentences = new Set(failing.map(({ message }) => message));
  if (failing.length > 0) {
    throw new PamError(
      failing[0]?.code ?? 'E_POL_ROLE',
      // Two rules may fail in the same words; what is counted is what is shown.
      sentences.size === 1
        ? `policy refuses this request: ${failing[0]?.message ?? ''}`
        : `policy refuses this request for ${sentences.size} reasons`,
      {
        exit: EXIT.refused,
        // There is no file that a place could be named in.
        issues: failing.map(({ code, message }) => ({ file: '', code, message })),
        hint:
          known && incident !== null && failing.every(({ code }) => code === 'E_POL_INCIDENT')
            ? `add incidents/${request.incident ?? ''}.yaml to main (version: 1, id: ${request.incident ?? ''}, status: open), or name one that is open`
            : hintOn(policy, requester, wish, failing),
      },
    );
  }
  return { request, bytes, view, reasons: reasons.map(({ code, ok, message }) => ({ code, ok, message })) };
}

/** Reading it back is the same judge that CI will be. There is no file yet, so a fault is that of the option that was typed. */
function needReadable(bytes: Uint8Array, id: RequestId): void {
  try {
    readRequest(bytes, requestPath(id));
  } catch (cause) {
    const { code, exit, issues } = expected(cause);
    const told = issues.map((one) => ({
      file: '',
      code: one.code,
      message: `${optionOf(one.path)} ${one.message}`,
    }));
    const [first] = told;
    if (first === undefined || told.length > 1)
      throw new PamError(code, `${told.length} problems with what was typed`, {
        exit,
        issues: told,
        hint: PAGE,
      });
    throw new PamError(code, first.message, { exit, hint: PAGE });
  }
}

const PAGE = 'pam request --help';

const OPTIONS: Readonly<Record<string, string>> = {
  duration: '--for',
  justification: '--reason',
  compensating_controls: '--control',
  role: 'the role',
};

/** @param path a JSON pointer into the request; the first step is the field */
function optionOf(path: string | undefined): string {
  const field = path?.split('/')[1];
  return field === undefined ? 'the request' : (OPTIONS[field] ?? `--${field}`);
}

/** With a key that is known beforehand. */
export async function proposeRequest(desk: Desk, signer: Signer, wish: Wish): Promise<Proposed> {
  return await proposeDraft(desk, signer, await draftRequest(desk, signer.id, wish));
}

/** What is typed wrongly is told first: everything else may follow from it. */
function hintOn(
  policy: Policy,
  requester: string,
  { role, subject }: Wish,
  failing: readonly Reason[],
): string {
  if (roleOf(policy, role) === undefined)
    return `\`pam catalog\` lists the roles${orDidYouMean(role, Object.keys(policy.roles))}`;
  const names = [...Object.keys(policy.people), ...Object.keys(policy.services)];
  const stranger = [requester, subject ?? requester].find((one) => !names.includes(one));
  if (stranger === undefined) {
    const [code, ...others] = new Set(failing.map((one) => one.code));
    // One thing is missing, and its option says it; of several the page of the role says all.
    if (code !== undefined && others.length === 0) return ERROR_HINTS[code];
    return `pam catalog ${role} says what the role asks for`;
  }
  return stranger === requester
    ? `say who you are: --as, or git config --global pam.person <name>${orDidYouMean(stranger, names)}`
    : `policy knows no ${stranger}${orDidYouMean(stranger, Object.keys(policy.services))}`;
}

export async function proposeDraft(desk: Desk, signer: Signer, judged: CheckedDraft): Promise<Proposed> {
  const { request, bytes, view } = judged;
  const { root, policy } = view.state;
  const fault = faultOfOpening(policy, signer.id, openBeside(view.state.index, request));
  if (fault !== undefined) {
    throw new PamError('E_POL_LIMIT', fault, {
      hint: '`pam status` lists them, and `pam deny <id>` withdraws one of yours',
    });
  }
  const signedAt = desk.clock();
  const requestSha256 = sha256(bytes);
  const text = printStatement({
    type: 'request',
    root,
    signer: signer.id,
    signedAt,
    request: request.id,
    requestSha256,
  });
  const signed = { text, armor: await desk.sign(text, STATEMENT_KINDS.request.namespace, signer.keyFile) };
  verifyRequester({ root, policy, id: request.id, request, requestSha256 }, signed, signedAt);
  const forge = await desk.forge(policy.config);
  const { branch, proposal } = await forge.propose({
    id: request.id,
    request: bytes,
    signature: Buffer.from(joinSigned(signed)),
    author: signer.id,
    message: `request ${request.id}: ${request.role} for ${request.subject}, ${request.duration}\n`,
    facts: proposalFacts(policy, desk.providers, request, judged.reasons, signedAt),
  });
  return { ...judged, path: requestPath(request.id), branch, proposal };
}

function requestOf(desk: Desk, requester: string, wish: Wish, now: Instant): Request {
  const duration: Duration | undefined = durationFrom(wish.duration);
  if (duration === undefined) {
    throw new PamError('E_REQ_TTL', `"${wish.duration}" is not a duration`, {
      hint: 'write 45m, 2h, 1h30m or 1d',
    });
  }
  const start = wish.start === undefined ? undefined : parseInstant(wish.start);
  if (wish.start !== undefined && start === undefined) {
    throw new PamError('E_REQ_TIME', `"${wish.start}" is not an instant`, {
      hint: 'write it like 2026-11-22T18:00:00Z',
    });
  }
  return {
    version: 1,
    id: newId(desk, wish.role, now),
    requester,
    subject: wish.subject ?? requester,
    role: wish.role,
    ...(Object.keys(wish.scope).length === 0 ? {} : { scope: wish.scope }),
    duration,
    justification: wish.justification,
    ...(wish.ticket === undefined ? {} : { ticket: wish.ticket }),
    ...(wish.incident === undefined ? {} : { incident: wish.incident }),
    ...(wish.controls.length === 0 ? {} : { compensating_controls: wish.controls }),
    ...(start === undefined ? {} : { start }),
  };
}

/** UTC date, role, six random letters and digits. */
function newId(desk: Desk, role: string, now: Instant): RequestId {
  const random = BigInt(`0x${desk.nonce(8)}`)
    .toString(36)
    .padStart(6, '0')
    .slice(-6);
  const id = `${now.slice(0, 10).replaceAll('-', '')}-${role}-${random}`;
  if (!isRequestId(id)) {
    throw new PamError('E_POL_ROLE', `"${role}" cannot be the name of a role`, {
      hint: '`pam catalog` lists them',
    });
  }
  return id;
}
