import { EXIT, PamError } from '../model/error.ts';
import { freshLedger } from '../flows/gather/look-at-request.ts';
import { orDidYouMean } from '../rules/did-you-mean.ts';
import { catalogText } from '../views/catalog.ts';
import type { Register } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('catalog')
    .description(
      'The roles of the policy in force: what each gives, for how long at most, what it asks for, who approves.',
    )
    .argument('[role]', 'one role in full')
    .action(async (name: string | undefined, _options, command) => {
      const at = session(command);
      const { view } = await freshLedger(await at.desk());
      const { policy } = view.state;
      const all = Object.entries(policy.roles).map(([id, role]) => ({ id, ...role }));
      const roles = name === undefined ? all : all.filter(({ id }) => id === name);
      if (name !== undefined && roles.length === 0) {
        throw new PamError('E_POL_ROLE', `there is no role ${name}`, {
          hint: `\`pam catalog\` lists them${orDidYouMean(name, Object.keys(policy.roles))}`,
          exit: EXIT.failed,
        });
      }
      const text = catalogText(roles, name !== undefined, at.style, at);
      at.done({ exit: EXIT.done, schema: 'pam.catalog/1', document: { roles }, text });
    });
};
