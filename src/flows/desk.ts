/**
 * What a flow may touch. `context.ts` lays the desk once a run, with real adapters; tests that watch or kill
 * the executor lay it with the same ones wrapped. A flow never reaches past it: no clock, no environment, no
 * output of its own.
 */
import type { About, Forge } from '../model/forge.ts';
import type { Remote, Repository } from '../model/git.ts';
import type { IncidentSource } from '../model/incident.ts';
import type { Instant } from '../model/instant.ts';
import type { Fingerprint, Oid, Sha256 } from '../model/names.ts';
import type { PamConfig } from '../model/policy.ts';
import type { NoticeKind } from '../model/notice.ts';
import type { Provider } from '../model/target.ts';
import type { Memory } from '../memory/kept-heads.ts';
import type { WrittenEntry } from '../rules/notices/entry-notices.ts';

export interface Desk {
  readonly repository: Repository;
  /** The remote that the access repository lives on; `null` in a lone clone. */
  readonly remote: { readonly name: string; readonly open: () => Promise<Remote> } | null;
  /** Where to look for main and the ledger before any policy is verified. A hint: the root decides. */
  readonly hint: Pick<PamConfig, 'main' | 'ledger'>;
  readonly memory: Memory;
  /** `--root`, `PAM_ROOT`. */
  readonly givenRoot: Sha256 | undefined;
  readonly offline: boolean;
  readonly clock: () => Instant;
  readonly pause: (ms: number) => Promise<void>;
  /** Evenly in [0, 1). */
  readonly chance: () => number;
  /** `bytes` random bytes, as lower-case hex. */
  readonly nonce: (bytes: number) => string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly providers: ReadonlyMap<string, Provider>;
  readonly notices: ReadonlyMap<string, NoticeKind>;
  /** Hears of each entry that this run wrote, once it is published. */
  readonly wrote?: (written: WrittenEntry) => void;
  /** Branches of the remote that hold it, as patterns; none where they are not known by name. */
  readonly branchesAbout: (about: About) => readonly string[];
  readonly forge: (config: PamConfig) => Promise<Forge>;
  readonly incidents: (config: PamConfig, main: Oid | undefined) => IncidentSource;
  /** Fast-forwards a clean checked-out branch with its files; says why when it leaves it alone. */
  readonly bringAlong: (branch: string, from: Oid, to: Oid) => Promise<{ readonly left: string | null }>;
  /** Ctrl-C was pressed: finish the step at hand, start no other. */
  readonly interrupted: () => boolean;
  /** What this run began is recorded: an interrupt may cut off again what only reads. */
  readonly allRecorded: () => void;
  /** What long work is at; shown on a terminal and gone afterwards, a line now and then elsewhere. */
  readonly progress: (what: string) => void;
  /** A line for people, on stderr. */
  readonly note: (line: string) => void;
  /** Fingerprint of a signing key, in any of the forms of `signing/named-key.ts`. */
  readonly keyOf: (keyFile: string) => Promise<Fingerprint>;
  readonly sign: (text: string, namespace: string, keyFile: string) => Promise<string>;
}

export interface Executor {
  readonly name: string;
  /** A path, or the public key itself whose private half an agent holds. */
  readonly keyFile: string;
}

/** A person at the keyboard. */
export interface Signer {
  readonly id: string;
  /** As an executor's. */
  readonly keyFile: string;
}

export const mainRef = (desk: Desk, config: Pick<PamConfig, 'main'>): string =>
  desk.remote === null ? `refs/heads/${config.main}` : `refs/remotes/${desk.remote.name}/${config.main}`;

export const ledgerRef = (desk: Desk): string =>
  desk.remote === null
    ? `refs/heads/${desk.hint.ledger}`
    : `refs/remotes/${desk.remote.name}/${desk.hint.ledger}`;
