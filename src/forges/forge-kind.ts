/**
 * The contract of a kind of forge: all that the rest of the program asks about GitHub, GitLab ... by name. What an opened
 * one answers is `model/forge.ts`. A kind's file is loaded in every run, so it is light: `open` imports what it needs.
 */
import type { Check } from '../model/check.ts';
import type { About, Forge } from '../model/forge.ts';
import type { Remote, Repository } from '../model/git.ts';
import type { Instant } from '../model/instant.ts';
import type { Oid } from '../model/names.ts';
import type { PamConfig } from '../model/policy.ts';

export interface ForgeKind {
  /** The word in `pam.yaml`; also the field of a person's account in `people.yaml`, and the folder below `forges/`. */
  readonly kind: string;
  /** As people write it. */
  readonly title: string;
  /** JSON Schema (draft 2020-12) of `forge` in `pam.yaml`; it may point to definitions of `pam.schema.json`. */
  readonly configSchema: Readonly<Record<string, unknown>>;
  /** JSON Schema of `{ login, id }`, a person's account there; `null` where there are no accounts. */
  readonly accountSchema: Readonly<Record<string, unknown>> | null;
  /** Names the file that a job's page there is made from, where jobs run. */
  readonly summaryVariable?: string;
  /** Branches of the remote that hold this, as patterns, for the one fetch of a command; none where they are not known by name. */
  readonly branchesAbout: (about: About) => readonly string[];
  /** Throws `PamError` (`E_FORGE_...`) only when it is asked something. */
  readonly open: (place: ForgePlace) => Promise<Forge>;
  /** What main holds of the forge's own files (`doctor`); no network. */
  readonly lookAtMain?: (
    repository: Repository,
    main: Oid,
    readYaml: ReadYaml,
    env: Readonly<Record<string, string | undefined>>,
  ) => Promise<readonly Check[]>;
}

export interface ForgePlace {
  readonly config: Pick<PamConfig, 'forge' | 'main' | 'ledger'>;
  readonly repository: Repository;
  /** Absent in a clone that is alone. */
  readonly remote?: { readonly name: string; readonly remote: Remote };
  /** Nothing may be asked over a network. */
  readonly offline: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Instant;
  /** Evenly in [0, 1). */
  readonly chance: () => number;
  readonly note: (line: string) => void;
  /** In front of all that writes there: may refuse, and lets what it began finish. `happened`: did the work come about? */
  readonly door: <T>(work: () => Promise<T>, happened: (result: T) => boolean) => Promise<T>;
  /** What is made once a run under this name, such as a conversation that stays open. */
  readonly once: <T>(name: string, make: () => T) => T;
}

/** Throws `PamError` for what is no YAML that pam reads. */
export type ReadYaml = (bytes: Uint8Array, file: string, maxBytes: number) => { readonly data: unknown };
