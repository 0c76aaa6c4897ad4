import { EXIT } from '../model/error.ts';
import { ratifiable, ratify } from '../flows/ratify-policy.ts';
import { line } from '../views/escape.ts';
import type { Register } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('ratify')
    .summary('sign a policy (an admin)')
    .description(
      "Shows who gains what, then signs main's policy as the next version. It is in force when enough admins signed and an executor recorded it.",
    )
    .option('--yes', 'do not ask')
    .action(async (options: { readonly yes?: true }, command) => {
      const at = session(command);
      const desk = await at.desk();
      const found = await ratifiable(desk);
      if (found === undefined) {
        const text = 'main holds the policy in force; there is nothing to sign\n';
        at.done({
          exit: EXIT.done,
          schema: 'pam.ratify/1',
          document: { seq: null, digest: null, have: 0, need: 0 },
          text,
        });
        return;
      }
      const signer = await at.signer();
      at.show(`Policy version ${found.change.seq}:\n${found.told.map((one) => `  ${line(one)}\n`).join('')}`);
      await at.confirm(`Sign this policy as ${signer.id}?`, options.yes === true);
      const { seq, digest, tallies, inForce } = await ratify(desk, found, signer, at.executor());
      const [first] = tallies;
      const have = first?.have.length ?? 0;
      const need = first?.need ?? 0;
      const missing = tallies.some((one) => one.have.length < one.need);
      const state = inForce
        ? 'it is in force'
        : missing
          ? 'more admins have to sign'
          : 'the next `pam apply` or `pam sweep` puts it in force';
      const text = `policy ${seq} signed by ${signer.id}: ${have} of ${need}; ${state}\n`;
      at.done({ exit: EXIT.done, schema: 'pam.ratify/1', document: { seq, digest, have, need }, text });
    });
};
