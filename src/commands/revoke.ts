import { EXIT, PamError } from '../model/error.ts';
import { lookAtRequest } from '../flows/gather/look-at-request.ts';
import { exitOfSweep } from '../flows/executor/run-result.ts';
import { prepareStop, signStop } from '../flows/people/sign-stop.ts';
import { sweep } from '../flows/executor/sweep.ts';
import { runText } from '../views/run.ts';
import type { Signed } from '../model/statement.ts';
import { readyToSign } from './identity.ts';
import { type Register, requestOrPull, stopOut } from './session.ts';
import { reasonIn, type SigningOptions } from './signing-options.ts';

export const register: Register = (program, session) => {
  program
    .command('revoke')
    .description(
      'Signs a stop. With an executor at hand the access is taken away at once, else the next sweep does it.',
    )
    .argument('<id>', 'its id, or the number or URL of its pull request')
    .option('--reason <text>', 'why')
    .option('--because <text>', 'the same as --reason')
    .option('--yes', 'do not ask')
    .action(async (text: string, options: SigningOptions, command) => {
      const at = session(command);
      const reason = reasonIn(options);
      if (reason === null)
        throw new PamError('E_USAGE', 'a revocation needs its reason', { hint: 'add --reason "..."' });
      const { desk, choose } = await readyToSign(at);
      const looked = await lookAtRequest(desk, requestOrPull(text));
      const { id } = looked;
      const signer = await choose([looked.view.state.policy]);
      const own = looked.record?.seen?.requester === signer.id || looked.record?.grant?.subject === signer.id;
      const stopped = looked.record?.state === 'ending' && looked.record.ending?.cause === 'stopped';
      const executor = at.executor();
      const stops: Signed[] = [];
      if (!stopped) {
        const statement = prepareStop(looked, signer.id, reason);
        const question = `End ${id} now, as ${signer.id}?`;
        if (own) await at.confirm(question, options.yes === true);
        else await at.retype(`${question} It is not yours; type the id to go on`, id, options.yes === true);
        stops.push(await signStop(desk, looked, statement, signer, executor !== null));
      }
      const out = stopped ? {} : { out: stopOut(id) };
      // A sweep would be another step.
      if (executor === null || desk.interrupted()) {
        const document = { id, type: 'stop', signer: signer.id, capacity: null };
        const said = `${id} stopped by ${signer.id}; the next sweep takes the access away\n`;
        at.done({ exit: EXIT.done, schema: 'pam.statement/1', document, text: said, ...out });
        return;
      }
      const result = await sweep(desk, executor, {
        targets: [],
        ids: new Set([id]),
        stops: new Map([[id, stops]]),
      });
      const { steps, ledger } = result;
      if (!steps.some((one) => one.id === id)) {
        at.show(
          `${executor.name} has nothing to do for ${id}; the sweep that may revoke there takes it away\n`,
        );
      }
      at.done({
        exit: desk.interrupted() && !stopped ? EXIT.done : exitOfSweep(result),
        schema: 'pam.run/1',
        document: { steps, ledger },
        text: runText(result, at.style, at.now()),
        ...out,
      });
    });
};
