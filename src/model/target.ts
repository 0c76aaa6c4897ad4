import type { ErrorCode } from './error-codes.ts';
import type { Handle, Receipt } from './entry.ts';
import type { PamError } from './error.ts';
import type { Instant } from './instant.ts';
import type { Kind } from './kind.ts';
import type { RequestId, Sha256 } from './names.ts';
import type { ExecutorRight } from './policy.ts';

/**
 * The door to targets. A provider author reads this page and `kind.ts` only.
 *
 * - `kind` is the word in `policy/targets.yaml`, and `configSchema` the schema of the target's `config`.
 * - `grant` and `revoke` are idempotent: "already so" is success. Both may be called again after a crash.
 * - `inspect` says what the target shows *now*; pam believes it over any answer of `grant` or `revoke`.
 * - All three throw `PamError` (`E_PRV_...`) when the target cannot be asked or refuses. A throw means "unknown",
 *   never "not granted". `E_PRV_TIMEOUT` says that it was silent: after a few in a row a sweep leaves it for the next run.
 * - Targets are asked side by side, one question at a time each; two that share a file lock it (`file-lock.ts`).
 * - Names and permissions come from policy and requests: they are data, never syntax. A provider refuses what
 *   its target cannot hold exactly (`checkPermission`, `checkLogin`), it never rewrites.
 * - Secrets are read from the environment by the names that the config gives, at the moment of use.
 */
export interface Provider extends Kind<TargetPlace, TargetSession> {
  /** Does the target expire access by itself at `until`, so that a dead sweeper cannot extend it? */
  readonly expiresByItself: (config: TargetConfig) => boolean;
  /**
   * `own`: every grant is an object of its own (a certificate, a file), so ending one touches no other.
   * `shared`: grants of one permission to one login are one fact at the target (a role membership).
   */
  readonly objects: 'own' | 'shared';
  /** Is a login key (a public key to issue for) needed? */
  readonly needsLoginKey: boolean;
  /** Pure. A sentence saying what is wrong, or `undefined`. */
  readonly checkPermission: (permission: string) => string | undefined;
  readonly checkLogin: (login: string) => string | undefined;
  /**
   * Pure. What is wrong with the order's receipt, where a receipt shows the access itself (a certificate): it must
   * give exactly what was ordered. Audit asks it of every receipt on record.
   */
  readonly faultOfReceipt?: (config: TargetConfig, order: OrderOnPaper) => string | undefined;
  /**
   * Pure. What an admin should know about this config before signing it, where it gives less than it seems to. `code`
   * begins with `W_`, `path` is a JSON pointer into the config, `message` a sentence.
   */
  readonly remarks?: (config: TargetConfig) => readonly ConfigRemark[];
  /** What makes two targets the same target; `undefined` where config does not say. Pure. */
  readonly identity: (config: TargetConfig) => string | undefined;
  /**
   * Pure. How the subject uses a live grant; left out, or `null`, where the login alone is all that it takes. Shown by
   * `pam status <id>`.
   */
  readonly access?: (granted: Granted) => Access | null;
}

/** What a live grant gives, and the config that it was made with. */
export type Granted = Pick<OrderOnPaper, 'id' | 'permissions' | 'receipt'> & {
  readonly config: TargetConfig;
  /** Where the private half of the login key is on this machine: a word of a shell. `agent`: in no file, an agent holds it. */
  readonly loginKey: { readonly file: string } | 'agent' | null;
};

/** How a person uses what was granted. */
export interface Access {
  /** What it takes, in a word for programs: it stands in `pam status --json`. */
  readonly kind: string;
  /** Command lines to type; `<...>` is for the person to fill in. */
  readonly how: readonly string[];
  /** What `pam status <id> --certificate` prints, for a file. */
  readonly certificate: string;
}

export interface ConfigRemark {
  readonly code: ErrorCode;
  readonly path: string;
  readonly message: string;
}

export type TargetConfig = Readonly<Record<string, unknown>>;

export interface TargetPlace {
  readonly target: string;
  readonly config: TargetConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface TargetSession {
  /** Compares the real target with the identity in config; throws `E_PRV_TARGET_IDENTITY` when it is another. */
  readonly verifyIdentity: () => Promise<void>;
  /**
   * Before an intent is recorded, and again before the grant: throws where the target lacks what this order needs to work
   * (the login, a program), or has what would keep it from working. Looks, changes nothing. `doctor` asks it of live grants.
   */
  readonly checkOrder?: (order: Order) => Promise<void>;
  /** Makes the access. `permissions` all, or throws. */
  readonly grant: (order: Order) => Promise<Receipt>;
  /** Takes `order.permissions` away (the caller left out what others still need). */
  readonly revoke: (order: Order, scene: Scene) => Promise<void>;
  /**
   * Makes what has to stand at this target before anyone can use it at all (a revocation list that hosts insist on), with
   * all that `scene.gone` says. What is there stays, whatever it is. Does nothing where the environment does not name
   * it: it belongs to another machine then. Repeatable; throws as `grant` does.
   */
  readonly prepare?: (scene: Scene, now: Instant) => Promise<void>;
  /** What the target shows now, for `order.permissions`. */
  readonly inspect: (order: Order) => Promise<Inspection>;
  /**
   * For `doctor`: everything beside the identity that would keep an executor with these rights from acting here, all
   * at once; one with a code `W_...` is only a remark. `permissions` are those that roles name on this target. Looks,
   * changes nothing, names no secret.
   */
  readonly examine?: (
    may: readonly ExecutorRight[],
    permissions: readonly string[],
  ) => Promise<readonly PamError[]>;
}

/** An order without the moment at which it is carried out. */
export type OrderOnPaper = Omit<Order, 'now' | 'within'>;

export interface Order {
  readonly id: RequestId;
  readonly subject: string;
  readonly login: string;
  readonly permissions: readonly string[];
  /** `<type> <base64>`, where the provider needs one. */
  readonly loginKey: string | null;
  /** When the intent was recorded; certificates are valid from here. */
  readonly from: Instant;
  readonly until: Instant;
  /** `null` before an intent exists. */
  readonly handle: Handle | null;
  readonly receipt: Receipt | null;
  /** The executor's clock at this call. */
  readonly now: Instant;
  /** The call must be over within so many seconds; a provider that cannot promise it bounds its own calls. */
  readonly within: number;
}

/** What a complete revocation list is made of. */
export interface Scene {
  /** The ledger's trust root: tells its handles from those of another ledger at the same target. */
  readonly root: Sha256;
  /** Sequence number of the ledger state that the list follows from. */
  readonly seq: number;
  /** Handles on this target that are ending or ended, with their ends. */
  readonly gone: readonly { readonly handle: Handle; readonly until: Instant }[];
  /** Handles, on whatever target, that the index still knows (live ones too): targets get renamed, serials stay. */
  readonly known: readonly Handle[];
}

/**
 * `present`: at least one of the permissions is there (`which`); `absent`: none is; `unknown`: the target cannot
 * say (pam then treats it as possibly present when revoking and as not granted when granting).
 */
export type Inspection =
  | { readonly state: 'present'; readonly which: readonly string[] }
  | { readonly state: 'absent' }
  | { readonly state: 'unknown'; readonly why: string };
