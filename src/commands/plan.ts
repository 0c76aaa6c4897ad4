import { EXIT } from '../model/error.ts';
import { planRun } from '../flows/people/plan-run.ts';
import { planText } from '../views/run.ts';
import type { RequestId } from '../model/names.ts';
import { idOf } from './request-named.ts';
import type { Register } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('plan')
    .description('What apply and sweep would do now, from the newest verified state. Changes nothing.')
    .argument('[id...]')
    .option('--exit-code', 'exit with 10 when there is work')
    .action(async (ids: readonly string[], options: { readonly exitCode?: true }, command) => {
      const at = session(command);
      const desk = await at.desk();
      const only = new Set<RequestId>();
      for (const text of ids) only.add(await idOf(desk, text));
      const planned = await planRun(desk, only.size === 0 ? undefined : only);
      const { steps, troubles } = planned;
      const exit = options.exitCode === true && steps.length > 0 ? EXIT.work : EXIT.done;
      const text = planText(planned, at.style);
      at.done({ exit, schema: 'pam.plan/1', document: { steps, troubles }, text });
    });
};
