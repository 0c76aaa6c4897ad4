import type { Sha256 } from '../../model/names.ts';
import type { NoClaims } from '../../model/statement.ts';
import { EXAMPLE } from './example-values.ts';
import type { StatementKind } from './statement-kind.ts';

interface PolicyKnown {
  readonly seq: number;
  readonly policySha256: Sha256;
  /** `null` for version 1. */
  readonly previousSha256: Sha256 | null;
}

declare module '../../model/statement.ts' {
  interface StatementShapes {
    /** An admin agrees to exactly these files as the next version of policy. */
    readonly policy: { readonly known: PolicyKnown; readonly claimed: NoClaims };
  }
}

export const policy: StatementKind<'policy'> = {
  namespace: 'pam-policy-v1@pam',
  lines: ({ seq, policySha256, previousSha256 }) => [
    ['seq', String(seq)],
    ['policy-sha256', policySha256],
    ['previous-sha256', previousSha256 ?? '-'],
  ],
  claims: () => ({}),
  faults: {},
  // GitHub takes no review of one's own pull request, and admins propose policies themselves.
  travels: { about: 'policy', as: 'approve', stands: ['approve', 'comment'], account: 'signer' },
  oddArmorsRecorded: true,
  example: { seq: 2, policySha256: EXAMPLE.digest, previousSha256: EXAMPLE.digest },
};
