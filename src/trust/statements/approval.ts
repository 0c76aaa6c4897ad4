import { PamError } from '../../model/error.ts';
import { isName } from '../../model/names.ts';
import type { Capacity, ExactGrant, LedgerPoint } from '../../model/statement.ts';
import { sortBytes } from '../digest.ts';
import { type RequestVersion, VERSION_FAULTS, versionLines } from './about-request.ts';
import { EXAMPLE } from './example-values.ts';
import { pointOf, printPoint, quote, quoteOrDash, unquoteLine } from './line-values.ts';
import type { Line, StatementKind } from './statement-kind.ts';

interface ApprovalKnown extends RequestVersion {
  readonly grant: ExactGrant;
}

interface ApprovalClaims {
  readonly capacity: Capacity;
  readonly because: string | null;
  /** The newest entry that the signer's own machine had verified. */
  readonly ledger: LedgerPoint;
}

declare module '../../model/statement.ts' {
  interface StatementShapes {
    /** A named human agrees to exactly this grant. */
    readonly approval: { readonly known: ApprovalKnown; readonly claimed: ApprovalClaims };
  }
}

export const approval: StatementKind<'approval'> = {
  namespace: 'pam-approval-v1@pam',
  lines: (statement) => {
    const { grant } = statement;
    return [
      ...versionLines(statement),
      ['subject', grant.subject],
      ['target', grant.target],
      ['login', grant.login],
      ...sortBytes(grant.permissions).map((one): Line => ['permission', quote(one)]),
      ['login-key', grant.loginKey ?? '-'],
      ['duration', grant.duration],
      ['start', grant.start ?? '-'],
      ['capacity', statement.capacity],
      ['because', quoteOrDash(statement.because)],
      ['ledger', printPoint(statement.ledger)],
    ];
  },
  claims: (lines) => {
    const because = unquoteLine(lines, 'because');
    const capacity = capacityOf(lines.get('capacity'));
    const ledger = pointOf(lines.get('ledger'));
    if (capacity === null || ledger === null) {
      throw new PamError('E_STATEMENT', 'the approval names no capacity or no ledger entry');
    }
    return { capacity, because, ledger };
  },
  faults: VERSION_FAULTS,
  travels: { about: 'request', as: 'approve', stands: ['approve'], account: 'signer' },
  oddArmorsRecorded: true,
  example: {
    request: EXAMPLE.request,
    requestSha256: EXAMPLE.digest,
    grant: {
      subject: 'dana',
      target: 'orders-db',
      login: 'druiz',
      permissions: [EXAMPLE.text, 'connect'],
      loginKey: EXAMPLE.fingerprint,
      duration: EXAMPLE.duration,
      start: EXAMPLE.instant,
    },
    capacity: 'delegate:bob',
    because: EXAMPLE.text,
    ledger: { seq: 41, head: EXAMPLE.digest },
  },
};

function capacityOf(value: string | undefined): Capacity | null {
  if (value === 'named' || value === 'fallback') return value;
  if (value?.startsWith('delegate:') === true && isName(value.slice('delegate:'.length))) {
    return `delegate:${value.slice('delegate:'.length)}`;
  }
  return null;
}
