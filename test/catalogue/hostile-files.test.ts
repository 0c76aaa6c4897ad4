/**
 * Groups A and B: hostile request files, all merged into one main, each signed by its requester and approved by bob
 * as far as he could be made to: only the rule in question stands between the file and a grant. One run of `apply`
 * meets them all; each test then looks at what became of its own file.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { checkFile } from '../../src/flows/people/check-file.ts';
import { freshLedger } from '../../src/flows/gather/look-at-request.ts';
import { exitOfApply, exitOfRun, type RunResult } from '../../src/flows/executor/run-result.ts';
import { EXIT, exitOf } from '../../src/model/error.ts';
import { type RequestId, requestPath, signaturePath } from '../../src/model/names.ts';
import type { Request } from '../../src/model/request.ts';
import type { LogLine } from '../../src/flows/audit/log.ts';
import type { World } from '../crash/access-repository.ts';
import {
  approveBytes,
  duration,
  handsOf,
  plant,
  type Planted,
  requestBy,
  requestId,
  requestSignature,
  textOf,
} from './hostile-hands.ts';
import { GOOD_HELD, LIVE_ENDS, LIVE_HELD, merge, preparedScene, type Scene } from './scene.ts';

interface HostileFile {
  readonly title: string;
  readonly code: string;
  /** The file, given its id. */
  readonly bytes: (id: RequestId) => string | Uint8Array;
  /** What a parser without the rule would read; the rest of the request is good. */
  readonly reads?: Partial<Request>;
  /** Whose name the requester's signature is in, and whose key made it; erin's unless told otherwise. */
  readonly signed?: { readonly by: string; readonly key: string } | null;
  /** What `pam check` says of the file alone, where that is not `code`. */
  readonly says?: readonly string[];
}

const line =
  (field: string, text: string) =>
  (id: RequestId): string => {
    const good = textOf({ id });
    const at = new RegExp(`^${field}:.*$`, 'mu');
    if (!at.test(good)) throw new Error(`no ${field}`);
    return good.replace(at, () => text);
  };
const more =
  (text: string) =>
  (id: RequestId): string =>
    `${textOf({ id })}${text}\n`;
const reason = (text: string) => line('justification', `justification: ${text}`);
const wide = (times: number): string => '['.repeat(times) + ']'.repeat(times);

const DANA = { requester: 'dana', subject: 'dana' };

const FILES: readonly HostileFile[] = [
  { title: '[A1] approved: true', code: 'E_REQ_UNKNOWN_FIELD', bytes: more('approved: true') },
  { title: '[A1] approvers of its own', code: 'E_REQ_UNKNOWN_FIELD', bytes: more('approvers: [mallory]') },
  { title: '[A1] a policy of its own', code: 'E_REQ_UNKNOWN_FIELD', bytes: more('policy: { max_ttl: 30d }') },
  {
    title: '[A1] an approval of its own',
    code: 'E_REQ_UNKNOWN_FIELD',
    bytes: more('approval: [{ threshold: 0 }]'),
  },
  { title: '[A1] __proto__', code: 'E_REQ_UNKNOWN_FIELD', bytes: more('__proto__: { duration: 8h }') },
  {
    title: '[A2] the id of another request',
    code: 'E_REQ_ID_MISMATCH',
    bytes: line('id', 'id: 20261122-writer-zzzzzz'),
  },
  {
    title: '[A3] an id that climbs',
    code: 'E_REQ_ID_SYNTAX',
    bytes: line('id', 'id: ../20261122-writer-zzzzzz'),
  },
  {
    title: '[A3] an id with a line end',
    code: 'E_REQ_ID_SYNTAX',
    bytes: (id) => line('id', `id: "${id}\\n"`)(id),
  },
  { title: '[A3] an id that is an option', code: 'E_REQ_ID_SYNTAX', bytes: line('id', 'id: -rf') },
  {
    title: '[A3] an id in full-width digits',
    code: 'E_REQ_ID_SYNTAX',
    bytes: (id) => line('id', `id: ${id.replace('2026', '２０２６')}`)(id),
  },
  {
    title: '[A3] an id in capitals',
    code: 'E_REQ_ID_SYNTAX',
    bytes: (id) => line('id', `id: ${id.toUpperCase()}`)(id),
  },
  ...['999h', '9h', '481m', '28801s', '1d'].map(
    (text): HostileFile => ({
      title: `[A4] ${text} where the role allows 8h`,
      code: 'E_POL_TTL',
      bytes: line('duration', `duration: ${text}`),
      reads: { duration: duration(text) },
    }),
  ),
  ...['0', '-1h', '1.5h', '.inf', '.nan', '1e9', '0x10', '010', '1h30', '""', '9007199254740993', '[1h]'].map(
    (text): HostileFile => ({
      title: `[A5] duration ${text}`,
      code: 'E_REQ_TTL',
      bytes: line('duration', `duration: ${text}`),
    }),
  ),
  { title: '[A6] role *', code: 'E_REQ_SHAPE', bytes: line('role', 'role: "*"') },
  {
    title: '[A6] a role that is not in the catalogue',
    code: 'E_POL_ROLE',
    bytes: line('role', 'role: owner'),
  },
  {
    title: '[A6] a role that every object has',
    code: 'E_POL_ROLE',
    bytes: line('role', 'role: constructor'),
  },
  // A request names no target: the role has exactly one.
  { title: '[A6] a target of its own', code: 'E_REQ_UNKNOWN_FIELD', bytes: more('target: bastion') },
  {
    title: '[A6] a scope that the role does not have',
    code: 'E_POL_SCOPE',
    bytes: more('scope: { slot: s1 }'),
    reads: { scope: {} },
  },
  // Who opened a pull request is for the GitHub issue. Here it is the requester's own signature that vouches.
  {
    title: "[A7] dana's name, erin's key",
    code: 'E_KEY_PRINCIPAL',
    bytes: (id) => textOf({ id, ...DANA }),
    reads: DANA,
    signed: { by: 'dana', key: 'erin' },
    says: [],
  },
  {
    title: "[A7] dana's request, signed by erin as erin",
    code: 'E_APR_GRANT',
    bytes: (id) => textOf({ id, ...DANA }),
    reads: DANA,
    says: [],
  },
  {
    title: '[A7] a request that its requester did not sign',
    code: 'E_SIG_MISSING',
    bytes: (id) => textOf({ id }),
    signed: null,
    says: [],
  },
  {
    title: '[A7] a request for somebody else',
    code: 'E_POL_SUBJECT',
    bytes: line('subject', 'subject: dana'),
    reads: { subject: 'dana' },
  },
  {
    title: '[A6] a scope value that the role does not list',
    code: 'E_POL_SCOPE',
    bytes: (id) => textOf({ id, role: 'slot', scope: { slot: 's99' } }),
    reads: { role: 'slot', scope: { slot: 's1' } },
  },
  { title: '[A14] an incident id that climbs', code: 'E_REQ_SHAPE', bytes: more('incident: ../INC-1') },
  ...Object.entries({
    'an override of direction': 'safe \u202eevil',
    'an escaped override of direction': '"safe \\u202eevil"',
    'an escape character': '"\\e[2J"',
    'a carriage return': '"a\\rb"',
    'a zero width space': 'a\u200bb',
    'an escaped NUL': '"a\\0b"',
  }).map(
    ([what, text]): HostileFile => ({
      title: `[A9] ${what} in the reason`,
      code: 'E_REQ_CHARSET',
      bytes: reason(text),
    }),
  ),
  // Break-glass is a role's `risk`, never a request's word.
  { title: '[A15] break_glass: true', code: 'E_REQ_UNKNOWN_FIELD', bytes: more('break_glass: true') },
  { title: '[A15] no reason', code: 'E_REQ_SHAPE', bytes: reason('""') },
  { title: '[A15] a reason of blanks', code: 'E_REQ_SHAPE', bytes: reason('"   "') },
  ...['123', 'true', 'null', '[erin]'].map(
    (text): HostileFile => ({
      title: `[A16] requester ${text}`,
      code: 'E_REQ_TYPE',
      bytes: line('requester', `requester: ${text}`),
    }),
  ),
  // YAML 1.2 core: `yes` is a text, and nobody is called so.
  {
    title: '[A16] requester yes',
    code: 'E_KEY_PRINCIPAL',
    bytes: line('requester', 'requester: yes'),
    signed: { by: 'yes', key: 'erin' },
    says: ['E_POL_REQUESTER', 'E_POL_SUBJECT'],
  },
  ...[
    '2026-02-30T00:00:00Z',
    '2026-1-1',
    '2026-11-22T19:00:00',
    '2026-11-22T24:00:00Z',
    '2026-11-22T19:00:60Z',
  ].map(
    (text): HostileFile => ({
      title: `[A17, B12] start ${text}`,
      code: 'E_REQ_TIME',
      bytes: more(`start: ${text}`),
    }),
  ),
  {
    title: '[A18, N6] a private key in the reason',
    code: 'E_REQ_SECRET',
    bytes: reason('"-----BEGIN OPENSSH PRIVATE KEY-----"'),
  },
  {
    title: '[A18, N6] a token in the reason',
    code: 'E_REQ_SECRET',
    bytes: reason(`ghp_${'a1B2'.repeat(9)}`),
  },

  { title: '[B1] a key twice', code: 'E_YAML_DUPKEY', bytes: more('duration: 8h') },
  { title: '[B1] a key twice in two spellings', code: 'E_YAML_DUPKEY', bytes: more('"rol\\u0065": root') },
  { title: '[B2] a directive', code: 'E_YAML_DIRECTIVE', bytes: (id) => `%YAML 1.1\n---\n${textOf({ id })}` },
  { title: '[B3] an anchor', code: 'E_YAML_ALIAS', bytes: line('requester', 'requester: &me erin') },
  { title: '[B3] a merge', code: 'E_YAML_ALIAS', bytes: more('<<: *me') },
  { title: '[B4] two documents', code: 'E_YAML_MULTIDOC', bytes: more('---\nrole: root') },
  { title: '[B4] text after the end', code: 'E_YAML_MULTIDOC', bytes: more('...\nrole: root') },
  ...['!!str erin', '!foo erin', '!!binary ZXJpbg==', '!!js/function erin'].map(
    (text): HostileFile => ({
      title: `[B5] requester ${text}`,
      code: 'E_YAML_TAG',
      bytes: line('requester', `requester: ${text}`),
    }),
  ),
  { title: '[B5] a key that is a number', code: 'E_YAML_KEY', bytes: more('1: x') },
  { title: '[B5] a key that is a list', code: 'E_YAML_KEY', bytes: more('[role]: root') },
  { title: '[B5] text that is no YAML', code: 'E_YAML_SYNTAX', bytes: more('ticket: "x') },
  {
    title: '[B7] UTF-16',
    code: 'E_YAML_ENCODING',
    bytes: (id) => Buffer.from(`\ufeff${textOf({ id })}`, 'utf16le'),
  },
  { title: '[B7] a byte order mark', code: 'E_YAML_ENCODING', bytes: (id) => `\ufeff${textOf({ id })}` },
  {
    title: '[B7] invalid UTF-8',
    code: 'E_YAML_ENCODING',
    bytes: (id) => Buffer.concat([Buffer.from(textOf({ id })), Buffer.from([0x23, 0xff, 0x0a])]),
  },
  { title: '[B7] a raw NUL', code: 'E_YAML_ENCODING', bytes: more('# \0') },
  { title: '[B8, Q3] 900 brackets', code: 'E_YAML_DEPTH', bytes: () => wide(900) },
  { title: '[B8, Q3] 900 brackets once more', code: 'E_YAML_DEPTH', bytes: () => wide(900) },
  {
    title: '[B8, Q3] brackets below a good request',
    code: 'E_YAML_DEPTH',
    bytes: more(`scope: ${wide(900)}`),
  },
  {
    title: '[B9, Q3] a billion laughs',
    code: 'E_YAML_ALIAS',
    bytes: () =>
      Array.from({ length: 9 }, (_, at) => `k${at}: &k${at} [${`*k${at - 1}, `.repeat(9)}]\n`).join(''),
  },
  { title: '[B13] CR alone', code: 'E_YAML_NEWLINE', bytes: more('# x\rrole: root') },
  { title: '[B13] NEL', code: 'E_YAML_NEWLINE', bytes: more('# x\u0085role: root') },
];

/** Names that no request has, in the folder of this month; each file is good in itself. */
const NAMES = [
  '20261122-writer-AAAAAA',
  '２０２６1122-writer-aaaaab',
  '20261122-writer-aaaaac\n',
  '-rf',
  '--upload-pack=x',
  '20261122-writer-aaaaad.yaml',
  '.hidden',
];
const FOLDER = 'requests/2026/11';

const CROWD = FILES.map((file, at) => ({
  ...file,
  id: requestId(`20261122-writer-x${String(at).padStart(5, '0')}`),
}));

describe('hostile files on main', () => {
  const prepared = preparedScene();
  let scene: Scene;
  let world: World;
  let result: RunResult;
  let events: readonly LogLine[];
  const checked = new Map<string, readonly string[]>();

  beforeAll(async () => {
    scene = prepared();
    ({ world } = scene);
    const hands = await handsOf(world);
    const { view } = await freshLedger(hands.desk);
    const files: Record<string, Planted> = {};
    for (const { id, bytes, reads, signed = { by: 'erin', key: 'erin' } } of CROWD) {
      const text = bytes(id);
      await approveBytes(hands, requestBy({ id, ...reads }), text);
      files[requestPath(id)] = text;
      files[signaturePath(id)] =
        signed === null ? null : await requestSignature(hands, id, text, signed.by, signed.key);
      const { issues, reasons } = await checkFile(hands.desk, view, requestPath(id), Buffer.from(text));
      const failing = reasons.filter(({ ok }) => !ok);
      checked.set(
        id,
        [...issues, ...failing].map(({ code }) => code),
      );
    }
    const model = requestId('20261122-writer-aaaaaa');
    for (const name of NAMES) {
      const path = `${FOLDER}/${name}.yaml`;
      const text = textOf({ id: model }).replace(/^id: .*$/mu, () => `id: ${JSON.stringify(name)}`);
      files[path] = text;
      files[`${path}.sig`] = await requestSignature(hands, model, text);
      const { issues } = await checkFile(hands.desk, view, path, Buffer.from(text));
      checked.set(
        name,
        issues.map(({ code }) => code),
      );
    }
    await merge(world, scene.good);
    plant(world, 'main', files);
    result = await world.apply();
    events = await world.events();
  }, 180_000);

  it.each(CROWD.map((one) => [one.title, one] as const))('%s', (_, { id, code, says = [code] }) => {
    const told = checked.get(id) ?? [];
    expect({ silent: told.length === 0, missing: says.filter((one) => !told.includes(one)) }).toEqual({
      silent: says.length === 0,
      missing: [],
    });
    const steps = result.steps.filter((one) => one.id === id && one.action !== 'see');
    expect(steps).toMatchObject([{ action: 'refuse', error: { code } }]);
    expect(world.calls().filter((one) => one.id === id)).toEqual([]);
    expect(exitOfApply(result, [id])).toBe(exitOf(code) === EXIT.invalid ? EXIT.invalid : EXIT.refused);
    const about = events.filter((one) => one.id === id);
    expect(about.filter(({ type }) => type !== 'seen')).toMatchObject([
      { type: 'refused', reasons: [{ code }] },
    ]);
    // Whoever put a secret there may have put it anywhere; we at least do not carry it on.
    expect(JSON.stringify(about)).not.toMatch(/PRIVATE KEY|ghp_/u);
  });

  it.each(NAMES)('[A3] the file name %j', (name) => {
    expect(checked.get(name)).toContain('E_REQ_ID_SYNTAX');
    expect(world.git('ls-tree', '-r', '-z', '--name-only', 'main')).toContain(`${FOLDER}/${name}.yaml`);
    // No file of a request, so nobody's business: not even a refusal is written under such a name.
    expect(JSON.stringify([result, events])).not.toContain(`${JSON.stringify(name).slice(1, -1)}"`);
  });

  it('[B8, Q3] they stop only themselves: the good request is granted, the live grant ends, audit agrees', async () => {
    expect(exitOfRun(result)).toBe(EXIT.refused);
    expect(world.held()).toEqual([LIVE_HELD, GOOD_HELD]);
    expect((await world.apply()).steps).toEqual([]);
    world.now = LIVE_ENDS;
    await world.sweep({ executor: 'pam-sweep' });
    expect(world.held()).toEqual([GOOD_HELD]);
    expect(await world.audit()).toMatchObject({ ok: true });
  });
});
