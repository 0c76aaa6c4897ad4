/** Group A: what a request says and where it stands, along the whole path. Bytes of files: `hostile-files.test.ts`. */
import { describe, expect, it } from 'vitest';
import { draftRequest, proposeRequest, type Wish } from '../../src/flows/people/make-request.ts';
import { EXIT, PamError } from '../../src/model/error.ts';
import { plus } from '../../src/model/instant.ts';
import { requestPath, signaturePath } from '../../src/model/names.ts';
import type { DeskChange, World } from '../crash/access-repository.ts';
import { attack, permit, run } from './attack.ts';
import {
  approveBytes,
  duration,
  handsOf,
  plant,
  requestBy,
  requestId,
  signedFiles,
  textOf,
} from './hostile-hands.ts';
import { LIVE_ENDS, LIVE_HELD, merge, minutes, preparedScene, propose } from './scene.ts';

const ID = requestId('20261122-writer-aaaaaa');
const INCIDENT = 'incidents/INC-1.yaml';
const incident = (status: string, id = 'INC-1') => ({
  [INCIDENT]: `version: 1\nid: ${id}\nstatus: ${status}\n`,
});
const sourceIsDown: DeskChange = (desk) => ({
  ...desk,
  incidents: () => ({
    state: async () => await Promise.reject(new PamError('E_INCIDENT', 'nobody answers')),
  }),
});

const TOKEN = `ghp_${'a1B2'.repeat(9)}`;

const scene = preparedScene();

/** A request by erin that `pam request` must refuse, leaving nothing behind: no branch, no commit, no file, no secret. */
async function wishRefused(world: World, wish: Partial<Wish>): Promise<void> {
  const whole = { role: 'writer', duration: '1h', justification: 'x', controls: [], scope: {}, ...wish };
  const before = world.git('for-each-ref') + world.git('status', '--porcelain');
  try {
    await proposeRequest(await world.desk(), world.signer('erin'), whole);
  } catch (error) {
    expect(world.git('for-each-ref') + world.git('status', '--porcelain')).toBe(before);
    expect(JSON.stringify([error, String(error)])).not.toContain(TOKEN);
    throw error;
  }
}

describe('what a request says', () => {
  attack(scene, '[A1]', 'an extra key, though everybody signed', {
    code: 'E_REQ_UNKNOWN_FIELD',
    by: ['check', 'apply'],
    do: async ({ world }) => {
      const hands = await handsOf(world);
      const text = `${textOf({ id: ID })}approved: true\n`;
      await approveBytes(hands, requestBy({ id: ID }), text);
      plant(world, 'main', await signedFiles(hands, ID, text));
      return ID;
    },
  });

  // DESIGN: files dated more than a day away are nobody's business; whoever asks for one by name is told why.
  attack(scene, '[A3]', 'an id from last month', {
    code: 'E_REQ_ID_DATE',
    by: 'check',
    exit: { check: EXIT.refused },
    do: async ({ world }) => {
      const hands = await handsOf(world);
      const id = requestId('20261022-writer-aaaaaa');
      const text = textOf({ id });
      await approveBytes(hands, requestBy({ id }), text);
      plant(world, 'main', await signedFiles(hands, id, text));
      return id;
    },
  });

  // A policy does not end (DESIGN section 3), so only the role's own limit is left of this row.
  attack(scene, '[A4]', 'pam request over the longest duration', {
    code: 'E_POL_TTL',
    by: 'person',
    do: async ({ world }) => await wishRefused(world, { duration: '9h' }),
  });

  permit(scene, '[Z28]', 'exactly the longest duration', {
    holds: ['north erin read', 'north erin write'],
    do: async ({ world }) => {
      const id = await propose(world, { role: 'writer', requester: 'erin', duration: '8h' }, 'bob');
      await merge(world, id);
      return id;
    },
  });

  attack(scene, '[A6]', 'pam request for a role that is not in the catalogue', {
    code: 'E_POL_ROLE',
    by: 'person',
    do: async ({ world }) => await wishRefused(world, { role: 'owner' }),
  });

  attack(scene, '[A18]', 'pam request with a token in the reason, which it does not repeat', {
    code: 'E_REQ_SECRET',
    by: 'person',
    do: async ({ world }) => await wishRefused(world, { justification: `use ${TOKEN}` }),
  });

  permit(scene, '[Z4, Z22]', 'CRLF, comments, a long reason in many scripts, an apostrophe', {
    holds: ['north erin read', 'north erin write'],
    do: async ({ world }) => {
      const hands = await handsOf(world);
      const reason = `O'Brien: 日本語 и עברית 👩‍💻 ${'naïve '.repeat(100)}`.trim();
      const text = `# why\n${textOf({ id: ID, justification: reason })}# end`.replaceAll('\n', '\r\n');
      await approveBytes(hands, requestBy({ id: ID }), text);
      plant(world, 'main', await signedFiles(hands, ID, text));
      return ID;
    },
  });
});

describe('who asks', () => {
  attack(scene, '[A7, H14]', "an id that the ledger gave to erin, used for dana's request", {
    code: 'E_REQ_ID_TAKEN',
    by: ['check', 'apply'],
    do: async ({ world, unapproved }) => {
      const hands = await handsOf(world);
      const request = requestBy({ id: unapproved, requester: 'dana', subject: 'dana' });
      await approveBytes(hands, request, textOf(request));
      plant(world, 'main', await signedFiles(hands, unapproved, textOf(request), 'dana'));
      return unapproved;
    },
  });
});

describe('what happens to its file', () => {
  attack(scene, '[A10, E4]', 'its requester edits a merged request and signs it again', {
    code: 'E_APR_DIGEST',
    by: ['apply'],
    do: async ({ world, victim }) => {
      await merge(world, victim);
      const longer = textOf({ id: victim, duration: duration('8h') });
      plant(world, 'main', await signedFiles(await handsOf(world), victim, longer));
      return victim;
    },
  });

  attack(scene, '[A10, E4]', 'somebody edits a merged request and nobody signs it', {
    code: 'E_APR_DIGEST',
    by: ['apply'],
    do: async ({ world, victim }) => {
      await merge(world, victim);
      plant(world, 'main', { [requestPath(victim)]: textOf({ id: victim, duration: duration('8h') }) });
      return victim;
    },
  });

  it.each(['edited', 'removed'])(
    '[A10, A12] the file of a live grant is %s: it keeps its recorded end',
    async (how) => {
      const { world, live } = scene();
      const { grant: before } = await world.record(live);
      const longer = textOf({
        id: live,
        requester: 'dana',
        subject: 'dana',
        role: 'reader',
        duration: duration('8h'),
      });
      const edited = await signedFiles(await handsOf(world), live, longer, 'dana');
      plant(
        world,
        'main',
        how === 'edited' ? edited : { [requestPath(live)]: null, [signaturePath(live)]: null },
      );
      const { head } = await world.audit();
      for (const at of [minutes(20), minutes(59)]) {
        world.now = at;
        await run('apply', world, live);
        await world.sweep();
        expect({ held: world.held(), grant: (await world.record(live)).grant }).toEqual({
          held: [LIVE_HELD],
          grant: before,
        });
      }
      expect(await world.audit()).toMatchObject({ ok: true, head });
      world.now = LIVE_ENDS;
      await world.sweep();
      expect(world.held()).toEqual([]);
    },
  );

  attack(scene, '[A12]', 'an old request file under a new name', {
    code: 'E_REQ_ID_MISMATCH',
    by: ['check', 'apply'],
    do: async ({ world, live }) => {
      const old = world.git('show', `main:${requestPath(live)}`);
      const signature = world.git('show', `main:${signaturePath(live)}`);
      const id = requestId(`${live.slice(0, -6)}aaaaaa`);
      plant(world, 'main', {
        [requestPath(live)]: null,
        [signaturePath(live)]: null,
        [requestPath(id)]: `${old}\n`,
        [signaturePath(id)]: signature,
      });
      return id;
    },
  });
});

describe('a proposal that holds more than one request', () => {
  // The catalogue's E_REQ_IMMUTABLE is part of the same rule here: exactly the two files, added, and nothing else.
  const others: readonly (readonly [string, string, Parameters<typeof plant>[2]])[] = [
    ['[A11]', 'a second request', { [requestPath(requestId('20261122-writer-bbbbbb'))]: 'x' }],
    ['[A11]', 'a policy', { 'policy/roles.yaml': 'roles: {}\n' }],
    ['[A11]', 'pam.yaml', { 'pam.yaml': 'version: 1\nforge: { kind: git }\nledger: other\n' }],
    ['[A11]', '.gitattributes', { '.gitattributes': 'requests/** -diff\n' }],
    ['[A11]', 'a source file', { 'src/main.ts': '' }],
    ['[A11]', 'a workflow', { '.github/workflows/pam.yml': '' }],
    ['[A11]', 'an incident', { [INCIDENT]: 'version: 1\nid: INC-1\nstatus: open\n' }],
    ['[A11]', 'the removal of policy', { 'policy/people.yaml': null }],
  ];

  attack(scene, '[A11]', 'merged with the policy change that it carried', {
    code: 'E_POL_UNSIGNED',
    by: 'apply',
    exit: { apply: EXIT.pending },
    grantsStop: 'main holds a policy that no admin signed',
    do: async ({ world, victim }) => {
      await merge(world, victim);
      const roles = world
        .git('show', 'main:policy/roles.yaml')
        .replaceAll('"threshold": 1', '"threshold": 2');
      plant(world, 'main', { 'policy/roles.yaml': `${roles}\n` });
      return victim;
    },
  });

  it('[A10, A11, A12] is refused, whatever it holds beside', async () => {
    const { world, live } = scene();
    const hands = await handsOf(world);
    const all = [
      ...others,
      ['[A10]', 'an edit', { [requestPath(live)]: textOf({ id: live }) }],
      ['[A12]', 'a removal', { [requestPath(live)]: null, [signaturePath(live)]: null }],
    ] as const;
    const told: unknown[] = [];
    for (const [at, [, what, files]] of all.entries()) {
      const id = requestId(`20261122-writer-c0000${at}`);
      const text = textOf({ id });
      await approveBytes(hands, requestBy({ id }), text);
      plant(world, `pam/${id}`, { ...(await signedFiles(hands, id, text)), ...files });
      const { codes, exit } = await run('check', world, id);
      told.push([what, codes, exit]);
    }
    expect(told).toEqual(all.map(([, what]) => [what, ['E_PR_SCOPE'], EXIT.invalid]));
  });
});

describe('the incident that it names', () => {
  const wanted = { role: 'fixer', requester: 'erin', incident: 'INC-1' };

  attack(scene, '[A14]', 'pam request with an incident that does not exist', {
    code: 'E_POL_INCIDENT',
    by: 'person',
    do: async ({ world }) => await wishRefused(world, { role: 'fixer', incident: 'INC-1' }),
  });

  attack(scene, '[A14]', 'closed between approval and apply', {
    code: 'E_POL_INCIDENT',
    by: ['check', 'apply'],
    do: async ({ world }) => {
      plant(world, 'main', incident('open'));
      const id = await propose(world, wanted, 'bob');
      await merge(world, id);
      plant(world, 'main', incident('closed'));
      return id;
    },
  });

  attack(scene, '[A14]', 'its file belongs to another incident', {
    code: 'E_POL_INCIDENT',
    by: ['check', 'apply'],
    // Not known is not closed: it waits until its time is over.
    exit: { check: EXIT.pending, apply: EXIT.pending },
    do: async ({ world }) => {
      plant(world, 'main', incident('open'));
      const id = await propose(world, wanted, 'bob');
      await merge(world, id);
      plant(world, 'main', incident('open', 'INC-2'));
      return id;
    },
  });

  attack(scene, '[A14]', 'the source does not answer when it is applied', {
    code: 'E_POL_INCIDENT',
    by: 'apply',
    exit: { apply: EXIT.pending },
    desk: sourceIsDown,
    do: async ({ world }) => {
      plant(world, 'main', incident('open'));
      const id = await propose(world, wanted, 'bob');
      await merge(world, id);
      return id;
    },
  });

  it.each<[string, string, DeskChange | undefined]>([
    ['[A14]', 'the source does not answer', sourceIsDown],
    ['[A14, B8]', 'the file of the incident became 900 brackets', undefined],
  ])('%s %s: a running grant ends when it was to end, not later and not earlier', async (_, __, change) => {
    const { world } = scene();
    plant(world, 'main', incident('open'));
    const id = await propose(world, { ...wanted, duration: '30m' }, 'bob');
    await merge(world, id);
    await world.apply();
    expect(world.held()).toContain('north erin fix');
    const { end } = (await world.record(id)).grant ?? {};
    if (end === undefined) throw new Error('it has no end');
    plant(world, 'main', { [INCIDENT]: '['.repeat(900) + ']'.repeat(900) });
    const options = { executor: 'pam-sweep', ...(change === undefined ? {} : { change }) } as const;
    world.now = plus(end, -1);
    await world.sweep(options);
    expect(world.held()).toContain('north erin fix');
    world.now = end;
    await world.sweep(options);
    expect(world.held()).toEqual([LIVE_HELD]);
    expect(await world.audit()).toMatchObject({ ok: true });
  });

  it('[A14] a draft is refused too, before anything is signed', async () => {
    const { world } = scene();
    const wish = {
      role: 'fixer',
      duration: '1h',
      justification: 'x',
      controls: [],
      scope: {},
      incident: 'INC-1',
    };
    await expect(draftRequest(await world.desk(), 'erin', wish)).rejects.toMatchObject({
      code: 'E_POL_INCIDENT',
    });
  });
});
