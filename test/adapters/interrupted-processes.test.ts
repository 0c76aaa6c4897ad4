/** What becomes of programs, and of those who wait for them, when this process is interrupted: real programs. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Interrupted } from '../../src/model/error.ts';
import { openDoors, tellUnsettled } from '../../src/process/doors.ts';
import {
  forgetInterrupt,
  interrupt,
  isInterrupted,
  letFinish,
  orCutOff,
} from '../../src/process/interrupt.ts';
import { keepOpen } from '../../src/process/keep-open.ts';
import { run } from '../../src/process/run.ts';
import { providers } from '../../src/targets/registry.ts';
import { tempDir } from './git-workbench.ts';

const env = { PATH: process.env['PATH'] ?? '' };
const limits = { env, timeoutMs: 20_000, maxBytes: 1024 };

afterEach(forgetInterrupt);

/** Once the file is there, and `ms` later. */
async function interruptAt(file: string, ms = 0): Promise<void> {
  while (!existsSync(file)) await sleep(2);
  await sleep(ms);
  interrupt();
}

describe('[X54] nothing was begun: whatever waits for a program gets Interrupted', () => {
  it('one that runs is ended, and is given the time to tidy up', async () => {
    const dir = tempDir();
    const script = `trap 'touch ${dir}/tidied; exit 0' TERM; touch ${dir}/begun; while :; do sleep 0.05; done`;
    const running = run('sh', ['-c', script], limits);
    const heard = interruptAt(join(dir, 'begun'));
    await expect(running).rejects.toBeInstanceOf(Interrupted);
    await heard;
    expect(existsSync(join(dir, 'tidied'))).toBe(true);
  });

  it('one that ignores it is killed', async () => {
    const dir = tempDir();
    const running = run(
      'sh',
      ['-c', `trap '' TERM; touch ${dir}/begun; while :; do sleep 0.05; done`],
      limits,
    );
    void interruptAt(join(dir, 'begun'));
    await expect(running).rejects.toBeInstanceOf(Interrupted);
  });

  it.each(['kill -INT $$', 'kill -TERM $$', 'exit 130'])(
    'one that died of the same interrupt, and was heard first: %s',
    async (death) => {
      const dir = tempDir();
      const running = run('sh', ['-c', `touch ${dir}/begun; ${death}`], limits);
      void interruptAt(join(dir, 'begun'), 30);
      await expect(running).rejects.toBeInstanceOf(Interrupted);
    },
  );

  it('one that stays open for questions', async () => {
    const kept = keepOpen('sh', ['-c', 'read -r line; kill -INT $$'], { env, cwd: '/', timeoutMs: 20_000 });
    const asked = kept.converse(async (talk) => {
      talk.say('who?\n');
      setTimeout(interrupt, 20);
      return await talk.line(100);
    });
    await expect(asked).rejects.toBeInstanceOf(Interrupted);
    await expect(kept.converse(async (talk) => await talk.line(100))).rejects.toBeInstanceOf(Interrupted);
  });

  it('nothing starts any more', async () => {
    const dir = tempDir();
    interrupt();
    await expect(run('touch', [join(dir, 'begun')], limits)).rejects.toBeInstanceOf(Interrupted);
    await expect(orCutOff(Promise.resolve(1))).rejects.toBeInstanceOf(Interrupted);
    expect(existsSync(join(dir, 'begun'))).toBe(false);
  });
});

describe('[X54] something was begun: what the interrupt ended is asked once more', () => {
  it('a program that died of it', async () => {
    const dir = tempDir();
    letFinish();
    const script = `echo x >> ${dir}/tries; if [ -e ${dir}/begun ]; then echo answer; else touch ${dir}/begun; kill -TERM $$; fi`;
    const running = run('sh', ['-c', script], limits);
    void interruptAt(join(dir, 'begun'), 10);
    expect((await running).stdout.toString()).toBe('answer\n');
    expect(readFileSync(join(dir, 'tries'), 'utf8')).toBe('x\nx\n');
  });

  it('a conversation that died of it', async () => {
    const dir = tempDir();
    letFinish();
    const script = `read -r line; if [ -e ${dir}/begun ]; then echo answer; else touch ${dir}/begun; kill -TERM $$; fi`;
    const kept = keepOpen('sh', ['-c', script], { env, cwd: '/', timeoutMs: 20_000 });
    void interruptAt(join(dir, 'begun'), 10);
    const answer = await kept.converse(async (talk) => {
      talk.say('who?\n');
      return await talk.line(100);
    });
    expect(answer).toBe('answer');
  });

  it("one that failed of itself before is not: that is the program's own answer", async () => {
    const dir = tempDir();
    letFinish();
    const { code } = await run('sh', ['-c', `echo x >> ${dir}/tries; exit 3`], limits);
    expect(code).toBe(3);
    expect(readFileSync(join(dir, 'tries'), 'utf8')).toBe('x\n');
  });
});

describe('the doors', () => {
  it('[X50] after an interrupt none opens: not signing, not writing, not waiting', async () => {
    const doors = openDoors(() => true);
    let [signed, written] = [0, 0];
    const sign = doors.signing(async (text: string) => await Promise.resolve(`${text}${(signed += 1)}`));
    const write = async (): Promise<number> => await Promise.resolve((written += 1));
    await expect(sign('x')).rejects.toBeInstanceOf(Interrupted);
    await expect(doors.write(write, () => true)).rejects.toBeInstanceOf(Interrupted);
    await expect(doors.pause(1)).rejects.toBeInstanceOf(Interrupted);
    expect([signed, written]).toEqual([0, 0]);
  });

  it('[X50] a signature that was given while Ctrl-C was pressed goes nowhere', async () => {
    let heard = false;
    const sign = openDoors(() => heard).signing(async () => {
      heard = true;
      return await Promise.resolve('armor');
    });
    await expect(sign()).rejects.toBeInstanceOf(Interrupted);
  });

  it('[X51] once something is out they stay open; what did not come about shuts them again', async () => {
    let heard = false;
    const out = openDoors(() => heard);
    await out.write(
      async () => await Promise.resolve((heard = true)),
      () => true,
    );
    await expect(
      out.write(
        async () => await Promise.resolve(2),
        () => true,
      ),
    ).resolves.toBe(2);
    heard = false;
    const refused = openDoors(() => heard);
    await refused.write(
      async () => await Promise.resolve((heard = true)),
      () => false,
    );
    await expect(
      refused.write(
        async () => await Promise.resolve(2),
        () => true,
      ),
    ).rejects.toBeInstanceOf(Interrupted);
  });

  it('[X56] a call to a target stays unsettled until the ledger moved after it', async () => {
    const doors = openDoors(isInterrupted);
    const command = doors.providers(providers).get('command');
    const session = await command?.open({ target: 'legacy', config: { plugin: 'none' }, env: {} });
    const order = { id: 'x', permissions: [] } as unknown as Parameters<
      NonNullable<typeof session>['grant']
    >[0]; // It fails before it reads more.
    await expect(session?.grant(order)).rejects.toThrow(/./u);
    expect(tellUnsettled()).toEqual([
      expect.stringContaining('what was being done at a target is not recorded'),
    ]);
    const moved = doors.remote({ push: async () => await Promise.resolve('moved') } as unknown as Parameters<
      typeof doors.remote
    >[0]); // Only pushing is asked for.
    await moved.push([]);
    expect(tellUnsettled()).toEqual([]);
  });
});
