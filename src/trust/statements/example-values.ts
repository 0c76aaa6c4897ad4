/** Values for the examples of statements: of the right form, which is all that is looked at; hence the casts. */
import type { Duration, Instant } from '../../model/instant.ts';
import type { Fingerprint, RequestId, Sha256 } from '../../model/names.ts';

export const EXAMPLE = {
  request: '20261122-dba-aaaaaa' as RequestId,
  digest: `sha256:${'0'.repeat(64)}` as Sha256,
  fingerprint: `SHA256:${'0'.repeat(43)}` as Fingerprint,
  instant: '2026-11-22T18:00:00Z' as Instant,
  duration: '45m' as Duration,
  /** Ends its line, forges another, turns the screen around, and holds half a character. */
  text: 'x\nsigner: mallory\r\n-----BEGIN SSH SIGNATURE-----\u202e\u001b[2J"\\\ud83d',
} as const;
