import type { Repository } from './git.ts';
import type { IncidentSource } from './incident.ts';
import type { Kind } from './kind.ts';
import type { Oid } from './names.ts';
import type { PamConfig } from './policy.ts';
import type { IncidentFile } from './request.ts';

/**
 * The door to where the state of an incident is read. The author of a source reads this page and `incident.ts` only.
 *
 * - `kind` is the word after `source:` in pam.yaml, and `configSchema` the whole value of `incidents:`, `source` included.
 * - `state` looks and changes nothing. It never throws: what cannot be asked, or is not understood, is `unknown`.
 * - An id comes from a request: it is data, never part of a path or an address before it was checked.
 * - Secrets are read from the environment by the names that the config gives, at the moment of use.
 */
export interface SourceKind extends Kind<SourcePlace, IncidentSource> {}

export interface SourcePlace {
  /** What pam.yaml says under `incidents:`. */
  readonly config: PamConfig['incidents'];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly repository: Pick<Repository, 'list' | 'read'>;
  /** The commit of main to look at; `undefined` when main cannot be read. */
  readonly main: Oid | undefined;
  /** Turns a document's bytes into an incident; throws `PamError` when it is not one. */
  readonly readIncident: (bytes: Uint8Array, path: string) => IncidentFile;
}

/** Sources that the schema takes, since an earlier build's policies may name them, and that no code reads. */
export const UNBUILT_SOURCES: readonly string[] = ['github', 'http', 'command'];
