/**
 * What the rooms of adapters that policy names have in common (targets, sources): a word in a policy file, the schema of
 * what stands beside it, and a session that is opened when it is used. `open` is asynchronous so that a driver is loaded
 * with its first use and never at start; it throws `PamError`.
 */
export interface Kind<Place, Session> {
  /** The word in policy. */
  readonly kind: string;
  /** JSON Schema (draft 2020-12) of what policy says about one of this kind. */
  readonly configSchema: Readonly<Record<string, unknown>>;
  /** Binds the kind to one place, with the environment that holds its secrets. */
  readonly open: (place: Place) => Promise<Session>;
}
