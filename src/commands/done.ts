import { PamError } from '../model/error.ts';
import { lookAtRequest } from '../flows/gather/look-at-request.ts';
import { endAccess, isOwn } from './end-access.ts';
import { readyToSign } from './identity.ts';
import { type Register, requestOrPull } from './session.ts';
import { reasonIn, type SigningOptions } from './signing-options.ts';

/** What a person says by the command itself. */
const GIVEN_BACK = 'given back';

export const register: Register = (program, session) => {
  program
    .command('done')
    .description(
      'Gives access of your own back before its end: a signed stop that needs no reason. With an executor at hand it is taken away at once, else the next sweep does it.',
    )
    .argument('<id>', 'its id, or the number or URL of its pull request')
    .option('--reason <text>', 'something to add')
    .option('--yes', 'do not ask')
    .action(async (text: string, options: SigningOptions, command) => {
      const at = session(command);
      const { desk, choose } = await readyToSign(at);
      const looked = await lookAtRequest(desk, requestOrPull(text));
      const signer = await choose([looked.view.state.policy]);
      if (!isOwn(looked, signer.id)) {
        throw new PamError('E_APR_SCOPE', `${looked.id} is not yours to give back, ${signer.id}`, {
          hint: `pam revoke ${looked.id} --reason "..." ends the access of others`,
        });
      }
      const yes = options.yes === true;
      const reason = reasonIn(options) ?? GIVEN_BACK;
      await endAccess(at, {
        desk,
        looked,
        signer,
        reason,
        ask: async (question) => await at.confirm(question, yes),
      });
    });
};
