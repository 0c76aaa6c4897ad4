import { EXIT } from '../model/error.ts';
import { type Ratified, ratifiable, ratifiableAt, ratify } from '../flows/people/ratify-policy.ts';
import type { Tally } from '../rules/judge-policy-change.ts';
import { needListedKey } from '../rules/choose-key.ts';
import { line } from '../views/escape.ts';
import { readyToSign } from './identity.ts';
import type { Register } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('ratify')
    .description(
      "Shows who gains what, then signs it as the next version, before it is on main: the commit that is checked out here or a branch (plain Git), or a pull request's policy. The last signature moves main (plain Git); what main holds already is signed too. It is in force when enough admins signed, main holds it, and an executor recorded it.",
    )
    .argument('[pull-request]', 'the number or URL of a pull request; on plain Git a branch or commit')
    .option('--yes', 'do not ask')
    .action(async (pull: string | undefined, options: { readonly yes?: true }, command) => {
      const at = session(command);
      const { desk, person, choose } = await readyToSign(at);
      const found = pull === undefined ? await ratifiable(desk) : await ratifiableAt(desk, pull);
      if (found === undefined) {
        const holder = pull === undefined ? 'main' : 'it';
        const text = `${holder} holds the policy in force; there is nothing to sign\n`;
        at.done({
          exit: EXIT.done,
          schema: 'pam.ratify/1',
          document: { seq: null, digest: null, have: 0, need: 0 },
          text,
        });
        return;
      }
      const { next, previous } = found.change;
      const policies = previous === null ? [next] : [previous, next];
      const signer = await choose(policies);
      needListedKey(policies, person, signer);
      const from = found.branch === null ? '' : `, from ${found.branch.name}`;
      at.show(
        `Policy version ${found.change.seq}${from}:\n${found.told.map((one) => `  ${line(one)}\n`).join('')}`,
      );
      await at.confirm(`Sign this policy as ${signer.id}?`, options.yes === true);
      const ratified = await ratify(desk, found, signer, at.executor());
      const { seq, digest, tallies, inForce } = ratified;
      const [first, second] = tallies;
      const have = first?.have.length ?? 0;
      const need = first?.need ?? 0;
      const counts =
        second === undefined ? {} : { new_admins: { have: second.have.length, need: second.need } };
      const state = stateOf(ratified, found.proposed !== null, found.branch !== null, pull);
      const text = `policy ${seq} signed by ${signer.id}: ${countsOf(tallies)}; ${state}\n`;
      const out = inForce
        ? `policy ${seq} is in force; to take it back, ratify the one before it again`
        : `your signature of policy ${seq} is out and counts for 7 days; to take it back, keep that policy off main`;
      const document = { seq, digest, have, need, ...counts };
      at.done({ exit: EXIT.done, schema: 'pam.ratify/1', document, text, out });
    });
};

/** Two counts where admins or their keys change: those of the policy in force, and those of the new one. */
function countsOf([first, next]: readonly Tally[]): string {
  const of = (tally: Tally | undefined): string => `${tally?.have.length ?? 0} of ${tally?.need ?? 0}`;
  return next === undefined ? of(first) : `${of(first)} admins in force, ${of(next)} new ones`;
}

function stateOf(
  { tallies, otherKeyFor, inForce, onMain }: Ratified,
  proposed: boolean,
  branch: boolean,
  pull: string | undefined,
): string {
  if (inForce) return 'it is in force';
  const [side] = otherKeyFor;
  if (side !== undefined) {
    const key = side === 'new' ? 'your new key' : 'the key that the policy in force lists for you';
    return `sign again with ${key}: pam ratify ${pull === undefined ? '' : `${pull} `}--key FILE`;
  }
  if (tallies.some((one) => one.have.length < one.need))
    return branch
      ? 'more admins have to sign, each with `pam ratify`; main stays as it is until then'
      : 'more admins have to sign';
  if (onMain) return 'main holds it, and the next `pam apply` or `pam sweep` puts it in force';
  return proposed
    ? 'it may be merged; the next `pam apply` puts it in force'
    : 'the next `pam apply` or `pam sweep` puts it in force';
}
