/**
 * Who may sign a stop after policy removed them: the command lets a person sign exactly where the stop would count for
 * all who judge it, by the keys that `seen` wrote down (DESIGN section 4), and refuses (5) where it would not.
 */
import { describe, expect, it } from 'vitest';
import type { Desk } from '../../../src/flows/desk.ts';
import type { Looked } from '../../../src/flows/gather/look-at-request.ts';
import { prepareStop, publishStop } from '../../../src/flows/people/sign-stop.ts';
import { EXIT, PamError } from '../../../src/model/error.ts';
import { groundOf, judgeStop } from '../../../src/rules/judge-stop.ts';
import {
  ask,
  at,
  keyedEvent,
  Ledger,
  policyOf,
  seenEvent,
  sign,
  TEXTS,
  textsWith,
} from '../../support/world.ts';

const PEOPLE = 'policy/people.yaml';
/** carol stood in for `dba`; then she is in no policy any more, and dave stands in. */
const LATER = policyOf(
  textsWith(
    'policy/roles.yaml',
    'approvers: [bob, carol]',
    'approvers: [bob, dave]',
    textsWith(
      'policy/roles.yaml',
      'approvers: [carol], after',
      'approvers: [dave], after',
      textsWith(
        PEOPLE,
        'carol: { name: Carol, keys: [{ key: KEY(carol) }, { key: KEY(carol-sk) }] }',
        'dave: { name: Dave, keys: [{ key: KEY(dave) }] }',
      ),
    ),
  ),
);

/** @returns what the command ends with, what it published, and whether the stop counts for a sweep */
async function stopBy(person: string, key: string, keyed: boolean) {
  const ledger = new Ledger(policyOf(TEXTS));
  const asked = ask({}, { root: ledger.state.root });
  ledger.append([keyed ? keyedEvent(asked, ledger.policy) : seenEvent(asked)], at('12:00'));
  ledger.changePolicy(LATER, at('12:01'), ['alice', 'bob']);
  const record = ledger.record(asked.id);
  if (record === null) throw new TypeError('it was seen');
  const now = at('12:10');
  // What signing a stop reads of what it looked at, and of its desk: the state, the record, and where to publish.
  const looked = { id: asked.id, view: { state: ledger.state }, record, candidate: null, judged: null, now };
  const published: string[] = [];
  const forge = { publish: ({ author }: { readonly author: string }) => published.push(author) };
  const desk = { forge: () => forge } as unknown as Desk;
  let counts = false;
  let exit: number = EXIT.done;
  try {
    const statement = prepareStop(looked as unknown as Looked, person, 'no');
    const signed = sign(statement, { key });
    counts = judgeStop(groundOf(ledger.state.root, ledger.policy, record), signed, now).kind === 'counts';
    await publishStop(desk, looked as unknown as Looked, signed);
  } catch (error) {
    if (!(error instanceof PamError)) throw error;
    exit = error.exit;
  }
  return { exit, published, counts };
}

describe('[X24] a stop by a person whom policy removed since seen', () => {
  const done = { exit: EXIT.done, counts: true };
  const refused = { exit: EXIT.refused, published: [], counts: false };
  it.each([
    ['with the key that seen wrote down', 'carol', 'carol', true, { ...done, published: ['carol'] }],
    ['with a key that was never written down', 'carol', 'carol-new', true, refused],
    ['where an earlier build wrote no keys down', 'carol', 'carol', false, refused],
    ['by a person of today beside them', 'dave', 'dave', true, { ...done, published: ['dave'] }],
    ['by a person who never had a part in it', 'frank', 'frank', true, refused],
  ] as const)('%s', async (_, person, key, keyed, wanted) => {
    expect(await stopBy(person, key, keyed)).toEqual(wanted);
  });
});
