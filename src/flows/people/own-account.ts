/** An approval counts only from its signer's own account at the forge: a person with another account there hears it before signing. */
import { EXIT, PamError } from '../../model/error.ts';
import type { Forge } from '../../model/forge.ts';
import type { Policy } from '../../model/policy.ts';
import { accountOf } from '../../rules/people.ts';

/** @param policies whose accounts count: of a policy change the next one's too */
export async function needOwnAccount(
  forge: Forge,
  policies: readonly Policy[],
  signer: string,
): Promise<void> {
  if (forge.whoami === undefined) return;
  const me = await forge.whoami();
  const own = policies.flatMap((policy) => accountOf(policy, forge.kind, signer) ?? []);
  if (me !== null && own.some(({ id }) => id === me.id)) return;
  const known = own.map(({ login, id }) => `${login} (${id})`).join(' or ');
  const here = me === null ? 'a token that belongs to no person' : `${me.login} (${me.id})`;
  throw new PamError(
    'E_FORGE_IDENTITY',
    known === '' ? `policy knows no account of ${signer}` : `you act as ${here}; ${signer} is ${known}`,
    {
      exit: EXIT.refused,
      hint:
        known === ''
          ? `an admin adds ${forge.kind}: { login, id } to policy/people.yaml`
          : `log in as ${own[0]?.login ?? signer}, or set GH_TOKEN to that account's token`,
    },
  );
}
