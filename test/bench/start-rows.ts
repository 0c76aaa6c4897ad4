/** How fast `pam` starts, against a node that does nothing; and `pam check` of one file and of many. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { printRequest } from '../../src/documents/request-file.ts';
import { shapeFaults } from '../../src/documents/schema.ts';
import { type Instant, instantOf, parseDuration } from '../../src/model/instant.ts';
import { isRequestId, requestPath } from '../../src/model/names.ts';
import { cloneOf, type Machine, machineAt, rememberYesterday } from './access.ts';
import { makeHistory } from './make-history.ts';
import { interleave, must, pam, pamWatched, PLACE, run, timed } from './measure.ts';
import { ms, type Row, type Scale } from './report.ts';

interface Access {
  readonly machine: Machine;
  /** Request files of the work tree, relative to it. */
  readonly paths: readonly string[];
}

/** A clone with request files in its work tree and nothing live. */
async function access(requests: number): Promise<Access> {
  const place = join(PLACE, `start-${requests}`);
  const now = instantOf(Date.now());
  const history = await makeHistory(join(place, 'access.git'), {
    past: 10,
    live: 0,
    due: false,
    now,
    remote: true,
  });
  const machine = machineAt(place, history.root);
  await cloneOf(history, machine.clone);
  await rememberYesterday(history, machine);
  const paths = Array.from({ length: requests }, (_, at) => writeRequest(machine.clone, at, now));
  const person = { ...machine.env };
  return { machine: { ...machine, env: person }, paths };
}

function writeRequest(clone: string, at: number, now: Instant): string {
  const id = `${now.slice(0, 10).replaceAll('-', '')}-web-restart-${at.toString(36).padStart(6, '0')}`;
  const duration = parseDuration('45m');
  if (!isRequestId(id) || duration === undefined) throw new Error(`no id: ${id}`);
  const requester = `dev-${(at % 40) + 1}`;
  const text = printRequest({
    version: 1,
    id,
    requester,
    subject: requester,
    role: 'web-restart',
    duration,
    justification: `nginx on web-${at % 17} hangs after the deploy; restart it and watch the error rate`,
    ticket: `OPS-${at}`,
  });
  const path = requestPath(id);
  mkdirSync(dirname(join(clone, path)), { recursive: true });
  writeFileSync(join(clone, path), text);
  return path;
}

export async function startRows(scale: Scale): Promise<readonly Row[]> {
  const { machine, paths } = await access(1);
  const { clone, env } = machine;
  const jobs: readonly (readonly [name: string, job: string, args: readonly string[], goal: number])[] = [
    ['version', '`pam --version`', ['--version'], 1.15],
    ['help', '`pam --help`', ['--help'], 1.6],
    ['status', '`pam status`, nothing live', ['status', '--offline', '-C', clone], 1.6],
    ['check-one', '`pam check` of one request', ['check', '--offline', '-C', clone, ...paths], 2.2],
  ];
  const [floor = Number.NaN, ...rest] = await interleave(scale.rounds * 2, [
    async () => (await must(run(process.execPath, ['-e', '0']))).ms,
    ...jobs.map(
      ([, , args]) =>
        async () =>
          (await must(pam(args, { env }))).ms,
    ),
  ]);
  const rows: Row[] = [];
  for (const [at, [name, job, args, goal]] of jobs.entries()) {
    const took = rest[at] ?? Number.NaN;
    const { peak } = await pamWatched(args, { env });
    const ratio = took / floor;
    rows.push({
      name,
      job,
      figure: ms(took),
      against: `node -e 0: ${ms(floor)}`,
      ratio,
      goal: `<= ${goal}x`,
      met: ratio <= goal,
      peak,
      numbers: { pam_ms: took, node_ms: floor },
    });
  }
  return rows;
}

/** The parts: every file read, parsed by `yaml`, and looked at by the schema, in one process and on one core. */
export async function checkManyRow(scale: Scale): Promise<Row> {
  const { machine, paths } = await access(scale.requests);
  const { clone, env } = machine;
  const args = ['check', '--offline', '-C', clone, ...paths];
  let peak = 0;
  const parts = (): void => {
    for (const path of paths) {
      const data: unknown = parseDocument(readFileSync(join(clone, path), 'utf8')).toJS();
      if (shapeFaults('request', data).length > 0) throw new Error(`${path} is no request`);
    }
  };
  const start = async (): Promise<number> =>
    (await must(pam(['check', '--offline', '-C', clone, ...paths.slice(0, 1)], { env }))).ms;
  const [sum = Number.NaN, one = Number.NaN, whole = Number.NaN] = await interleave(scale.rounds, [
    async () => await timed(parts),
    start,
    async () => {
      const ran = await pamWatched(args, { env });
      if (ran.code !== 0) throw new Error(`pam check: exit ${String(ran.code)} ${ran.err.slice(0, 500)}`);
      peak = Math.max(peak, ran.peak);
      return ran.ms;
    },
  ]);
  const ratio = whole / (sum + one);
  return {
    name: 'check-many',
    job: `\`pam check\` of ${paths.length} requests`,
    figure: ms(whole),
    against: `read + yaml + schema of each, and one start: ${ms(sum + one)}`,
    ratio,
    goal: '<= 1.3x',
    met: ratio <= 1.3,
    peak,
    numbers: { pam_ms: whole, parts_ms: sum, start_ms: one, requests: paths.length },
  };
}
