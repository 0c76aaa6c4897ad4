import type { Sha256 } from '../../model/names.ts';
import type { EventKind } from './event-kind.ts';
import { eventSchema, NO_REQUEST, SHA256 } from './schema-parts.ts';

/** A new ledger. The chain judges it (`beginChain`). */
export interface GenesisEvent {
  readonly type: 'genesis';
  readonly id: '-';
  /** Digest of policy 1 and of each of its files. */
  readonly policy: Sha256;
  readonly files: Readonly<Record<string, Sha256>>;
  readonly nonce: string;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly genesis: GenesisEvent;
  }
}

export const genesis: EventKind<'genesis'> = {
  schema: eventSchema('genesis', 'The first entry. It allows nothing yet.', {
    id: NO_REQUEST,
    policy: SHA256,
    files: {
      type: 'object',
      description: 'Digest by path.',
      propertyNames: { type: 'string', maxLength: 200, pattern: '^(pam\\.yaml|policy/[a-z]+\\.yaml)$' },
      additionalProperties: SHA256,
    },
    nonce: { type: 'string', pattern: '^[0-9a-f]{32,64}$' },
  }),
  right: 'grant',
  entry: 'alone',
  line: () => 'genesis: a new ledger',
  sentence: () => 'genesis: a new ledger',
};
