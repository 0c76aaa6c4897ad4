import { PamError } from '../model/error.ts';
import { lookAtRequest } from '../flows/gather/look-at-request.ts';
import { endAccess, isOwn } from './end-access.ts';
import { readyToSign } from './identity.ts';
import { type Register, requestOrPull } from './session.ts';
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
      const signer = await choose([looked.view.state.policy]);
      const yes = options.yes === true;
      await endAccess(at, {
        desk,
        looked,
        signer,
        reason,
        ask: async (question) =>
          await (isOwn(looked, signer.id)
            ? at.confirm(question, yes)
            : at.retype(`${question} It is not yours; type the id to go on`, looked.id, yes)),
      });
    });
};
