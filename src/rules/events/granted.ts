import type { Receipt } from '../../model/entry.ts';
import type { RequestId } from '../../model/names.ts';
import type { AddFinding, AuditFacts, EventKind, Records } from './event-kind.ts';
import { eventSchema, RECEIPT, REQUEST_ID } from './schema-parts.ts';

/** Read back at the target. */
export interface GrantedEvent {
  readonly type: 'granted';
  readonly id: RequestId;
  /** What the target showed when it was read back. */
  readonly receipt: Receipt;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly granted: GrantedEvent;
  }
}

export const granted: EventKind<'granted'> = {
  schema: eventSchema('granted', 'Read back at the target.', { id: REQUEST_ID, receipt: RECEIPT }),
  right: 'grant',
  entry: 'apply',
  rank: 6,
  line: ({ id }) => `granted ${id}: read back at the target`,
  sentence: ({ id }) => `${id}: granted, read back at the target`,
  step: (record, { receipt }, { wrong }) => {
    if (record?.state !== 'granting' || record.grant === null)
      throw wrong(`it is ${record?.state ?? 'unknown'}`);
    return { ...record, state: 'live', grant: { ...record.grant, evidence: null, receipt } };
  },
  notice: (_event, { words }) => ({ event: 'granted', why: words() }),
  audit: auditReceipt,
};

/** Where the receipt is the access itself, it must not say more than the terms that were approved. */
function auditReceipt(
  { providers }: AuditFacts,
  { id, receipt }: GrantedEvent,
  records: Records,
  add: AddFinding,
): void {
  const grant = records.get(id)?.grant ?? null;
  if (grant?.granting == null) return;
  const { subject, login, permissions, login_key: loginKey, end: until, granting, config, provider } = grant;
  const order = { id, subject, login, permissions, loginKey, until, receipt };
  const { at: from, handle } = granting;
  const fault = providers.get(provider)?.faultOfReceipt?.(config, { ...order, from, handle });
  if (fault !== undefined) add('error', 'E_LED_RECEIPT', `what ${id} was given is not its terms: ${fault}`);
}
