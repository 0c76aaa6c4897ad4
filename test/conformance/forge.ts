/**
 * What every forge must do, whatever it is (the contracts are `model/forge.ts` and `forges/forge-kind.ts`). A forge's test
 * builds a fixture around the real thing, or a double of it, and calls `conformance`; what only one forge promises is
 * tested beside it.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Forge, Found, NewProposal, Posting, Topic } from '../../src/model/forge.ts';
import { isRequestId, requestPath, type RequestId, signaturePath } from '../../src/model/names.ts';
import type { Signed } from '../../src/model/statement.ts';
import { printArmor } from '../../src/trust/armor.ts';
import { codeOfLater } from '../support/error-code.ts';
import { NO_FACTS } from '../support/posting.ts';

export type Somebody = 'alice' | 'bob';

export interface ForgeFixture {
  /** The word in `pam.yaml`. */
  readonly kind: string;
  /** Opened through the registry, from this person's own clone and with their own token. */
  readonly forge: (who: Somebody) => Promise<Forge>;
  /** Proposes these files on `pam/<id>` as a stranger to pam would, by hand. */
  readonly byHand: (id: RequestId, files: Readonly<Record<string, string>>) => Promise<void>;
  /** The head of `pam/<id>`, asked of the repository itself. */
  readonly head: (id: RequestId) => string;
  /** Number of a person's account; `null` where the forge knows none. */
  readonly account: (who: Somebody) => Promise<number> | null;
  /** Bodies of all comments on a proposal, asked past the forge; `null` where there are none. */
  readonly comments: ((place: string) => Promise<readonly string[]>) | null;
}

const ID = requestId('20261122-reader-aaaaaa');
const SECOND = requestId('20261122-reader-bbbbbb');
const JUNK = requestId('20261122-reader-cccccc');
const NEVER = requestId('20261122-reader-zzzzzz');
/** Ends fences, hides what follows, calls people, clears the screen. */
const HOSTILE = 'x\n```\n<!-- \u001b[2J\u202e@everybody closes #1 `` ` ';

function requestId(text: string): RequestId {
  if (!isRequestId(text)) throw new Error(`not an id: ${text}`);
  return text;
}

const request = (id: RequestId): string => `id: ${id}\njustification: "${id} \u00e9"\n`;
const filesOf = (id: RequestId): Readonly<Record<string, string>> => ({
  [requestPath(id)]: request(id),
  [signaturePath(id)]: `signed ${id}\n`,
});
const proposal = (id: RequestId): NewProposal => ({
  id,
  request: Buffer.from(request(id)),
  signature: Buffer.from(`signed ${id}\n`),
  author: 'bob',
  message: `request ${id}\n`,
  facts: {
    ...NO_FACTS,
    requester: 'bob',
    subject: 'bob',
    role: 'reader',
    justification: HOSTILE,
    risk: 'standard',
  },
});
const statement = (type: string, about: RequestId): Signed => ({
  text: `pam-statement: v1\ntype: ${type}\nrequest: ${about}\n`,
  armor: printArmor(Buffer.from(`signature of ${type} ${about}`)),
});
const about = (name: string): Topic => ({ name, place: null });
const posting = (type: Posting['type'], id: RequestId, sentence = 'alice says so'): Posting => ({
  topic: about(id),
  signed: statement(type, id),
  author: 'alice',
  type,
  sentence,
  head: null,
});
const saidIn = (found: readonly Found[] | undefined): readonly (Signed | null)[] | undefined =>
  found?.map(({ signed }) => signed);

/** A part that only forges with pull requests have. */
function part<T>(one: T | null | undefined): T {
  if (one === null || one === undefined) throw new Error('a forge with pull requests lacks a part of it');
  return one;
}

/**
 * One fixture for all: each test adds to what the ones before it left.
 *
 * @param pulls does it have pull requests?
 */
export function conformance(name: string, pulls: boolean, makeFixture: () => Promise<ForgeFixture>): void {
  describe(`forge conformance: ${name}`, () => {
    let fixture: ForgeFixture;
    let alice: Forge;
    let bob: Forge;
    beforeAll(async () => {
      fixture = await makeFixture();
      [alice, bob] = [await fixture.forge('alice'), await fixture.forge('bob')];
    });

    it('says what kind it is, and answers nothing when nothing is asked', async () => {
      expect([alice.kind, bob.kind]).toEqual([fixture.kind, fixture.kind]);
      expect(await alice.proposals({ ids: [], days: [] })).toEqual([]);
      expect([...(await alice.statements([]))]).toEqual([]);
      expect(await alice.proposals({ ids: [NEVER], days: ['20261122'] })).toEqual([]);
    });

    it('a proposal travels: exactly its bytes, at the head that Git has', async () => {
      const { branch, proposal: place } = await bob.propose(proposal(ID));
      expect(branch).toBe(`pam/${ID}`);
      for (const wanted of [
        { ids: [ID], days: [] },
        { ids: [], days: ['20261122'] },
      ]) {
        const found = await alice.proposals(wanted);
        expect(found).toHaveLength(1);
        expect(found[0]).toMatchObject({ id: ID, place, head: fixture.head(ID) });
        const { request: bytes, signature } = found[0]?.files ?? {};
        expect(Buffer.from(bytes ?? []).toString()).toBe(request(ID));
        expect(Buffer.from(signature ?? []).toString()).toBe(`signed ${ID}\n`);
      }
      expect(await alice.proposals({ ids: [], days: ['20261121'] })).toEqual([]);
      expect(await alice.proposals({ ids: [ID], days: ['20261122'], skip: new Set([ID]) })).toEqual([]);
    });

    it('an id is taken once', async () => {
      expect(await codeOfLater(alice.propose(proposal(ID)))).toBe('E_REQ_ID_TAKEN');
    });

    it('an approval travels, with the account that posted it, and is told under its topic alone', async () => {
      await bob.propose(proposal(SECOND));
      await alice.publish(posting('approval', ID));
      const found = await bob.statements([about(ID), about(SECOND)]);
      expect([...found.keys()]).toEqual([ID, SECOND]);
      expect(saidIn(found.get(ID))).toEqual([statement('approval', ID)]);
      expect(found.get(SECOND)).toEqual([]);
      const id = await fixture.account('alice');
      const posted = found.get(ID)?.[0]?.posted ?? null;
      const seen = posted === null ? null : [posted.by.id, posted.by.human, posted.intent];
      expect(seen).toEqual(id === null ? null : [id, true, 'approve']);
    });

    it('publishing the same once more is success, and says it once', async () => {
      await alice.publish(posting('approval', ID));
      expect(saidIn((await bob.statements([about(ID)])).get(ID))).toEqual([statement('approval', ID)]);
    });

    it('is read at the place that is on record, too', async () => {
      const [known] = await alice.proposals({ ids: [ID], days: [] });
      const found = await bob.statements([{ name: ID, place: known?.place ?? '' }]);
      expect(saidIn(found.get(ID))).toEqual([statement('approval', ID)]);
    });

    it('a stop travels beside an approval, whatever the sentence above it says', async () => {
      await alice.publish(posting('stop', SECOND, HOSTILE));
      await alice.publish(posting('stop', ID, HOSTILE));
      const found = await bob.statements([about(ID), about(SECOND)]);
      expect(saidIn(found.get(SECOND))).toEqual([statement('stop', SECOND)]);
      const both = saidIn(found.get(ID)) ?? [];
      expect(both).toHaveLength(2);
      expect(both).toEqual(expect.arrayContaining([statement('approval', ID), statement('stop', ID)]));
    });

    it('a proposal that holds more than one request is its own fault alone', async () => {
      await fixture.byHand(JUNK, { ...filesOf(JUNK), 'pam.yaml': 'version: 2\n' });
      const found = await alice.proposals({ ids: [], days: ['20261122'] });
      const byId = new Map(found.map((one) => [one.id, one]));
      expect([...byId.keys()].sort()).toEqual([ID, SECOND, JUNK]);
      expect(byId.get(JUNK)).toMatchObject({ files: undefined, fault: { code: 'E_PR_SCOPE' } });
      expect(byId.get(ID)?.files).toBeDefined();
    });

    it('says whose token it is, where it knows accounts', async () => {
      const me = (await alice.whoami?.()) ?? null;
      const id = await fixture.account('alice');
      expect(me === null ? null : [me.id, me.human]).toEqual(id === null ? null : [id, true]);
    });

    it.runIf(!pulls)('without pull requests it offers nothing of them', () => {
      expect([alice.lookUp, alice.open, alice.tell, fixture.comments]).toEqual([
        undefined,
        undefined,
        undefined,
        null,
      ]);
    });

    it.runIf(pulls)('finds pull requests by number and page, and lists what is open', async () => {
      const lookUp = part(alice.lookUp);
      const [known] = await alice.proposals({ ids: [ID], days: [] });
      const byPage = await lookUp(known?.place ?? '');
      expect(byPage).toMatchObject({ place: known?.place, holds: { kind: 'request', id: ID }, open: true });
      expect(byPage.head).toBe(fixture.head(ID));
      for (const reference of [String(byPage.number), `#${byPage.number}`])
        expect(await lookUp(reference)).toEqual(byPage);
      const open = await part(alice.open)();
      expect(open.map(({ holds }) => holds)).toMatchObject([
        { kind: 'request', id: ID },
        { kind: 'request', id: SECOND },
        { kind: 'other', fault: { code: 'E_PR_SCOPE' } },
      ]);
      const wrong = ['0', '999', 'main', 'https://example.com/acme/access/pull/1'];
      const codes = await Promise.all(wrong.map(async (one) => await codeOfLater(lookUp(one))));
      expect(codes).not.toContain('ok');
    });

    it.runIf(pulls)('tells in one comment of its own, which is no statement', async () => {
      const comments = part(fixture.comments);
      const tell = part(alice.tell);
      const [known] = await alice.proposals({ ids: [SECOND], days: [] });
      const place = known?.place ?? '';
      const before = await comments(place);
      await tell(new Map([[place, 'it waits\n']]));
      await tell(new Map([[place, 'it is approved\n']]));
      const told = (await comments(place)).filter((one) => !before.includes(one));
      expect(told).toHaveLength(1);
      expect(told[0]).toContain('it is approved');
      expect(saidIn((await bob.statements([about(SECOND)])).get(SECOND))).toEqual([
        statement('stop', SECOND),
      ]);
    });
  });
}
