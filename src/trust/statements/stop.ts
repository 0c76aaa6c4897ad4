import type { RequestId } from '../../model/names.ts';
import { VERSION_FAULTS } from './about-request.ts';
import { EXAMPLE } from './example-values.ts';
import { quoteOrDash, unquoteLine } from './line-values.ts';
import type { StatementKind } from './statement-kind.ts';

declare module '../../model/statement.ts' {
  interface StatementShapes {
    /** Denial, withdrawal and revocation are one thing. */
    readonly stop: {
      readonly known: { readonly request: RequestId };
      readonly claimed: { readonly because: string | null };
    };
  }
}

export const stop: StatementKind<'stop'> = {
  namespace: 'pam-stop-v1@pam',
  lines: ({ request, because }) => [
    ['request', request],
    ['because', quoteOrDash(because)],
  ],
  claims: (lines) => ({ because: unquoteLine(lines, 'because') }),
  faults: { request: VERSION_FAULTS.request },
  // It can only make an answer stricter: it counts however it came, and whatever becomes of the review.
  travels: { about: 'request', as: 'object', stands: ['object', 'approve', 'comment'], account: 'any' },
  oddArmorsRecorded: true,
  example: { request: EXAMPLE.request, because: EXAMPLE.text },
};
