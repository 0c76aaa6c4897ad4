import type { Sha256 } from '../../model/names.ts';
import type { Signed } from '../../model/statement.ts';
import { judgeNewPolicy } from '../judge-new-policy.ts';
import type { EventKind } from './event-kind.ts';
import { eventSchema, NO_REQUEST, SEQ, SHA256, SIGNED } from './schema-parts.ts';
import { signerIn } from './signer-in.ts';

/** A version of policy comes into force. The chain judges it (`judgeAgreement`, `judgePolicyChange`). */
export interface PolicyEvent {
  readonly type: 'policy';
  readonly id: '-';
  readonly seq: number;
  readonly digest: Sha256;
  readonly statements: readonly Signed[];
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly policy: PolicyEvent;
  }
}

export const policy: EventKind<'policy'> = {
  schema: eventSchema('policy', 'A policy comes into force.', {
    id: NO_REQUEST,
    seq: SEQ,
    digest: SHA256,
    statements: { type: 'array', minItems: 1, maxItems: 64, items: SIGNED },
  }),
  right: 'any',
  entry: 'alone',
  line: ({ seq, statements }) =>
    `policy ${seq}: signed by ${statements.map((one) => signerIn(one.text)).join(', ')}`,
  sentence: ({ seq, statements }) => `policy ${seq} came into force, signed by ${statements.length}`,
  statements: ({ statements }) => statements.map((one) => ({ ...one, type: 'policy' })),
  notice: ({ seq, statements }) => ({
    event: 'policy',
    why: `policy ${seq} is in force, signed by ${[...new Set(statements.map(({ text }) => signerIn(text)))].join(', ')}`,
  }),
  audit: ({ after }, { seq }, _records, add) => {
    for (const { code, path, message } of judgeNewPolicy(after.policy))
      add('warning', code, `policy ${seq}, ${path}: ${message}`);
  },
  counted: 'policies',
};
