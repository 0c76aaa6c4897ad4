import { EXIT } from '../model/error.ts';
import { lookAtRequest } from '../flows/gather/look-at-request.ts';
import { mergeRequest } from '../flows/people/merge-request.ts';
import { type Register, requestOrPull } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('merge')
    .description(
      "Puts the proposal's two files on main's tip. Merging grants nothing: `pam apply` does, from the evidence.",
    )
    .argument('<id>')
    .action(async (text: string, _options, command) => {
      const at = session(command);
      const desk = await at.desk();
      const looked = await lookAtRequest(desk, requestOrPull(text));
      const { commit, moved, left } = await mergeRequest(desk, looked, await at.identity.person());
      if (left !== null)
        at.show(`your local ${looked.view.state.policy.config.main} is left as it is: ${left}\n`);
      const done = moved
        ? `${looked.id} merged as ${commit.slice(0, 12)}\n`
        : `${looked.id} is merged already\n`;
      at.done({
        exit: EXIT.done,
        schema: 'pam.merge/1',
        document: { id: looked.id, commit },
        text: `${done}next: pam apply   (an executor)\n`,
        ...(moved ? { out: `${looked.id} is merged; to take it back, stop it: pam deny ${looked.id}` } : {}),
      });
    });
};
