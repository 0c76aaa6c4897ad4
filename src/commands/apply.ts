import { apply } from '../flows/executor/apply.ts';
import { exitOfApply } from '../flows/executor/run-result.ts';
import { PamError } from '../model/error.ts';
import { runMarkdown } from '../views/markdown.ts';
import { runText } from '../views/run.ts';
import type { RequestId } from '../model/names.ts';
import { addToSummary } from './job-summary.ts';
import { idOf } from './request-named.ts';
import { needExecutor, type Register, requestOrPull } from './session.ts';
import { needWatch, stay, waitingIn, type WatchOptions, withWatchOptions } from './watching.ts';

export const register: Register = (program, session) => {
  const command = program
    .command('apply')
    .description(
      'Records what it sees, decides from the evidence, grants, reads back and records the outcome. With --watch it sweeps too.',
    )
    .argument('[id...]', 'these requests only; everything due without');
  withWatchOptions(command, 'apply and sweep').action(
    async (texts: readonly string[], options: WatchOptions) => {
      const at = session(command);
      const executor = needExecutor(at);
      needWatch(options);
      if (options.watch === true) {
        if (texts.length > 0)
          throw new PamError('E_USAGE', '--watch takes no ids: it applies all that is due');
        return await stay(at, executor, options, { applies: true, scope: { targets: [] } });
      }
      texts.forEach(requestOrPull);
      const desk = await at.desk();
      const ids: RequestId[] = [];
      for (const text of texts) ids.push(await idOf(desk, text));
      const result = await apply(desk, executor, ids.length === 0 ? undefined : new Set(ids));
      addToSummary(at, runMarkdown('apply', result));
      const { steps, ledger, troubles } = result;
      const document = {
        steps,
        ledger,
        waiting: waitingIn(result),
        troubles,
      };
      at.done({
        exit: exitOfApply(result, ids),
        schema: 'pam.run/1',
        document,
        text: runText(result, at.style, at.now()),
      });
    },
  );
};
