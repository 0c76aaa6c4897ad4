/** What is junk, what is a finding, forks and newer versions: rows X35 to X49, on a ledger branch in memory. */
import { describe, expect, it } from 'vitest';
import type { Audited } from '../../src/flows/audit/audit.ts';
import type { LedgerView } from '../../src/flows/ledger/read-ledger.ts';
import { exitOfRun } from '../../src/flows/executor/run-result.ts';
import { EXIT, type PamError } from '../../src/model/error.ts';
import type { Oid } from '../../src/model/names.ts';
import type { Policy } from '../../src/model/policy.ts';
import { LEDGER_NAMESPACE } from '../../src/model/statement.ts';
import { treeDigest } from '../../src/trust/digest.ts';
import { LEDGER, LedgerBranch, type Side } from '../support/ledger-branch.ts';
import {
  at,
  grantLive,
  keyNamed,
  Ledger,
  policyOf,
  TEXTS,
  textsWith,
  type WorldPolicy,
} from '../support/world.ts';

const codesOf = ({ findings }: Audited): readonly string[] =>
  findings.map(({ code, severity, seq }) => `${severity} ${seq} ${code}`);
const troublesOf = ({ troubles }: LedgerView): readonly string[] => troubles.map(({ code }) => code);

/** Genesis, policy 1 and three heartbeats: entries 0 to 4. */
function plainBranch(): LedgerBranch {
  const branch = new LedgerBranch();
  for (const minute of ['12:10', '12:20', '12:30']) branch.beat(branch.main, at(minute));
  branch.push(branch.main.tip);
  return branch;
}

const genesisOf = (branch: LedgerBranch): Oid => branch.main.commits.get(0) ?? branch.main.tip;

/** Each gives the branch a second commit with the genesis' bytes, and says what its newest commit is then. */
const COPIES: Readonly<Record<string, (branch: LedgerBranch) => Oid>> = {
  'an orphan, merged in': (branch) => {
    const copy = branch.commit(branch.filesOf(genesisOf(branch)), []);
    return branch.commit(branch.filesOf(branch.main.tip), [branch.main.tip, copy]);
  },
  'an orphan, merged in as the first parent': (branch) => {
    const copy = branch.commit(branch.filesOf(genesisOf(branch)), []);
    return branch.commit(branch.filesOf(branch.main.tip), [copy, branch.main.tip]);
  },
  'an orphan that was merged and holds another file': (branch) => {
    const files = new Map([...branch.filesOf(genesisOf(branch)), ['more', Buffer.from('x')]]);
    const copy = branch.commit(files, []);
    return branch.commit(branch.filesOf(branch.main.tip), [copy, branch.main.tip]);
  },
  'a commit on top': (branch) => branch.commit(branch.filesOf(genesisOf(branch)), [branch.main.tip]),
  'twenty orphans': (branch) => {
    const copies = Array.from({ length: 20 }, () => branch.commit(branch.filesOf(genesisOf(branch)), []));
    return copies.reduce(
      (tip, copy) => branch.commit(branch.filesOf(branch.main.tip), [copy, tip]),
      branch.main.tip,
    );
  },
};

describe('[X35] copies of the beginning', () => {
  it.each(Object.keys(COPIES))(
    '%s: one beginning, nothing hidden, a warning that names the commit',
    async (name) => {
      const branch = plainBranch();
      const tip = COPIES[name]?.(branch) ?? branch.main.tip;
      branch.push(tip);
      for (const pinned of [true, false]) {
        const audited = await branch.machine('auditor', pinned).audit();
        const { seq, head } = branch.main.ledger.state;
        expect({ seq: audited.seq, head: audited.head }).toEqual({ seq, head });
        const junk = audited.findings.filter(({ code }) => code === 'W_LED_JUNK');
        expect(junk.length).toBeGreaterThan(0);
        const named = junk.map(({ message }) => /commit ([0-9a-f]{12}) /u.exec(message)?.[1]);
        expect(named).toContain(tip.slice(0, 12));
        const errors = audited.findings
          .filter(({ severity }) => severity === 'error')
          .map(({ code }) => code);
        expect(errors).toEqual(pinned ? [] : ['E_LED_UNPINNED']);
      }
      const view = await branch.machine('fresh').read();
      expect({ seq: view.state.seq, codes: new Set(troublesOf(view)), on: view.appendable }).toEqual({
        seq: 4,
        codes: new Set(['E_LED_JUNK']),
        on: true,
      });
    },
  );

  it('another beginning in front or merged in is junk under a pin, and without one both are named', async () => {
    const branch = plainBranch();
    const other = new LedgerBranch(
      policyOf(textsWith('pam.yaml', 'version: 1\n', 'version: 1\nmain: trunk\n')),
    );
    const files = other.filesOf(other.main.commits.get(0) ?? other.main.tip);
    const tip = branch.commit(branch.filesOf(branch.main.tip), [branch.commit(files, []), branch.main.tip]);
    branch.push(tip);
    expect(codesOf(await branch.machine('auditor').audit())).toEqual([
      'warning 0 W_LED_JUNK',
      'warning 5 W_LED_JUNK',
    ]);
    const unpinned = await branch
      .machine('auditor', false)
      .audit()
      .catch((error: unknown) => error);
    expect(unpinned).toMatchObject({ code: 'E_POL_GENESIS' });
    expect(String(unpinned)).toContain(branch.root);
    expect(String(unpinned)).toContain(other.root);
  });
});

/** Whose word a commit is, by the key that signs the next entry. */
const SIGNERS: Readonly<Record<string, readonly [string, string]>> = {
  'no key at all': ['-', 'warning 5 W_LED_JUNK'],
  'a stranger': ['stranger', 'warning 5 W_LED_JUNK'],
  'an admin': ['alice', 'warning 5 W_LED_JUNK'],
  'a service that executes nothing': ['deploy-bot', 'warning 5 W_LED_JUNK'],
  'an executor under the name of another': ['pam-apply', 'error 5 E_LED_KEY'],
};

describe('[X36] junk is a warning unless an executor signed it', () => {
  it.each(Object.entries(SIGNERS))('%s', async (_, [key, finding]) => {
    const branch = plainBranch();
    const before = branch.main.tip;
    const next = branch.filesOf(branch.beat(branch.main, at('12:40')));
    const bytes = next.get('entry.json') ?? new Uint8Array();
    const armor = key === '-' ? 'none' : keyNamed(key).sign(bytes, LEDGER_NAMESPACE);
    branch.push(branch.commit(new Map([...next, ['entry.json.sig', Buffer.from(armor)]]), [before]));
    const audited = await branch.machine('auditor').audit();
    expect({ codes: codesOf(audited), ok: audited.ok }).toEqual({
      codes: [finding],
      ok: finding.startsWith('warning'),
    });
    // Above the newest entry it stops grants for a run, whoever signed it.
    expect(troublesOf(await branch.machine('fresh').read())).toEqual(['E_LED_JUNK']);
  });

  it('a copy of what a key signed that policy has replaced since is a copy all the same', async () => {
    const branch = plainBranch();
    const changed = textsWith('policy/people.yaml', 'KEY(pam-sweep)', 'KEY(pam-sweep-new)');
    branch.changePolicy(branch.main, policyOf(changed), at('12:40'), ['alice', 'bob']);
    const old = branch.filesOf(branch.main.commits.get(3) ?? branch.main.tip);
    branch.push(branch.commit(old, [branch.main.tip]));
    expect(codesOf(await branch.machine('auditor').audit())).toEqual(['warning 6 W_LED_JUNK']);
  });
});

/** What a later program writes: the admins' threshold over files that this one does not know. */
function newerFiles(pamYaml: string): WorldPolicy {
  const files = new Map<string, Uint8Array>([
    ['pam.yaml', Buffer.from(pamYaml)],
    ['policy/grades.yaml', Buffer.from('grades: { unknown: [to, us] }\n')],
    ['policy/people.yaml', Buffer.from('people: 7\n')],
  ]);
  // No reader of today takes it; its writer can name its digest.
  return { files, policy: { digest: treeDigest(files) } as Policy };
}

/** A policy entry over those files, signed by that executor, on top of the branch; not followed by our own rules. */
function pushPolicy(branch: LedgerBranch, world: WorldPolicy, signers: readonly string[]): Oid {
  const { main } = branch;
  const now = at('12:40');
  const statements = main.ledger.policyStatements(world, now, signers);
  const event = { type: 'policy', id: '-', seq: 2, digest: world.policy.digest, statements } as const;
  const draft = main.ledger.draft([event], now, { key: 'pam-apply-new', brings: world });
  const files = new Map<string, Uint8Array | string>([
    ['entry.json', draft.bytes],
    ['entry.json.sig', draft.signature],
    ['what-a-later-version-adds', 'x'],
    ...world.files,
  ]);
  const tip = branch.commit(files, [main.tip]);
  branch.push(tip);
  return tip;
}

const VERSION_TWO = 'version: 2\nforge: { kind: carrier-pigeon }\nunknown: { to: us }\n';

function withLiveGrant(): LedgerBranch {
  const ledger = new Ledger();
  grantLive(ledger, { role: 'reader' }, 'alice', at('12:05'));
  const branch = new LedgerBranch(policyOf(TEXTS), ledger);
  branch.targets.there.set('shelf druiz connect', Infinity);
  return branch;
}

describe('[X37] a policy of a higher version', () => {
  it('is known without its shape being read: nothing is appended, what is past its end is revoked, 20', async () => {
    const branch = withLiveGrant();
    const { seq, head } = branch.main.ledger.state;
    const knows = branch.machine('knows');
    await knows.read('pam-sweep');
    pushPolicy(branch, newerFiles(VERSION_TWO), ['alice', 'bob']);
    // What stands above it may have any shape, and be signed by whom it likes.
    const entry = Buffer.from('{"v":2,"seq":6}\n');
    const armor = keyNamed('pam-sweep').sign(entry, LEDGER_NAMESPACE);
    const above = new Map<string, Uint8Array | string>([
      ['entry.json', entry],
      ['entry.json.sig', armor],
    ]);
    const tip = branch.commit(above, [branch.remote.get(LEDGER) ?? branch.main.tip]);
    branch.push(tip);

    for (const machine of [knows, branch.machine('fresh')]) {
      branch.targets.there.set('shelf druiz connect', Infinity);
      branch.now = at('12:45');
      const early = await machine.sweep();
      expect({ exit: exitOfRun(early), held: branch.targets.keys() }).toEqual({
        exit: EXIT.integrity,
        held: ['shelf druiz connect'],
      });
      branch.now = at('12:51');
      const late = await machine.sweep();
      expect({ exit: exitOfRun(late), held: branch.targets.keys() }).toEqual({
        exit: EXIT.integrity,
        held: [],
      });
      expect(late.troubles.map(({ message }) => message).join()).toMatch(/version 2\b.*upgrade/u);
      const applied = await machine.apply().then(exitOfRun, (error: unknown) => (error as PamError).exit);
      expect(applied).toBe(EXIT.integrity);
      expect(branch.remote.get(LEDGER)).toBe(tip);
    }
    const audited = await branch.machine('auditor').audit();
    expect({ ok: audited.ok, seq: audited.seq, head: audited.head }).toEqual({ ok: false, seq, head });
    expect(codesOf(audited)).toContain(`error ${seq + 1} E_LED_VERSION`);
    expect(codesOf(audited)).not.toContain(`error ${seq + 1} E_LED_FORK`);
  });

  it.each([
    ['names no version', 'forge: { kind: git }\n', ['alice', 'bob']],
    ['names two', 'version: 2\nversion: 3\n', ['alice', 'bob']],
    ['is spelt otherwise', '"version": 2\n', ['alice', 'bob']],
    ['is of version 0', 'version: 0\n', ['alice', 'bob']],
    ['has five digits', 'version: 10000\n', ['alice', 'bob']],
    ['is not signed by enough admins', VERSION_TWO, ['alice']],
  ])('one that %s is junk, and the chain goes on', async (_, text, signers) => {
    const branch = withLiveGrant();
    pushPolicy(branch, newerFiles(text), signers);
    const view = await branch.machine('fresh').read();
    expect({ codes: troublesOf(view), on: view.appendable }).toEqual({ codes: ['E_LED_JUNK'], on: true });
    expect(codesOf(await branch.machine('auditor').audit())).not.toContain('E_LED_VERSION');
  });
});

const settling = (...digests: readonly string[]): WorldPolicy =>
  policyOf(
    textsWith(
      'pam.yaml',
      'version: 1\n',
      `version: 1\nsettled: [${digests.map((one) => `"${one}"`).join(', ')}]\n`,
    ),
  );

interface Fork {
  readonly branch: LedgerBranch;
  readonly right: Side;
  readonly wrong: Side;
}

/** Somebody with the sweep key's copy writes two entries beside entry 4; the honest side has one more. */
function forked(): Fork {
  const branch = plainBranch();
  const wrong = branch.fork();
  branch.beat(wrong, at('12:31'));
  branch.beat(wrong, at('12:32'));
  branch.beat(branch.main, at('12:40'));
  return { branch, right: branch.main, wrong };
}

const headAt = ({ ledger }: Side, seq: number) => {
  const found = ledger.witnesses.get(seq);
  if (found === undefined) throw new TypeError(`no entry ${seq}`);
  return found;
};

/** A merge of both tips, the one or the other as its first parent. */
const merged = ({ branch, right, wrong }: Fork, first: 'right' | 'wrong'): Oid => {
  const parents = first === 'right' ? [right.tip, wrong.tip] : [wrong.tip, right.tip];
  return branch.commit(branch.filesOf(parents[0] ?? right.tip), parents);
};

describe('[X38] two believed entries of one number', () => {
  it.each(['right', 'wrong'] as const)(
    'the %s side first: a fork to everybody who knew neither',
    async (first) => {
      const fork = forked();
      const { branch, right } = fork;
      const knows = branch.machine('knows');
      branch.push(right.tip);
      await knows.read();
      branch.push(merged(fork, first));
      const fresh = await branch.machine('fresh').read();
      expect(troublesOf(fresh)).toContain('E_LED_FORK');
      expect(fresh.appendable).toBe(false);
      const audited = await branch.machine('auditor').audit();
      expect(codesOf(audited)).toContain('error 5 E_LED_FORK');
      expect(audited.findings.find(({ code }) => code === 'E_LED_FORK')?.message).toContain('`settled`');
      const kept = await knows.read();
      expect({ head: kept.state.head, codes: troublesOf(kept), on: kept.appendable }).toMatchObject({
        head: right.ledger.state.head,
        on: true,
      });
      expect(troublesOf(kept)).toContain('E_LED_FORK');
    },
  );

  it.each(['right', 'wrong'] as const)(
    'settled by a policy on the right side, the %s side first',
    async (first) => {
      const fork = forked();
      const { branch, right, wrong } = fork;
      const misled = branch.machine('misled');
      const anew = branch.machine('anew');
      branch.push(wrong.tip);
      await misled.read();
      await anew.read();
      anew.clonesAnew = true;
      // The side that it followed is gone, and nothing is settled yet.
      branch.push(right.tip);
      const alone = await anew.read();
      expect({ codes: troublesOf(alone), on: alone.appendable }).toEqual({
        codes: ['E_LED_ROLLBACK'],
        on: false,
      });
      const merge = merged(fork, first);
      branch.changePolicy(right, settling(headAt(wrong, 5)), at('12:50'), ['alice', 'bob'], { on: merge });
      branch.beat(right, at('12:55'));
      branch.push(right.tip);
      for (const machine of [branch.machine('fresh'), misled, anew]) {
        const view = await machine.read();
        expect({ head: view.state.head, codes: troublesOf(view), on: view.appendable }).toEqual({
          head: right.ledger.state.head,
          codes: [],
          on: true,
        });
      }
      const audited = await branch.machine('auditor').audit();
      expect({ ok: audited.ok, head: audited.head }).toEqual({ ok: true, head: right.ledger.state.head });
      expect(new Set(audited.findings.map(({ code }) => code))).toEqual(new Set(['W_LED_JUNK']));
    },
  );

  it('a kept head that its executor did not sign is as good as none, and no error', async () => {
    const { branch, right, wrong } = forked();
    const anew = branch.machine('anew');
    branch.push(wrong.tip);
    await anew.read();
    branch.push(right.tip);
    anew.clonesAnew = true;
    anew.signature = 'junk';
    const view = await anew.read();
    expect({ codes: troublesOf(view), on: view.appendable }).toEqual({ codes: [], on: true });
  });

  it('a side that rests on a key which policy took away since is a fork too, walked first', async () => {
    const branch = plainBranch();
    const wrong = branch.fork();
    const changed = policyOf(
      textsWith('policy/people.yaml', 'KEY(pam-sweep)', 'KEY(pam-sweep-new)', {
        ...TEXTS,
        'policy/people.yaml': TEXTS['policy/people.yaml'].replace('KEY(pam-apply)', 'KEY(pam-apply-new)'),
      }),
    );
    branch.changePolicy(branch.main, changed, at('12:40'), ['alice', 'bob'], { key: 'pam-apply-new' });
    branch.beat(branch.main, at('12:45'), { key: 'pam-sweep-new' });
    branch.beat(wrong, at('12:31'));
    branch.push(merged({ branch, right: branch.main, wrong }, 'wrong'));
    expect(codesOf(await branch.machine('auditor').audit())).toContain('error 5 E_LED_FORK');
    const view = await branch.machine('fresh').read();
    expect({ codes: troublesOf(view).slice(0, 1), on: view.appendable }).toEqual({
      codes: ['E_LED_FORK'],
      on: false,
    });
  });
});

describe('[X39] what a policy may settle', () => {
  it.each([0, 3, 4])('a policy that names entry %s of its own chain is junk there', async (seq) => {
    const branch = plainBranch();
    branch.changePolicy(branch.main, settling(headAt(branch.main, seq)), at('12:40'), ['alice', 'bob']);
    branch.push(branch.main.tip);
    const audited = await branch.machine('auditor').audit();
    expect({ seq: audited.seq, codes: codesOf(audited) }).toEqual({
      seq: 4,
      codes: ['error 5 E_POL_SETTLED'],
    });
  });

  it('a later version that no longer names it is refused', () => {
    const { branch, right, wrong } = forked();
    branch.changePolicy(right, settling(headAt(wrong, 5)), at('12:50'), ['alice', 'bob']);
    expect(() => branch.changePolicy(right, policyOf(TEXTS), at('12:55'), ['alice', 'bob'])).toThrow(
      expect.objectContaining({ code: 'E_POL_SETTLED' }),
    );
  });
});

/** Bob's key is reported at 13:00; it was lost at `since`. */
const reported = (since: string): WorldPolicy =>
  policyOf(
    textsWith(
      'policy/people.yaml',
      'admins:',
      `revoked_keys: [{ fingerprint: "FINGERPRINT(bob)", at: ${at('13:00')}, reason: compromised, since: ${at(since)} }]\nadmins:`,
    ),
  );

describe('[X40] a compromised admin key', () => {
  it.each([
    ['12:35', ['2']],
    ['12:45', []],
    ['07:00', ['1, 2']],
  ])('since %s: audit lists the policies that it signed from then on', async (since, listed) => {
    const branch = plainBranch();
    const changed = policyOf(textsWith('pam.yaml', 'version: 1\n', 'version: 1\nopen_requests: 7\n'));
    branch.changePolicy(branch.main, changed, at('12:40'), ['alice', 'bob']);
    branch.changePolicy(branch.main, reported(since), at('12:50'), ['alice', 'grace']);
    branch.push(branch.main.tip);
    const { findings, ok } = await branch.machine('auditor').audit();
    expect(ok).toBe(true);
    const told = findings.filter(({ code }) => code === 'W_KEY_COMPROMISED').map(({ message }) => message);
    expect(told.map((one) => /^policy versions ([0-9, ]+) were signed with SHA256:/u.exec(one)?.[1])).toEqual(
      listed,
    );
  });
});
