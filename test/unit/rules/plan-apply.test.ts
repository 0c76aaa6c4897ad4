import type { Reason } from '../../../src/model/decision.ts';
import { describe, expect, it } from 'vitest';
import type { IncidentState } from '../../../src/model/incident.ts';
import { parseDuration } from '../../../src/model/instant.ts';
import type { LedgerEvent } from '../../../src/model/entry.ts';
import type { Request } from '../../../src/model/request.ts';
import type { Signed } from '../../../src/model/statement.ts';
import { MAX_REFUSED } from '../../../src/rules/see-request.ts';
import { type ApplyPlan, planApply } from '../../../src/rules/plan-apply.ts';
import type { Candidate, Situation } from '../../../src/rules/situation.ts';
import {
  approve,
  ask,
  type Asked,
  at,
  intentOf,
  Ledger,
  MAIN,
  policyOf,
  readyNow,
  requestId,
  scheduledEvent,
  seenEvent,
  situation,
  snapshot,
  stop,
  TEXTS,
  textsWith,
} from '../../support/world.ts';

const FIRST = policyOf(TEXTS);
const other = requestId('20261122-dba-bbbbbb');

class Scene {
  readonly ledger = new Ledger(FIRST);
  readonly #candidates: Candidate[] = [];
  readonly #approvals = new Map<Asked['id'], Signed[]>();
  readonly #stops = new Map<Asked['id'], Signed[]>();

  ask(fields: Partial<Request> = {}, how: { merged?: boolean; at?: string; key?: string } = {}): Asked {
    const asked = ask(fields, {
      root: this.ledger.state.root,
      at: at(how.at ?? '12:00'),
      merged: how.merged ?? true,
      ...(how.key === undefined ? {} : { key: how.key }),
    });
    this.put(asked);
    return asked;
  }
  /** What `gather` found under this id, instead of what it found before. */
  put(one: Candidate): void {
    const known = this.#candidates.findIndex(({ id }) => id === one.id);
    if (known === -1) this.#candidates.push(one);
    else this.#candidates[known] = one;
  }
  lose(): void {
    this.#candidates.length = 0;
  }
  approve(asked: Asked, signer = 'bob', how: Parameters<typeof approve>[3] = {}): void {
    this.#approvals.set(asked.id, [
      ...(this.#approvals.get(asked.id) ?? []),
      approve(this.ledger, asked, signer, how),
    ]);
  }
  stop(asked: Asked, signer: string): void {
    this.#stops.set(asked.id, [stop(this.ledger, asked.id, signer)]);
  }
  plan(time: string, more: Partial<Situation> = {}, only?: ReadonlySet<Asked['id']>): ApplyPlan {
    const found = situation(this.ledger, this.#candidates, {
      approvals: this.#approvals,
      stops: this.#stops,
      ...more,
    });
    return planApply(found, at(time), only);
  }
  seen(asked: Asked, time = '12:00'): void {
    this.ledger.append([seenEvent(asked)], at(time));
  }
  intent(asked: Asked, time: string): void {
    const of = snapshot(this.ledger, asked, { approvals: this.#approvals.get(asked.id) ?? [] });
    this.ledger.append([intentOf(this.ledger, readyNow(of, at(time)), at(time))], at(time));
  }
}

/** What a plan says, in short. */
function told(plan: ApplyPlan): readonly string[] {
  return [
    ...plan.see.map(({ id }) => `see ${id.slice(-2)}`),
    ...plan.stop.map(({ id }) => `stop ${id.slice(-2)}`),
    ...plan.refuse.map(
      ({ id, reasons }) => `refuse ${id.slice(-2)} ${reasons.map(({ code }) => code).join()}`,
    ),
    ...plan.ready.map(({ id, action }) => `${action} ${id.slice(-2)}`),
    ...plan.abandon.map(({ record }) => `abandon ${record.id.slice(-2)}`),
    ...plan.waiting.map(({ id }) => `wait ${id.slice(-2)}`),
  ];
}

/** The ledger takes what the planner plans, always. */
function keep(scene: Scene, plan: ApplyPlan, time: string): void {
  const events: LedgerEvent[] = [...plan.see, ...plan.stop, ...plan.refuse];
  if (events.length > 0) scene.ledger.append(events, at(time), { main: MAIN });
}

describe('from proposal to grant', () => {
  it('is seen at once, and granted in the same run when all is there', () => {
    const scene = new Scene();
    scene.approve(scene.ask());
    const plan = scene.plan('12:10');
    expect(told(plan)).toEqual(['see aa', 'grant aa']);
    expect(plan.ready[0]?.terms).toMatchObject({
      end: at('12:55'),
      approvers: ['bob'],
      permissions: ['connect', 'role:billing_owner'],
      login: 'druiz',
    });
  });

  it('waits for approvals and for the merge', () => {
    const scene = new Scene();
    const asked = scene.ask();
    expect(told(scene.plan('12:10'))).toEqual(['see aa', 'wait aa']);
    scene.approve(asked);
    scene.put({ ...asked, merged: false });
    expect(told(scene.plan('12:10'))).toEqual(['see aa', 'wait aa']);
  });

  it('the end counts from now, or from the start', () => {
    const scene = new Scene();
    scene.approve(scene.ask({ start: at('12:05') }));
    expect(scene.plan('12:10').ready[0]?.terms.end).toBe(at('12:50'));
    const ahead = new Scene();
    ahead.approve(ahead.ask({ start: at('18:00') }));
    const plan = ahead.plan('12:10');
    expect([told(plan), plan.ready[0]?.terms.end]).toEqual([['see aa', 'schedule aa'], at('18:45')]);
  });

  it('an id that nobody asked for is left alone', () => {
    const scene = new Scene();
    scene.approve(scene.ask());
    scene.approve(scene.ask({ id: other }));
    expect(told(scene.plan('12:10', {}, new Set([other])))).toEqual(['see bb', 'grant bb']);
  });

  it('a halt stops grants, and nothing else', () => {
    const scene = new Scene();
    scene.approve(scene.ask());
    const denied = scene.ask({ id: other });
    scene.stop(denied, 'dana');
    const halts: readonly Reason[] = [{ code: 'E_POL_UNSIGNED', ok: false, message: 'not signed' }];
    expect(told(scene.plan('12:10', { halts }))).toEqual(['see aa', 'see bb', 'stop bb', 'wait aa']);
  });
});

describe('what stops itself only', () => {
  const bad: readonly (readonly [string, (scene: Scene) => void, readonly string[]])[] = [
    [
      'a scope that the role does not have',
      (scene) => void scene.ask({ id: other, scope: { schema: 'payroll' } }),
      ['see bb', 'refuse bb E_POL_SCOPE'],
    ],
    [
      'a role that is not there',
      (scene) => void scene.ask({ id: other, role: 'nosuch' }),
      ['see bb', 'refuse bb E_POL_ROLE'],
    ],
    [
      'a file that cannot be read',
      (scene) =>
        scene.put({
          ...scene.ask({ id: other }),
          request: { code: 'E_YAML_DEPTH', ok: false, message: 'deep' },
        }),
      ['refuse bb E_YAML_DEPTH'],
    ],
    [
      'no signature',
      (scene) => scene.put({ ...scene.ask({ id: other }), statement: null }),
      ['refuse bb E_SIG_MISSING'],
    ],
    [
      "somebody else's signature",
      (scene) => void scene.ask({ id: other }, { key: 'frank' }),
      ['refuse bb E_KEY_PRINCIPAL'],
    ],
    [
      'an old date',
      (scene) => void scene.ask({ id: requestId('20261120-dba-bbbbbb') }),
      ['refuse bb E_REQ_ID_DATE'],
    ],
  ];

  it.each(bad)('%s: refused once it is merged, others go on', (_, make, expected) => {
    const scene = new Scene();
    make(scene);
    scene.approve(scene.ask());
    const plan = scene.plan('12:10');
    expect(new Set(told(plan))).toEqual(new Set([...expected, 'see aa', 'grant aa']));
    keep(scene, plan, '12:10');
    // Once is enough.
    const again = scene.plan('12:11');
    expect(again.refuse).toEqual([]);
  });

  it("an unmerged proposal that cannot be seen is its proposer's business", () => {
    const scene = new Scene();
    scene.put({ ...scene.ask({}, { merged: false }), statement: null });
    expect(told(scene.plan('12:10'))).toEqual(['wait aa']);
  });

  it('many refused versions of one id stop nobody else', () => {
    const scene = new Scene();
    for (let n = 0; n <= MAX_REFUSED + 1; n++) {
      scene.ask({ id: other, role: 'nosuch', justification: `version ${n}` });
      keep(scene, scene.plan('12:10'), '12:10');
    }
    expect(scene.ledger.record(other)?.refused).toHaveLength(MAX_REFUSED);
    scene.approve(scene.ask());
    expect(told(scene.plan('12:10')).filter((one) => one.endsWith('aa'))).toEqual(['see aa', 'grant aa']);
    // Not even a good version comes through any more, and it is told why to whoever asks.
    scene.approve(scene.ask({ id: other }));
    expect(told(scene.plan('12:10')).filter((one) => one.includes('bb') && !one.startsWith('wait'))).toEqual(
      [],
    );
  });

  it('bytes on main that were refused before do not stop a run that still knows other bytes', () => {
    const scene = new Scene();
    const good = scene.ask({}, { merged: false });
    scene.seen(good);
    const junk = ask(
      { justification: 'something else entirely' },
      { root: scene.ledger.state.root, at: at('12:00') },
    );
    scene.put({ ...junk, statement: null });
    keep(scene, scene.plan('12:10'), '12:10');
    expect(scene.ledger.record(good.id)).toMatchObject({ state: 'seen', refused: [junk.requestSha256] });
    expect(scene.plan('12:11').refuse).toEqual([]);
    keep(scene, scene.plan('12:11'), '12:11');
  });

  it('a stop and junk under one id in one run: the stop is recorded', () => {
    const scene = new Scene();
    const good = scene.ask({}, { merged: false });
    scene.seen(good);
    scene.stop(good, 'alice');
    const junk = ask(
      { justification: 'something else entirely' },
      { root: scene.ledger.state.root, at: at('12:00') },
    );
    scene.put({ ...junk, statement: null });
    const plan = scene.plan('12:10');
    expect(told(plan)).toEqual(['stop aa']);
    keep(scene, plan, '12:10');
  });

  it('an id belongs to its first requester', () => {
    const scene = new Scene();
    scene.seen(scene.ask({}, { merged: false }));
    scene.ask({ requester: 'erin', subject: 'erin' });
    expect(told(scene.plan('12:10'))).toEqual(['refuse aa E_REQ_ID_TAKEN']);
  });

  it('other bytes by the same requester start again; a second signature over the same ones too', () => {
    const scene = new Scene();
    const first = scene.ask();
    scene.seen(first);
    scene.approve(first);
    scene.ask({ duration: parseDuration('50m') ?? first.request.duration }, { at: '12:08' });
    expect(told(scene.plan('12:10'))).toEqual(['see aa', 'wait aa']);
    scene.put(ask({}, { root: scene.ledger.state.root, at: at('12:05') }));
    expect(told(scene.plan('12:10'))).toEqual(['see aa', 'grant aa']);
  });
});

describe('in time', () => {
  it('what is merged and not decided in time is refused; what is not merged too, once it was seen', () => {
    for (const merged of [true, false]) {
      const scene = new Scene();
      const asked = scene.ask({}, { merged });
      scene.seen(asked);
      expect(told(scene.plan('16:00'))).toEqual(['wait aa']);
      expect(scene.plan('16:00:01').refuse.map(({ id }) => id)).toEqual([asked.id]);
    }
  });

  it('what lost its file is refused when its time is over, not before', () => {
    const scene = new Scene();
    scene.seen(scene.ask());
    scene.lose();
    expect(told(scene.plan('16:00'))).toEqual([]);
    expect(told(scene.plan('16:00:01'))).toEqual(['refuse aa E_POL_MERGED']);
  });
});

describe('what was scheduled', () => {
  const prepared = (): readonly [Scene, Asked] => {
    const scene = new Scene();
    const asked = scene.ask({ start: at('18:00') });
    scene.seen(asked);
    const approvals = [approve(scene.ledger, asked, 'bob')];
    scene.ledger.append(
      [scheduledEvent(snapshot(scene.ledger, asked, { approvals }), at('12:10'))],
      at('12:10'),
    );
    return [scene, asked];
  };

  it('waits in silence, then is granted on the recorded evidence', () => {
    const [scene] = prepared();
    expect(told(scene.plan('17:59:59'))).toEqual([]);
    const plan = scene.plan('18:00');
    expect([told(plan), plan.ready[0]?.terms.end]).toEqual([['grant aa'], at('18:45')]);
  });

  it.each<readonly [string, Parameters<typeof textsWith>]>([
    ['the role is gone', ['policy/roles.yaml', '  dba:', '  dba-new:']],
    ['the signer may no longer approve', ['policy/people.yaml', 'leads: [alice, bob]', 'leads: [alice]']],
  ])('at its start %s: not granted', (_, [path, from, to]) => {
    const [scene] = prepared();
    scene.ledger.changePolicy(policyOf(textsWith(path, from, to)), at('13:00'), ['alice', 'bob']);
    expect(scene.plan('18:00').ready).toEqual([]);
  });

  it('other bytes on main do not take its place, again and again', () => {
    const [scene] = prepared();
    scene.ask({ start: at('18:00'), justification: 'changed afterwards' }, { at: '12:20' });
    const plan = scene.plan('12:30');
    expect(plan.refuse.map(({ reasons }) => reasons[0]?.code)).toEqual(['E_REQ_CONSUMED']);
    expect(plan.ready).toEqual([]);
    keep(scene, plan, '12:30');
    const again = scene.plan('12:31');
    expect([again.refuse, again.ready]).toEqual([[], []]);
  });

  it('refused once scheduled, its id is used up: other bytes are not even seen', () => {
    const [scene, asked] = prepared();
    const { id, requestSha256: request_sha256 } = asked;
    const closed = [{ code: 'E_POL_INCIDENT', message: 'closed' }];
    scene.ledger.append([{ type: 'refused', id, request_sha256, reasons: closed }], at('12:20'));
    scene.ask({ justification: 'asked again under the same id' }, { at: '12:25' });
    const plan = scene.plan('12:30');
    expect(plan.see).toEqual([]);
    expect(plan.refuse.map(({ reasons }) => reasons[0]?.code)).toEqual(['E_REQ_CONSUMED']);
  });
});

describe('access that two grants share', () => {
  const two = (): readonly [Scene, Asked] => {
    const scene = new Scene();
    const first = scene.ask();
    scene.seen(first);
    scene.approve(first);
    scene.intent(first, '12:10');
    const second = scene.ask({ id: other });
    scene.seen(second, '12:10');
    scene.approve(second);
    return [scene, first];
  };
  const executor = { executor: 'pam-sweep' };

  it('waits while another executor is giving it, and not longer', () => {
    const [scene, first] = two();
    const waiting = scene.plan('12:11');
    expect(told(waiting)).toEqual(['wait bb']);
    expect(waiting.waiting[0]?.decision.reasons.at(-1)?.code).toBe('E_PRV_BUSY');
    expect(waiting.waiting[0]?.decision.verdict).toBe('pending');
    scene.ledger.append([{ type: 'granted', id: first.id, receipt: {} }], at('12:11'));
    expect(told(scene.plan('12:11'))).toEqual(['grant bb']);
  });

  it('waits while somebody is taking it away', () => {
    const [scene, { id }] = two();
    scene.ledger.append([{ type: 'granted', id, receipt: {} }], at('12:11'));
    const because = 'its end has come';
    scene.ledger.append([{ type: 'ending', id, cause: 'expired', because }], at('12:55'), executor);
    expect(told(scene.plan('12:56'))).toEqual(['wait bb']);
    scene.ledger.append([{ type: 'revoked', id, kept_for: {}, usage: null }], at('12:56'), executor);
    expect(told(scene.plan('12:56'))).toEqual(['grant bb']);
  });

  it('two intents of one crashed entry are both taken up again', () => {
    const [scene, first] = two();
    scene.ledger.append([{ type: 'granted', id: first.id, receipt: {} }], at('12:11'));
    scene.lose();
    const again = new Scene();
    for (const id of [first.id, other]) {
      const asked = again.ask({ id });
      again.seen(asked);
      again.approve(asked);
    }
    const { ready } = again.plan('12:10');
    const place = (one: (typeof ready)[number], nth: number): LedgerEvent => {
      const event = intentOf(again.ledger, one, at('12:10'));
      return { ...event, handle: { serial: event.handle.serial + nth } };
    };
    again.ledger.append(ready.map(place), at('12:10'));
    expect(told(again.plan('12:13'))).toEqual(['resume aa', 'resume bb']);
  });
});

describe('an intent without an outcome', () => {
  const crashed = (fields: Partial<Request> = {}): readonly [Scene, Asked] => {
    const scene = new Scene();
    const asked = scene.ask(fields);
    scene.seen(asked);
    scene.approve(asked);
    scene.intent(asked, '12:10');
    return [scene, asked];
  };

  it('is left to its executor until act_by, then finished with the same end', () => {
    const [scene, asked] = crashed();
    expect(told(scene.plan('12:11:59'))).toEqual([]);
    const plan = scene.plan('12:12');
    expect(told(plan)).toEqual(['resume aa']);
    expect(plan.ready[0]?.terms.end).toBe(at('12:55'));
    const [ready] = plan.ready;
    if (ready === undefined) throw new TypeError('nothing to resume');
    scene.ledger.append([intentOf(scene.ledger, ready, at('12:12'))], at('12:12'));
    expect(scene.ledger.record(asked.id)?.grant?.granting).toMatchObject({
      at: at('12:10'),
      act_by: at('12:14'),
    });
  });

  it.each<readonly [string, (scene: Scene, asked: Asked) => void]>([
    ['its files left main', (scene, asked) => scene.put({ ...asked, merged: false })],
    ['its file is lost', (scene) => scene.lose()],
    [
      'the target is another by now',
      (scene) =>
        void scene.ledger.changePolicy(
          policyOf(textsWith('policy/targets.yaml', 'plugin: legacy', 'plugin: other')),
          at('12:11'),
          ['alice', 'bob'],
        ),
    ],
    [
      'the login is another by now',
      (scene) =>
        void scene.ledger.changePolicy(
          policyOf(textsWith('policy/people.yaml', 'orders-db: druiz', 'orders-db: dana-r')),
          at('12:11'),
          ['alice', 'bob'],
        ),
    ],
    [
      'its approver may no longer approve',
      (scene) =>
        void scene.ledger.changePolicy(
          policyOf(textsWith('policy/people.yaml', 'leads: [alice, bob]', 'leads: [alice]')),
          at('12:11'),
          ['alice', 'bob'],
        ),
    ],
  ])('is taken back when %s', (_, change) => {
    const [scene, asked] = crashed();
    change(scene, asked);
    expect(told(scene.plan('12:12'))).toEqual(['abandon aa']);
  });

  it('is taken back at its end', () => {
    const [scene] = crashed();
    expect(scene.plan('12:54:59').ready).toHaveLength(1);
    expect(told(scene.plan('12:55'))).toEqual(['abandon aa']);
  });

  it.each<readonly [IncidentState | undefined, string]>([
    [{ state: 'open' }, 'resume'],
    [{ state: 'closed', why: 'done' }, 'abandon'],
  ])('incident %j: %s', (incident, action) => {
    const scene = new Scene();
    const asked = scene.ask({ incident: 'INC-1' });
    scene.seen(asked);
    scene.approve(asked);
    const approvals = [approve(scene.ledger, asked, 'bob')];
    const open = snapshot(scene.ledger, asked, { approvals, incident: { state: 'open' } });
    scene.ledger.append([intentOf(scene.ledger, readyNow(open, at('12:10')), at('12:10'))], at('12:10'));
    const incidents = new Map(incident === undefined ? [] : [['INC-1', incident]]);
    expect(told(scene.plan('12:12', { incidents }))).toEqual([`${action} aa`]);
  });

  it('a stop of it is recorded, for the sweep to act on', () => {
    const [scene, asked] = crashed();
    scene.stop(asked, 'dana');
    expect(told(scene.plan('12:12'))).toEqual(['stop aa']);
  });
});

describe('a stop', () => {
  it('ends what waits, by whoever is entitled, and beats its approval', () => {
    const scene = new Scene();
    const asked = scene.ask();
    scene.approve(asked);
    scene.stop(asked, 'carol');
    const plan = scene.plan('12:10');
    expect(told(plan)).toEqual(['see aa', 'stop aa']);
    keep(scene, plan, '12:10');
    expect(scene.ledger.record(asked.id)?.state).toBe('stopped');
    expect(told(scene.plan('12:11'))).toEqual([]);
  });

  it('by a stranger is nothing', () => {
    const scene = new Scene();
    const asked = scene.ask();
    scene.approve(asked);
    scene.stop(asked, 'frank');
    expect(told(scene.plan('12:10'))).toEqual(['see aa', 'grant aa']);
  });
});
