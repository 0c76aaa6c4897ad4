/** Programs that run and end, and helpers of our own that are given one job after the other: real processes. */
import { buildSync } from 'esbuild';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { inOrder } from '../../src/process/crew.ts';
import { run } from '../../src/process/run.ts';
import { codeOf, tempDir } from './git-workbench.ts';

const env = { PATH: process.env['PATH'] ?? '' };
const limits = { env, timeoutMs: 20_000, maxBytes: 1024 };

describe('a program that runs and ends', () => {
  it('starts while its input is still to come', async () => {
    let give: (bytes: Uint8Array) => void = () => undefined;
    const stdin = new Promise<Uint8Array>((resolve) => (give = resolve));
    const running = run('sh', ['-c', 'echo begun >&2; cat'], { ...limits, stdin });
    give(Buffer.from('late'));
    const { code, stdout, stderr } = await running;
    expect({ code, out: stdout.toString(), stderr }).toEqual({ code: 0, out: 'late', stderr: 'begun\n' });
  });

  it('fails with the error of the input that does not come, whatever it makes of none', async () => {
    const stdin = Promise.reject(new RangeError('not today'));
    await expect(run('cat', [], { ...limits, stdin })).rejects.toThrow('not today');
  });
});

const CREW = fileURLToPath(new URL('../../src/process/crew.ts', import.meta.url));

function bundled(contents: string, outfile: string): void {
  buildSync({
    stdin: { contents, resolveDir: '/', loader: 'js' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile,
  });
}

/** What the helpers run: says who it is, fails in the ways that there are, and counts its jobs. */
const HELPER = `
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PamError } from ${JSON.stringify(fileURLToPath(new URL('../../src/model/error.ts', import.meta.url)))};
import { serve } from ${JSON.stringify(CREW)};
serve(async (setup) => async (job) => {
  if (job.refuse) throw new PamError('E_GIT_SHALLOW', 'cut', { hint: 'fetch it' });
  if (job.die) process.kill(process.pid, 'SIGKILL');
  if (job.announced) writeFileSync(join(job.announced, String(process.pid)), '');
  await new Promise((wake) => setTimeout(wake, job.wait ?? 0));
  return { setup, job, pid: process.pid };
}, () => process.exit());
`;

interface Answer {
  readonly setup: unknown;
  readonly job: { readonly at: number };
  readonly pid: number;
}

describe('helpers', () => {
  let file = '';
  beforeAll(() => {
    file = join(tempDir(), 'helper.cjs');
    bundled(HELPER, file);
  });
  const crew = () => ({ file, env, cwd: tempDir(), setup: new Map([['said', 1]]), workers: 2 });
  const isThere = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  const until = async (holds: () => boolean): Promise<void> => {
    for (let wait = 0; wait < 100 && !holds(); wait++) await new Promise((wake) => setTimeout(wake, 50));
  };
  const staying = async (pids: readonly number[]): Promise<readonly number[]> => {
    await until(() => !pids.some(isThere));
    return pids.filter(isThere);
  };

  it('answer in the order of the jobs, whoever is first; know the setup; and are gone afterwards', async () => {
    const asked: number[] = [];
    const answers: Answer[] = [];
    const jobAt = (at: number) => {
      asked.push(at);
      return { at, wait: at === 0 ? 300 : 0, bytes: Buffer.from([at]) };
    };
    for await (const answer of inOrder<Answer>(crew(), 5, jobAt)) answers.push(answer);
    expect(answers.map(({ job }) => job.at)).toEqual([0, 1, 2, 3, 4]);
    expect(asked).toEqual([0, 1, 2, 3, 4]);
    expect(answers.map(({ setup }) => setup)).toEqual(
      Array.from({ length: 5 }, () => new Map([['said', 1]])),
    );
    const pids = new Set(answers.map(({ pid }) => pid));
    expect(pids.size).toBe(2);
    expect([...pids].filter(isThere)).toEqual([]);
  });

  it('an error of theirs is the error, with its code and hint', async () => {
    const answers = inOrder<Answer>(crew(), 3, (at) => ({ at, refuse: at === 1 }));
    expect((await answers.next()).value).toMatchObject({ job: { at: 0 } });
    await expect(answers.next()).rejects.toMatchObject({
      code: 'E_GIT_SHALLOW',
      message: 'cut',
      hint: 'fetch it',
    });
    expect((await answers.next()).done).toBe(true);
  });

  it('one that dies is told, and nobody waits for it', async () => {
    const all = async (): Promise<void> => {
      for await (const _ of inOrder<Answer>(crew(), 4, (at) => ({ at, die: at === 2 }))) void _;
    };
    expect(await codeOf(all())).toBe('E_RUN_ENDED');
  });

  it('one that cannot even start is told, too', async () => {
    const nowhere = { ...crew(), cwd: join(tempDir(), 'gone') };
    expect(await codeOf(inOrder<Answer>(nowhere, 2, (at) => ({ at })).next())).toBe('E_RUN_ENDED');
  });

  it('whoever stops asking lets them go', async () => {
    const pids: number[] = [];
    for await (const { pid } of inOrder<Answer>(crew(), 4, (at) => ({ at }))) {
      pids.push(pid);
      break;
    }
    expect(pids).toHaveLength(1);
    expect(await staying(pids)).toEqual([]);
  });

  it('who is let go leaves its job where it is', async () => {
    const announced = tempDir();
    const busy = inOrder<Answer>(crew(), 2, (at) => ({ at, wait: at * 60_000, announced }));
    await busy.next();
    await until(() => readdirSync(announced).length === 2);
    await busy.return();
    const pids = readdirSync(announced).map(Number);
    expect(pids).toHaveLength(2);
    expect(await staying(pids)).toEqual([]);
  });

  it('so does one whose master was killed', async () => {
    const announced = tempDir();
    const master = join(tempDir(), 'master.cjs');
    bundled(
      `
import { inOrder } from ${JSON.stringify(CREW)};
const job = { wait: 60_000, announced: ${JSON.stringify(announced)} };
inOrder(${JSON.stringify({ file, env, cwd: announced, setup: null, workers: 2 })}, 2, () => job).next();
`,
      master,
    );
    const running = spawn(process.execPath, [master], { env, stdio: 'ignore' });
    await until(() => readdirSync(announced).length === 2);
    running.kill('SIGKILL');
    const pids = readdirSync(announced).map(Number);
    expect(pids).toHaveLength(2);
    expect(await staying(pids)).toEqual([]);
  });
});
