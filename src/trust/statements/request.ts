import type { NoClaims } from '../../model/statement.ts';
import { type RequestVersion, VERSION_FAULTS, versionLines } from './about-request.ts';
import { EXAMPLE } from './example-values.ts';
import type { StatementKind } from './statement-kind.ts';

declare module '../../model/statement.ts' {
  interface StatementShapes {
    /** The requester asks for exactly these bytes. */
    readonly request: { readonly known: RequestVersion; readonly claimed: NoClaims };
  }
}

export const request: StatementKind<'request'> = {
  namespace: 'pam-request-v1@pam',
  lines: versionLines,
  claims: () => ({}),
  faults: VERSION_FAULTS,
  travels: null,
  example: { request: EXAMPLE.request, requestSha256: EXAMPLE.digest },
};
