import { exitOfSweep } from '../flows/executor/run-result.ts';
import { sweep } from '../flows/executor/sweep.ts';
import { runMarkdown } from '../views/markdown.ts';
import { runText } from '../views/run.ts';
import { addToSummary } from './job-summary.ts';
import { collect, needExecutor, type Register } from './session.ts';
import { needWatch, stay, type WatchOptions, withWatchOptions } from './watching.ts';

interface Options extends WatchOptions {
  readonly target: readonly string[];
}

export const register: Register = (program, session) => {
  const command = program
    .command('sweep')
    .description('Goes on past every failure, and says in its exit code that there was one.')
    .option('--target <name>', 'these targets only (repeat)', collect, []);
  withWatchOptions(command, 'sweep').action(async (options: Options) => {
    const at = session(command);
    const executor = needExecutor(at);
    const scope = { targets: options.target };
    needWatch(options);
    if (options.watch === true) return await stay(at, executor, options, { applies: false, scope });
    const result = await sweep(await at.desk(), executor, scope);
    addToSummary(at, runMarkdown('sweep', result));
    const { steps, ledger, troubles } = result;
    at.done({
      exit: exitOfSweep(result),
      schema: 'pam.run/1',
      document: { steps, ledger, troubles },
      text: runText(result, at.style, at.now()),
    });
  });
};
