import { EXIT, Interrupted } from '../model/error.ts';
import { exitOfSweep } from '../flows/executor/run-result.ts';
import type { Executor } from '../flows/desk.ts';
import type { SweepScope } from '../flows/executor/sweep-run.ts';
import { sweep } from '../flows/executor/sweep.ts';
import { LONGEST_NAP_SECONDS, watchSweep } from '../flows/executor/watch-sweep.ts';
import { line } from '../views/escape.ts';
import { runText } from '../views/run.ts';
import { collect, needExecutor, type Register, type Session } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('sweep')
    .description('Goes on past every failure, and says in its exit code that there was one.')
    .option('--watch', 'stay: sweep at the next end, and at least once a minute')
    .option('--target <name>', 'these targets only (repeat)', collect, [])
    .action(async (options: { readonly watch?: true; readonly target: readonly string[] }, command) => {
      const at = session(command);
      const executor = needExecutor(at);
      const scope = { targets: options.target };
      if (options.watch === true) {
        const what = scope.targets.length === 0 ? 'all targets' : scope.targets.join(', ');
        at.show(
          `watching ${line(what)} as ${executor.name}: a sweep at the next end, and at least every ${LONGEST_NAP_SECONDS} s\n`,
        );
        await watch(at, executor, scope);
        at.done({
          exit: EXIT.done,
          schema: 'pam.run/1',
          document: { steps: [], ledger: null },
          text: '',
          out: null,
        });
        return;
      }
      const result = await sweep(await at.desk(), executor, scope);
      const { steps, ledger, troubles } = result;
      at.done({
        exit: exitOfSweep(result),
        schema: 'pam.run/1',
        document: { steps, ledger, troubles },
        text: runText(result, at.style, at.now()),
      });
    });
};

/** Ends when it is interrupted, be it before its first round. */
async function watch(at: Session, executor: Executor, scope: SweepScope): Promise<void> {
  try {
    await watchSweep(await at.desk(), executor, scope, (result) => {
      if (result.steps.length + result.troubles.length > 0) at.show(runText(result, at.style, at.now()));
    });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  }
}
