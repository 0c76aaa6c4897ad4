import type { Duration, Instant } from './instant.ts';
import type { RequestId } from './names.ts';

/** One request file, `requests/YYYY/MM/<id>.yaml`, field for field (DESIGN section 3). */
export interface Request {
  readonly version: 1;
  readonly id: RequestId;
  readonly requester: string;
  /** The requester, or a service that the requester owns. */
  readonly subject: string;
  readonly role: string;
  readonly scope?: Readonly<Record<string, string>>;
  readonly duration: Duration;
  readonly justification: string;
  readonly ticket?: string;
  readonly incident?: string;
  readonly compensating_controls?: readonly string[];
  /** Not before this instant. */
  readonly start?: Instant;
}

/** `incidents/<id>.yaml`, the embedded incident source. */
export interface IncidentFile {
  readonly version: 1;
  readonly id: string;
  readonly status: 'open' | 'closed';
  readonly title?: string;
}
