/** Policies on a ledger that was attacked, or is newer than this program: rows X45 to X48, on a ledger branch in memory. */
import { describe, expect, it } from 'vitest';
import { draftRequest } from '../../src/flows/people/make-request.ts';
import { lookAtRequest } from '../../src/flows/gather/look-at-request.ts';
import { mergeRequest } from '../../src/flows/people/merge-request.ts';
import { ratifiable, type Ratified, ratify } from '../../src/flows/people/ratify-policy.ts';
import { readLedger } from '../../src/flows/ledger/read-ledger.ts';
import { recordPolicy } from '../../src/flows/executor/record-policy.ts';
import { prepareApproval } from '../../src/flows/people/sign-approval.ts';
import { prepareStop, signStop } from '../../src/flows/people/sign-stop.ts';
import { EXIT, PamError } from '../../src/model/error.ts';
import type { Oid } from '../../src/model/names.ts';
import type { Policy } from '../../src/model/policy.ts';
import { LEDGER_NAMESPACE } from '../../src/model/statement.ts';
import { countedOnly, judgePolicyChange, tallies } from '../../src/rules/judge-policy-change.ts';
import { EMPTY_INDEX } from '../../src/rules/fold-index.ts';
import { sha256, treeDigest } from '../../src/trust/digest.ts';
import { codeOf, codeOfLater } from '../support/error-code.ts';
import { LEDGER, LedgerBranch, type Machine, type Side } from '../support/ledger-branch.ts';
import {
  at,
  grantLive,
  keyNamed,
  Ledger,
  policyOf,
  sign,
  TEXTS,
  textsWith,
  type WorldPolicy,
} from '../support/world.ts';

const PEOPLE = 'policy/people.yaml';
const MAIN = 'refs/heads/main';

/** So many admins, of whom all have to sign. */
const needing = (admins: readonly string[]) =>
  textsWith(
    PEOPLE,
    'people: [alice, bob, grace], threshold: 2',
    `people: [${admins.join(', ')}], threshold: ${admins.length}`,
  );
const REVOKED = `revoked_keys: [{ fingerprint: "FINGERPRINT(bob)", at: ${at('12:30')}, reason: compromised, since: ${at('12:00')} }]\nadmins:`;
/** Bob's key is taken away, and he gets a new one. */
const replaced = (admins: readonly string[]): WorldPolicy =>
  policyOf(
    textsWith(
      PEOPLE,
      'admins:',
      REVOKED,
      textsWith(PEOPLE, '{ key: KEY(bob) }', '{ key: KEY(bob-new) }', needing(admins)),
    ),
  );

const putOnMain = (branch: LedgerBranch, { files }: WorldPolicy): void =>
  void branch.remote.set(MAIN, branch.commit(files, [branch.remote.get(MAIN) ?? branch.main.tip]));

async function signedBy(machine: Machine, id: string, keyFile = id): Promise<Ratified> {
  const desk = await machine.desk();
  const found = await ratifiable(desk);
  if (found === undefined) throw new TypeError('there is nothing to sign');
  return await ratify(desk, found, { id, keyFile }, null);
}

const inForce = (machine: Machine): Promise<number | undefined> =>
  machine.read(null).then(({ state }) => state.index.beats?.policy.seq);

describe('[X45] an admin whose signature everybody needs replaces a compromised key', () => {
  it.each([
    ['old, then new', ['alice', 'bob'], ['bob', 'bob-new', 'alice']],
    ['new, then old', ['alice', 'bob'], ['bob-new', 'alice', 'bob']],
    ['of three', ['alice', 'bob', 'grace'], ['grace', 'bob-new', 'bob', 'alice']],
  ])('%s: it is in force once both of their keys signed', async (_, admins, keys) => {
    const branch = new LedgerBranch(policyOf(needing(admins)));
    putOnMain(branch, replaced(admins));
    const [machine, executor] = [branch.machine('person'), branch.machine('executor')];
    const asked: (readonly string[])[] = [];
    for (const [place, key] of keys.entries()) {
      branch.now = at(`13:0${place}`);
      const [id = key] = key.split('-');
      const { otherKeyFor } = await signedBy(machine, id, key);
      if (id === 'bob') asked.push(otherKeyFor);
      await executor.sweep();
      expect(await inForce(machine)).toBe(place < keys.length - 1 ? 1 : 2);
    }
    const first = keys.find((key) => key.startsWith('bob'));
    expect(asked).toEqual([[first === 'bob' ? 'new' : 'in force'], []]);
    const { ok, findings } = await branch.machine('auditor').audit();
    expect({ ok, codes: findings.map(({ code }) => code) }).toEqual({
      ok: true,
      codes: ['W_KEY_COMPROMISED'],
    });
  });
});

describe('[X46] an admin with two keys', () => {
  const admins = ['alice', 'bob'];
  const previous = policyOf(needing(admins)).policy;
  const sayingBy = (next: Policy) => (key: string, second: number) =>
    sign(
      {
        type: 'policy',
        root: previous.digest,
        signer: key.split('-')[0] ?? key,
        signedAt: at(`12:00:0${second}`),
        seq: 2,
        policySha256: next.digest,
        previousSha256: previous.digest,
      },
      { key },
    );
  const counted = (next: Policy, keys: readonly string[]) => {
    const statements = keys.map(sayingBy(next));
    const change = { root: previous.digest, seq: 2, next, previous, statements, recordedAt: at('12:10') };
    const kept = countedOnly(change);
    return {
      kept: kept.map((one) => keys[statements.indexOf(one)] ?? '').toSorted(),
      have: tallies({ ...change, statements: kept }).map(({ have }) => have.join()),
      code: codeOf(() => judgePolicyChange({ ...change, statements: kept }, EMPTY_INDEX)),
    };
  };
  const other = policyOf(
    textsWith('policy/roles.yaml', 'max_duration: 2h', 'max_duration: 1h', needing(admins)),
  ).policy;
  const { policy: withNewKey } = replaced(admins);

  it('counts once on each side, whatever their keys sign', () => {
    const one = { kept: ['alice-second'], have: ['alice'], code: 'E_POL_UNSIGNED' };
    expect(counted(other, ['alice', 'alice-second'])).toEqual(one);
    const sides = { kept: ['bob', 'bob-new'], have: ['bob', 'bob'], code: 'E_POL_UNSIGNED' };
    expect(counted(withNewKey, ['bob', 'bob-new'])).toEqual(sides);
  });

  it('leaves at most one statement a side on the ledger, and one that counts on both where there is one', () => {
    const keys = ['alice', 'bob', 'alice-second', 'bob-new', 'stranger', 'bob', 'bob-new'];
    const both = { kept: ['alice-second', 'bob', 'bob-new'], have: ['alice,bob', 'alice,bob'], code: 'ok' };
    expect(counted(withNewKey, keys)).toEqual(both);
  });
});

const settling = (...digests: readonly string[]): WorldPolicy => {
  const named = digests.map((one) => `"${one}"`).join(', ');
  return policyOf(textsWith('pam.yaml', 'version: 1\n', `version: 1\nsettled: [${named}]\n`));
};

const headAt = ({ ledger }: Side, seq: number): string => ledger.witnesses.get(seq) ?? `no entry ${seq}`;

/** Two entries 3: an executor's on main's side, and another one by a holder of the sweep key; the merge is not pushed. */
function forked(): { readonly branch: LedgerBranch; readonly wrong: Side; readonly merge: Oid } {
  const branch = new LedgerBranch();
  branch.beat(branch.main, at('12:10'));
  const wrong = branch.fork();
  branch.beat(wrong, at('12:21'));
  branch.beat(branch.main, at('12:20'));
  branch.push(branch.main.tip);
  const merge = branch.commit(branch.filesOf(wrong.tip), [wrong.tip, branch.main.tip]);
  return { branch, wrong, merge };
}

describe('[X47] settling a fork', () => {
  it('ratified and recorded on a machine that follows one side; then every machine follows it', async () => {
    const { branch, wrong, merge } = forked();
    const [person, executor] = [branch.machine('person'), branch.machine('executor')];
    await person.read(null);
    await executor.read('pam-sweep');
    branch.push(merge);
    putOnMain(branch, settling(headAt(wrong, 3)));
    const fresh = branch.machine('fresh');
    expect((await fresh.read('pam-apply')).troubles.map(({ code }) => code)).toContain('E_LED_FORK');
    for (const admin of ['alice', 'bob']) await signedBy(person, admin);
    // A machine that does not know which side is right appends nothing.
    await branch.machine('fresh too').sweep();
    expect(branch.remote.get(LEDGER)).toBe(merge);
    await executor.sweep();
    expect(await inForce(branch.machine('later'))).toBe(2);
    const view = await branch.machine('later still').read('pam-apply');
    expect({ on: view.appendable, troubles: view.troubles }).toEqual({ on: true, troubles: [] });
    const { ok, findings } = await branch.machine('auditor').audit();
    expect({ ok, codes: new Set(findings.map(({ code }) => code)) }).toEqual({
      ok: true,
      codes: new Set(['W_LED_JUNK']),
    });
  });

  it('is not signed, and never appended, on the side that it names', async () => {
    const { branch } = forked();
    const { main } = branch;
    const executor = branch.machine('executor');
    const next = settling(headAt(main, 3));
    putOnMain(branch, next);
    const before = new Set(branch.remote.keys());
    expect(await codeOfLater(signedBy(branch.machine('person'), 'alice'))).toBe('E_POL_SETTLED');
    expect(new Set(branch.remote.keys())).toEqual(before);
    const tip = branch.remote.get(LEDGER);
    for (const statement of main.ledger.policyStatements(next, branch.now, ['alice', 'bob']))
      await post(branch, statement);
    const desk = await executor.desk();
    const view = await executor.read('pam-sweep');
    const { recorded } = await recordPolicy(desk, { name: 'pam-sweep', keyFile: 'pam-sweep' }, view);
    expect({ recorded, tip: branch.remote.get(LEDGER) }).toEqual({ recorded: null, tip });
    expect(executor.notes.join('\n')).toMatch(
      /policy 2 is signed and does not come into force: .*E_POL_SETTLED/u,
    );
  });

  it('once settled, a version that drops it is neither signed nor appended', async () => {
    const { branch, wrong } = forked();
    branch.changePolicy(branch.main, settling(headAt(wrong, 3)), at('12:30'), ['alice', 'bob']);
    branch.push(branch.main.tip);
    putOnMain(branch, policyOf(TEXTS));
    expect(await codeOfLater(signedBy(branch.machine('person'), 'alice'))).toBe('E_POL_SETTLED');
  });
});

/** What somebody posts who does not use `pam ratify`. */
async function post(
  branch: LedgerBranch,
  signed: { readonly text: string; readonly armor: string },
): Promise<void> {
  const desk = await branch.machine('poster').desk();
  const forge = await desk.forge(branch.main.ledger.state.policy.config);
  const topic = { name: 'policy-2', place: null };
  await forge.publish({ topic, signed, author: 'alice', type: 'policy', sentence: '', head: null });
}

/** What a later program writes: the admins' threshold over files that this one does not know. */
function newerPolicy(): WorldPolicy {
  const files = new Map<string, Uint8Array>([
    ['pam.yaml', Buffer.from('version: 2\nforge: { kind: carrier-pigeon }\n')],
    ['policy/grades.yaml', Buffer.from('grades: { unknown: [to, us] }\n')],
  ]);
  // No reader of today takes it; its writer can name its digest.
  return { files, policy: { digest: treeDigest(files) } as Policy };
}

function newerBranch(): { readonly branch: LedgerBranch; readonly id: string } {
  const ledger = new Ledger();
  const { id } = grantLive(ledger, { role: 'reader' }, 'alice', at('12:05'));
  const branch = new LedgerBranch(policyOf(TEXTS), ledger);
  const world = newerPolicy();
  const statements = ledger.policyStatements(world, at('12:40'), ['alice', 'bob']);
  const event = { type: 'policy', id: '-', seq: 2, digest: world.policy.digest, statements } as const;
  const draft = ledger.draft([event], at('12:40'), { brings: world });
  const signed = [
    ['entry.json', draft.bytes],
    ['entry.json.sig', draft.signature],
  ] as const;
  branch.push(
    branch.commit(new Map<string, Uint8Array | string>([...signed, ...world.files]), [branch.main.tip]),
  );
  putOnMain(branch, world);
  return { branch, id };
}

const refusal = async (act: Promise<unknown>): Promise<unknown> =>
  await act.then(
    () => 'done',
    (error: unknown) => (error instanceof PamError ? [error.code, error.exit, error.message] : error),
  );
const NEWER = ['E_LED_VERSION', EXIT.integrity, expect.stringMatching(/newer pam is needed.*version 2/u)];

describe('[X48] people on a ledger of a higher version', () => {
  it('ask, approve, merge and ratify nothing: 20, and the version is named', async () => {
    const { branch, id } = newerBranch();
    const desk = await branch.machine('person').desk();
    const looked = await lookAtRequest(desk, id);
    const wish = { role: 'reader', duration: '10m', justification: 'x', controls: [], scope: {} };
    const before = new Map(branch.remote);
    expect(await refusal(draftRequest(desk, 'dana', wish))).toEqual(NEWER);
    expect(await refusal(Promise.resolve().then(() => prepareApproval(looked, 'alice', null)))).toEqual(
      NEWER,
    );
    expect(await refusal(mergeRequest(desk, looked, 'alice'))).toEqual(NEWER);
    expect(await refusal(ratifiable(desk))).toEqual(NEWER);
    expect(branch.remote).toEqual(before);
  });

  it('stop all the same', async () => {
    const { branch, id } = newerBranch();
    const desk = await branch.machine('person').desk();
    const looked = await lookAtRequest(desk, id);
    const alice = { id: 'alice', keyFile: 'alice' };
    await signStop(desk, looked, prepareStop(looked, 'alice', null), alice);
    expect([...branch.remote.keys()].filter((ref) => ref.includes(`pam-statements/${id}.`))).toHaveLength(1);
  });

  it('a ledger that began with it is said to be newer, under its pin and without one', async () => {
    const branch = new LedgerBranch();
    const { files, policy } = newerPolicy();
    const entry = `{"root":null,"seq":0,"previous":null,"policy":"${policy.digest}","unknown":true}\n`;
    const signature = keyNamed('pam-apply').sign(entry, LEDGER_NAMESPACE);
    const holds = new Map<string, Uint8Array | string>([
      ['entry.json', entry],
      ['entry.json.sig', signature],
      ...files,
    ]);
    branch.push(branch.commit(holds, []));
    const born = ['E_LED_VERSION', EXIT.integrity, expect.stringMatching(/begun with version 2/u)];
    expect(await refusal(branch.machine('unpinned', false).read(null))).toEqual(born);
    const pinned = {
      ...(await branch.machine('its own', false).desk()),
      givenRoot: sha256(Buffer.from(entry)),
    };
    expect(await refusal(readLedger(pinned, null))).toEqual(born);
    // Under another pin it is another ledger.
    expect(await refusal(branch.machine('pinned').read(null))).toContain('E_POL_GENESIS');
    // Other files beside the same entry prove no version.
    branch.push(branch.commit(new Map([...holds, ['policy/more.yaml', 'x: 1\n']]), []));
    expect(await refusal(branch.machine('other', false).read(null))).toContain('E_POL_GENESIS');
  });
});
