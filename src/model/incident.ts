/**
 * The door to incidents. `open` allows granting; only a readable `closed` ends a live grant early;
 * `unknown` (unreachable, invalid) grants nothing and ends nothing.
 */
export interface IncidentSource {
  readonly state: (id: string) => Promise<IncidentState>;
}

export type IncidentState =
  | { readonly state: 'open' }
  | { readonly state: 'closed'; readonly why: string }
  | { readonly state: 'unknown'; readonly why: string };
