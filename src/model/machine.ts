/** This machine as `doctor` looks at it: plain facts, or a `PamError` where something cannot be used at all. */
export interface Machine {
  /** `2.39.5`. Throws `E_RUN_MISSING`. */
  readonly gitVersion: () => Promise<string>;
  /** Does `ssh-keygen` know `-Y sign`? Throws `E_RUN_MISSING`. */
  readonly keygenSigns: () => Promise<boolean>;
  /** Throws `E_SIGN` when it cannot be read as a key. Signs nothing and asks for nothing. */
  readonly key: (file: string) => Promise<KeyFacts>;
  readonly clone: (gitDir: string) => Promise<CloneFacts>;
  /** How a remote on this machine takes pushes; `null` where its settings cannot be read from here. */
  readonly receive: (url: string) => Promise<ReceiveSettings | null>;
  readonly directory: (path: string) => Promise<DirectoryFacts>;
}

export interface KeyFacts {
  readonly file: string;
  /** `<type> <base64>`; `null` when it is behind the passphrase and no `.pub` lies beside it. */
  readonly line: string | null;
  readonly half: 'private' | 'public';
  /** Private halves: a passphrase is needed. */
  readonly locked: boolean;
  /** Public halves: an agent holds the private one. */
  readonly inAgent: boolean;
  /** What `<file>.pub` says, where it is another key than the private half beside it. */
  readonly otherPublic: string | null;
}

export interface CloneFacts {
  readonly shallow: boolean;
  /** Objects were left out on purpose. */
  readonly partial: boolean;
  readonly grafts: boolean;
  /** How many objects other ones are shown for (`git replace`). */
  readonly replaced: number;
}

export interface ReceiveSettings {
  readonly path: string;
  readonly denyDeletes: boolean;
  readonly denyNonFastForwards: boolean;
}

/** @property mode `null` where there is no such directory yet; the rest is then about where it would be made */
export interface DirectoryFacts {
  readonly mode: number | null;
  readonly ours: boolean;
  readonly writable: boolean;
}
