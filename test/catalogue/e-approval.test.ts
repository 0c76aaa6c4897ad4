/** Group E along the whole path: what an approval means. Its signature is group D, its signer group C. */
import { describe } from 'vitest';
import { lookAtRequest } from '../../src/flows/gather/look-at-request.ts';
import { mergeRequest } from '../../src/flows/people/merge-request.ts';
import { exitOfApply } from '../../src/flows/executor/run-result.ts';
import { prepareApproval } from '../../src/flows/people/sign-approval.ts';
import { EXIT } from '../../src/model/error.ts';
import { plus } from '../../src/model/instant.ts';
import { requestPath, signaturePath, type RequestId } from '../../src/model/names.ts';
import type { Request } from '../../src/model/request.ts';
import type { StatementOf } from '../../src/model/statement.ts';
import { printRequest } from '../../src/documents/request-file.ts';
import { sha256 } from '../../src/trust/digest.ts';
import { printStatement } from '../../src/trust/statement-text.ts';
import { forgeries, type Forgery } from './forged-approvals.ts';
import { forgerOf, publishAll } from './forger.ts';
import { duration, plant, requestBy, requestId } from './hostile-hands.ts';
import { keyedAttack } from './keyed-attack.ts';
import { type KeyedScene, keyedScene } from './keyed-scene.ts';
import { ATTACKED, merge, minutes } from './scene.ts';

const scene = keyedScene();
const OTHER = requestId('20261122-anyone-zzzzzz');

/** Approvals that differ from honest ones by bob in what is said here. */
const saying =
  (
    ...wishes: readonly (Partial<StatementOf<'approval'>> & { readonly key?: string })[]
  ): Forgery['approvals'] =>
  (request, forger) =>
    wishes.map(({ key, ...wish }) =>
      forger.sign(forger.approval(request, wish), key === undefined ? {} : { key }),
    );

const covering =
  (change: Partial<StatementOf<'approval'>['grant']>): Forgery['approvals'] =>
  (request, forger) => {
    const honest = forger.approval(request);
    return [forger.sign({ ...honest, grant: { ...honest.grant, ...change } })];
  };

/** Honest words, changed before bob signs them: good arithmetic over something that pam does not say. */
const worded =
  (change: (text: string) => string): Forgery['approvals'] =>
  (request, forger) => {
    const honest = printStatement(forger.approval(request));
    const text = change(honest);
    if (text === honest) throw new Error('nothing was changed');
    return [forger.signText(text, { key: 'bob' })];
  };

const WORDS: readonly Forgery[] = [
  {
    title: '[E3] two signers in one statement',
    code: 'E_STATEMENT',
    approvals: worded((text) => text.replace('signer: bob\n', 'signer: bob\nsigner: alice\n')),
  },
  {
    title: '[E3] two requests in one statement',
    code: 'E_APR_REQUEST',
    approvals: worded((text) => text.replace(/^request: .*\n/mu, (line) => `${line}request: ${OTHER}\n`)),
  },
  {
    title: '[E4] a permission more than asked for',
    code: 'E_APR_GRANT',
    approvals: worded((text) => text.replace('login-key: ', 'permission: "write"\nlogin-key: ')),
  },
  {
    title: '[E4] lines in another order',
    code: 'E_STATEMENT',
    approvals: worded((text) => text.replace(/^(subject: .*\n)(target: .*\n)/mu, '$2$1')),
  },
  {
    title: '[E11] another spelling of the moment',
    code: 'E_STATEMENT',
    approvals: worded((text) => text.replace(/^(signed-at: .*)Z$/mu, '$1.000Z')),
  },
];

const WHAT: readonly Forgery[] = [
  { title: '[E1] nobody signed', code: 'E_APR_MISSING', waits: true, approvals: () => [] },
  {
    title: '[E3] an approval of another request',
    code: 'E_APR_REQUEST',
    approvals: saying({ request: OTHER }),
  },
  {
    title: '[E3] an approval of another request with its digest, copied here as it is',
    code: 'E_APR_REQUEST',
    approvals: (_, forger) => [forger.sign(forger.approval(requestBy({ id: OTHER, role: 'anyone' })))],
  },
  {
    title: "[E3] the words of an approval in a stop's namespace",
    code: 'E_NAMESPACE',
    approvals: (request, forger) => [forger.sign(forger.approval(request), { namespace: 'pam-stop-v1@pam' })],
  },
  {
    title: '[E4] other bytes',
    code: 'E_APR_DIGEST',
    approvals: (request, forger) => [
      forger.sign(forger.approval(request, { requestSha256: sha256(`${printRequest(request)}\n`) })),
    ],
  },
  // The same bytes, and still another grant: policy says something else than what the signer saw.
  ...Object.entries<Partial<StatementOf<'approval'>['grant']>>({
    'a shorter time': { duration: duration('30m') },
    'fewer permissions': { permissions: [] },
    'another permission': { permissions: ['read'] },
    'another subject': { subject: 'dana' },
    'another login': { login: 'dana' },
    'another target': { target: 'south' },
    'a later start': { start: minutes(30) },
  }).map(
    ([what, change]): Forgery => ({
      title: `[E4] the signer saw ${what}`,
      code: 'E_APR_GRANT',
      approvals: covering(change),
    }),
  ),
  {
    title: '[E14] an approval for another access repository',
    code: 'E_APR_GENESIS',
    approvals: saying({ root: sha256('the genesis of a fork') }),
  },
  {
    title: '[E14] the signer had verified another ledger',
    code: 'E_APR_LEDGER',
    approvals: (request, forger) => {
      const { ledger } = forger.approval(request);
      const head = sha256('an entry of a fork');
      return [forger.sign(forger.approval(request, { ledger: { ...ledger, head } }))];
    },
  },
  {
    title: '[E14] the signer had verified an entry that is not there',
    code: 'E_APR_LEDGER',
    approvals: (request, forger) => {
      const { ledger } = forger.approval(request);
      return [forger.sign(forger.approval(request, { ledger: { ...ledger, seq: ledger.seq + 1000 } }))];
    },
  },
];

const WHO: readonly Forgery[] = [
  {
    title: '[E8] one person, two keys',
    code: 'E_APR_THRESHOLD',
    waits: true,
    wish: { role: 'pair' },
    approvals: saying({}, { key: 'bob-second', because: 'once more' }),
  },
  {
    title: '[E8] one key, twice',
    code: 'E_APR_THRESHOLD',
    waits: true,
    wish: { role: 'pair' },
    approvals: saying({}, { signedAt: minutes(9) }, { signedAt: minutes(8) }),
  },
  {
    title: '[E8] one person in hardware and in software',
    code: 'E_APR_THRESHOLD',
    waits: true,
    wish: { role: 'pair' },
    approvals: saying({}, { key: 'bob sk-ssh-ed25519@openssh.com', because: 'touched' }),
  },
  {
    title: '[E9] the requester among the approvers',
    code: 'E_APR_SELF',
    wish: { requester: 'bob' },
    approvals: saying({}),
  },
  {
    title: '[E9] the requester as one of two',
    code: 'E_APR_SELF',
    wish: { requester: 'bob', role: 'pair' },
    approvals: saying({}, { signer: 'alice' }),
  },
  ...['grace', 'frank', 'carol'].map(
    (signer): Forgery => ({
      title: `[E19] ${signer}, whom other roles name or none`,
      code: 'E_APR_SCOPE',
      approvals: saying({ signer }),
    }),
  ),
  {
    title: '[E19] the requester himself, whom nothing names',
    code: 'E_APR_SELF',
    approvals: saying({ signer: 'erin' }),
  },
];

/** carol may stand in 15 minutes, frank 30 minutes after the request was seen: in this run. */
const FALLBACK = { capacity: 'fallback', because: 'alice sleeps' } as const;
const WHEN: readonly Forgery[] = [
  {
    title: '[E11] signed five minutes and a second ahead',
    code: 'E_APR_TIME',
    approvals: saying({ signedAt: plus(ATTACKED, 301) }),
  },
  {
    title: '[E12] a fallback signs as named',
    code: 'E_APR_CAPACITY',
    wish: { role: 'oncall' },
    approvals: saying({ signer: 'carol' }),
  },
  {
    title: '[E12] a named one signs as fallback',
    code: 'E_APR_CAPACITY',
    wish: { role: 'oncall' },
    approvals: saying({ signer: 'alice', ...FALLBACK }),
  },
  {
    title: '[E12] a fallback signs as a delegate',
    code: 'E_APR_CAPACITY',
    wish: { role: 'oncall' },
    approvals: saying({ signer: 'carol', capacity: 'delegate:alice', because: 'she asked me' }),
  },
  {
    title: '[E12] a fallback without a reason',
    code: 'E_APR_BECAUSE',
    wish: { role: 'oncall' },
    approvals: saying({ signer: 'carol', capacity: 'fallback' }),
  },
  // DESIGN: each step counts from `seen`, so the catalogue's E_APR_FALLBACK_ORDER cannot happen before this.
  ...['carol', 'frank'].map(
    (signer): Forgery => ({
      title: `[E12] ${signer} before the time`,
      code: 'E_APR_FALLBACK_EARLY',
      wish: { role: 'oncall' },
      approvals: saying({ signer, ...FALLBACK }),
    }),
  ),
  // A request has no `created`; what it has is the date in its id.
  {
    title: "[E13] the request's id is of yesterday",
    code: 'E_APR_FALLBACK_EARLY',
    wish: { role: 'oncall', id: requestId('20261121-oncall-aaaaaa') },
    approvals: saying({ signer: 'carol', ...FALLBACK }),
  },
  {
    // Older than the request itself, so it is no evidence before anybody asks about the fallback's time.
    title: '[E13] the approval says that it was signed long ago',
    code: 'E_APR_TIME',
    wish: { role: 'oncall' },
    approvals: saying({ signer: 'carol', ...FALLBACK, signedAt: minutes(-600) }),
  },
];

describe('approvals that say the wrong thing', () => {
  forgeries(
    scene,
    [...WORDS, ...WHAT, ...WHO, ...WHEN],
    [
      {
        title: '[E8] two people are two',
        wish: { role: 'pair' },
        approvals: saying({}, { signer: 'carol' }),
        holds: 'north erin pair',
      },
      {
        title: '[E3, E6] a stop of another request, and one by a stranger, stop nothing here',
        wish: { role: 'slot', scope: { slot: 's1' } },
        approvals: (request, forger) => [
          forger.sign(forger.approval(request)),
          forger.sign(forger.stop(request, { request: OTHER })),
          forger.sign(forger.stop(request, { signer: 'grace' })),
        ],
        holds: 'north erin slot:s1',
      },
      {
        title: '[E11] five minutes ahead is what clocks do',
        wish: { role: 'slot', scope: { slot: 's2' } },
        approvals: saying({ signedAt: plus(ATTACKED, 300) }),
        holds: 'north erin slot:s2',
      },
    ],
  );
});

/** A request of the scene, as it was proposed. */
async function proposed({ world }: KeyedScene, id: RequestId): Promise<Request> {
  const { judged } = await lookAtRequest(await world.desk(), id);
  if (judged === null) throw new Error(`${id} cannot be read`);
  return judged.request;
}

/** Publishes an approval of a request that is proposed already. */
async function approve(
  at: KeyedScene,
  id: RequestId,
  wish: Partial<StatementOf<'approval'>> = {},
): Promise<void> {
  const { world } = at;
  const request = await proposed(at, id);
  const requestSha256 = sha256(`${world.git('show', `pam/${id}:${requestPath(id)}`)}\n`);
  const forger = await forgerOf(at);
  const signed = forger.sign(forger.approval(request, { requestSha256, ...wish }));
  publishAll(world, [{ topic: id, signed }]);
}

/** Merged by somebody who does not ask: main holds the proposal's two files. */
function mergeUnasked({ world }: KeyedScene, id: RequestId): void {
  const bytes = (path: string): string => `${world.git('show', `pam/${id}:${path}`)}\n`;
  const paths = [requestPath(id), signaturePath(id)];
  plant(world, 'main', Object.fromEntries(paths.map((path) => [path, bytes(path)])));
}

describe('what was proposed', () => {
  keyedAttack(scene, '[E1]', 'merged by somebody who does not ask, and nobody approved it', {
    code: 'E_APR_MISSING',
    by: ['check', 'apply'],
    // DESIGN section 5: it waits for its approvals until `decide_within` is over.
    exit: { check: EXIT.pending, apply: EXIT.pending },
    do: async (at) => {
      mergeUnasked(at, at.unapproved);
      return await Promise.resolve(at.unapproved);
    },
  });

  keyedAttack(scene, '[E1]', 'pam merge', {
    code: 'E_APR_MISSING',
    by: 'person',
    exit: { person: EXIT.pending },
    do: async ({ world, unapproved }) => {
      await mergeRequest(await world.desk(), await lookAtRequest(await world.desk(), unapproved), 'erin');
    },
  });

  keyedAttack(scene, '[E4]', 'its branch moved on by one byte after the approval, and pam merge', {
    code: 'E_APR_DIGEST',
    by: 'person',
    do: async (at) => {
      const { world, victim } = at;
      await rewrite(at, victim);
      await mergeRequest(await world.desk(), await lookAtRequest(await world.desk(), victim), 'erin');
    },
  });

  keyedAttack(scene, '[E4]', 'the same, merged by somebody who does not ask', {
    code: 'E_APR_DIGEST',
    by: ['check', 'apply'],
    do: async (at) => {
      await rewrite(at, at.victim);
      mergeUnasked(at, at.victim);
      return at.victim;
    },
  });
});

/** A comment more, signed by its requester, on the branch that was approved. */
async function rewrite(at: KeyedScene, id: RequestId): Promise<void> {
  const bytes = `${printRequest(await proposed(at, id))}# x\n`;
  const forger = await forgerOf(at);
  plant(at.world, `pam/${id}`, {
    [requestPath(id)]: bytes,
    [signaturePath(id)]: forger.requestSignature(id, 'erin', bytes),
  });
}

describe('after a stop', () => {
  // DESIGN rule 8: a stop is final. The catalogue lets a newer approval by the same person undo it; here nothing does.
  keyedAttack(scene, '[E6]', 'pam approve of what was denied', {
    code: 'E_POL_DENIED',
    by: 'person',
    do: async ({ world, denied }) => {
      prepareApproval(await lookAtRequest(await world.desk(), denied), 'alice', null);
    },
  });

  keyedAttack(scene, '[E6]', 'who denied it approves it later, and it is merged', {
    code: 'E_POL_DENIED',
    by: 'check',
    do: async (at) => {
      await approve(at, at.denied, { signer: 'alice', signedAt: plus(ATTACKED, 60) });
      mergeUnasked(at, at.denied);
      return at.denied;
    },
  });

  keyedAttack(scene, '[E6]', 'approved and then denied by one person, and no executor saw either yet', {
    code: 'E_POL_DENIED',
    by: ['check', 'apply'],
    alsoRecords: { types: ['stopped'], why: 'the denial itself' },
    do: async (at) => {
      const request = requestBy({ id: requestId('20261122-anyone-aaaaaa'), role: 'anyone' });
      const forger = await forgerOf(at);
      const statements = [
        forger.approval(request, { signedAt: minutes(10) }),
        forger.stop(request, { signedAt: minutes(8) }),
      ];
      publishAll(
        at.world,
        statements.map((one) => ({ topic: request.id, signed: forger.sign(one) })),
      );
      plant(at.world, 'main', forger.files(request));
      return request.id;
    },
  });
});

describe('after its time', () => {
  // DESIGN: an approval has no end of its own; `decide_within` is the request's. The catalogue's E_APR_STALE.
  keyedAttack(scene, '[E10]', 'approved in time, merged in time, applied too late', {
    code: 'E_POL_DECIDE_WITHIN',
    by: ['check', 'apply'],
    do: async ({ world, quick }) => {
      await merge(world, quick);
      world.now = plus(minutes(21), 1);
      return quick;
    },
  });

  keyedAttack(scene, '[E20]', 'a new approval after its end, and its file merged again', {
    code: 'E_REQ_CONSUMED',
    by: 'check',
    do: async (at) => {
      const { world, spent } = at;
      const paths = [requestPath(spent), signaturePath(spent)];
      plant(world, 'main', Object.fromEntries(paths.map((path) => [path, null])));
      await world.apply();
      await approve(at, spent, { signer: 'alice' });
      mergeUnasked(at, spent);
      const exit = exitOfApply(await world.apply({ only: [spent] }), [spent]);
      if (exit !== EXIT.refused) throw new Error(`apply ${spent} exits with ${exit}`);
      return spent;
    },
  });

  keyedAttack(scene, '[E20]', 'pam approve after its end', {
    code: 'E_REQ_CONSUMED',
    by: 'person',
    do: async ({ world, spent }) => {
      prepareApproval(await lookAtRequest(await world.desk(), spent), 'bob', null);
    },
  });
});

describe('fallbacks', () => {
  keyedAttack(scene, '[E12]', 'pam approve a second before the time', {
    code: 'E_APR_FALLBACK_EARLY',
    by: 'person',
    exit: { person: EXIT.pending },
    do: async ({ world, oncall }) => {
      world.now = plus(minutes(16), -1);
      prepareApproval(await lookAtRequest(await world.desk(), oncall), 'carol', 'alice sleeps');
    },
  });

  keyedAttack(scene, '[E12, E13]', 'signed a second before the time, decided after it', {
    code: 'E_APR_FALLBACK_EARLY',
    by: ['check', 'apply'],
    do: async (at) => {
      await approve(at, at.oncall, { signer: 'carol', ...FALLBACK, signedAt: plus(minutes(16), -1) });
      mergeUnasked(at, at.oncall);
      at.world.now = minutes(20);
      return at.oncall;
    },
  });

  keyedAttack(scene, '[E12]', 'the second step in the time of the first', {
    code: 'E_APR_FALLBACK_EARLY',
    by: ['check', 'apply'],
    do: async (at) => {
      at.world.now = minutes(20);
      await approve(at, at.oncall, { signer: 'frank', ...FALLBACK, signedAt: minutes(20) });
      mergeUnasked(at, at.oncall);
      return at.oncall;
    },
  });
});
