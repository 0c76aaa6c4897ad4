import type { StopperKeys } from '../../model/entry.ts';
import type { RequestId, Sha256 } from '../../model/names.ts';
import { faultOfOpening, openBeside } from '../open-requests.ts';
import { sameJson } from '../same-json.ts';
import { see, stopperKeysOf } from '../see-request.ts';
import type { EventKind } from './event-kind.ts';
import { eventSchema, NAME, REQUEST_ID, SHA256, STOPPER_KEYS } from './schema-parts.ts';

/** A version of a request is known to the ledger, and its clocks run (`rules/see-request.ts`). */
export interface SeenEvent {
  readonly type: 'seen';
  readonly id: RequestId;
  readonly request_sha256: Sha256;
  readonly signature_sha256: Sha256;
  readonly proposal: string;
  readonly requester: string;
  readonly subject: string;
  readonly role: string;
  /** Person -> keys (sorted), of everybody who may stop it. Entries of earlier builds have none. */
  readonly stopper_keys?: StopperKeys;
}

declare module '../../model/entry.ts' {
  interface EventShapes {
    readonly seen: SeenEvent;
  }
}

const asksTo = ({ requester, subject, role }: SeenEvent): string =>
  `${requester} asks to be ${role}${subject === requester ? '' : ` for ${subject}`}`;

export const seen: EventKind<'seen'> = {
  schema: eventSchema(
    'seen',
    'A signed request was first read; its clocks start.',
    {
      id: REQUEST_ID,
      request_sha256: SHA256,
      signature_sha256: SHA256,
      proposal: { type: 'string', maxLength: 500 },
      requester: NAME,
      subject: NAME,
      role: NAME,
      stopper_keys: { ...STOPPER_KEYS, description: 'Entries of earlier builds have none.' },
    },
    ['stopper_keys'],
  ),
  right: 'grant',
  entry: 'apply',
  line: (event) => `seen ${event.id}: ${asksTo(event)}`,
  sentence: (event) => `${event.id}: ${asksTo(event)}`,
  step: (record, event, at) => see(record, event, at, at.wrong),
  begins: true,
  // The same bytes under another signature are open already.
  notice: ({ request_sha256: digest }, { before }) =>
    before?.seen?.request_sha256 === digest ? undefined : { event: 'opened', why: null },
  audit: ({ before: { policy } }, event, records, add) => {
    const { id, requester, stopper_keys: keys } = event;
    if (keys !== undefined && !sameJson(keys, stopperKeysOf(policy, event))) {
      add('error', 'E_LED_SEEN', `who may stop ${id}, and with which keys, is not what policy said`);
    }
    // It gives no access; it says that an executor let one requester's requests crowd out the others'.
    const beside = openBeside({ records }, { id, requester });
    if (faultOfOpening(policy, requester, beside) === undefined) return;
    const most = policy.config.open_requests;
    add(
      'warning',
      'E_POL_LIMIT',
      `${id} was seen although ${requester} had ${beside} undecided requests of ${most}`,
    );
  },
};
