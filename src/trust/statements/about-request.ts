/** Lines of statements about one version of a request. */
import type { RequestId, Sha256 } from '../../model/names.ts';
import type { Line } from './statement-kind.ts';

export interface RequestVersion {
  readonly request: RequestId;
  readonly requestSha256: Sha256;
}

export const versionLines = ({ request, requestSha256 }: RequestVersion): readonly Line[] => [
  ['request', request],
  ['request-sha256', requestSha256],
];

export const VERSION_FAULTS = { request: 'E_APR_REQUEST', 'request-sha256': 'E_APR_DIGEST' } as const;
