import { apply } from '../flows/executor/apply.ts';
import { exitOfApply } from '../flows/executor/run-result.ts';
import { runText } from '../views/run.ts';
import type { RequestId } from '../model/names.ts';
import { idOf } from './request-named.ts';
import { needExecutor, type Register, requestOrPull } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('apply')
    .description(
      'Records what it sees, decides from the evidence, grants, reads back and records the outcome.',
    )
    .argument('[id...]', 'these requests only; everything due without')
    .action(async (texts: readonly string[], _options, command) => {
      const at = session(command);
      const executor = needExecutor(at);
      texts.forEach(requestOrPull);
      const desk = await at.desk();
      const ids: RequestId[] = [];
      for (const text of texts) ids.push(await idOf(desk, text));
      const result = await apply(desk, executor, ids.length === 0 ? undefined : new Set(ids));
      const { steps, ledger, waiting, troubles } = result;
      const document = {
        steps,
        ledger,
        waiting: waiting.map(({ id, decision }) => ({ id, reasons: decision.reasons })),
        troubles,
      };
      at.done({
        exit: exitOfApply(result, ids),
        schema: 'pam.run/1',
        document,
        text: runText(result, at.style, at.now()),
      });
    });
};
