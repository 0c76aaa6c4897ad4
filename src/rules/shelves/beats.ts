import type { LedgerEvent } from '../../model/entry.ts';
import type { Instant } from '../../model/instant.ts';
import type { FoldContext } from '../events/event-kind.ts';
import type { ShelfKind } from './shelf-kind.ts';

/** The newest entries that a walk from a kept head has to know. */
export interface Beats {
  /** Version of the policy in force, and when the ledger recorded it. */
  readonly policy: { readonly seq: number; readonly at: Instant };
  readonly apply: { readonly at: Instant; readonly main: string } | null;
  readonly sweep: { readonly at: Instant; readonly executor: string } | null;
}

declare module '../../model/open-record.ts' {
  interface ShelfShapes {
    readonly beats: Beats;
  }
}

export const beats: ShelfKind<'beats'> = {
  path: 'open/beats.json',
  schema: {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'beats.schema.json',
    title: 'pam beats',
    description: 'open/beats.json on the ledger: the policy in force and the newest apply and sweep entries.',
    type: 'object',
    additionalProperties: false,
    required: ['policy', 'apply', 'sweep'],
    properties: {
      policy: {
        type: 'object',
        additionalProperties: false,
        required: ['seq', 'at'],
        description: 'Version of the policy in force, and when the ledger recorded it.',
        properties: {
          seq: {
            $ref: 'entry.schema.json#/$defs/seq',
          },
          at: {
            $ref: 'entry.schema.json#/$defs/instant',
          },
        },
      },
      apply: {
        type: ['object', 'null'],
        additionalProperties: false,
        required: ['at', 'main'],
        properties: {
          at: {
            $ref: 'entry.schema.json#/$defs/instant',
          },
          main: {
            $ref: 'entry.schema.json#/$defs/oid',
          },
        },
      },
      sweep: {
        type: ['object', 'null'],
        additionalProperties: false,
        required: ['at', 'executor'],
        properties: {
          at: {
            $ref: 'entry.schema.json#/$defs/instant',
          },
          executor: {
            $ref: 'entry.schema.json#/$defs/name',
          },
        },
      },
    },
  },
  fold,
};

function fold(before: Beats | null, events: readonly LedgerEvent[], context: FoldContext): Beats | null {
  const { at, main, executor } = context;
  const policy = events.find((one) => one.type === 'policy');
  if (policy !== undefined) {
    return { apply: null, sweep: null, ...before, policy: { seq: policy.seq, at } };
  }
  if (before === null) return null;
  if (main !== null) return { ...before, apply: { at, main } };
  return { ...before, sweep: { at, executor } };
}
