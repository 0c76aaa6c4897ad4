import { EXIT, expected, type Exit, hintOf, PamError } from '../model/error.ts';
import type { KeysAtHand } from '../model/keys-at-hand.ts';
import type { Policy } from '../model/policy.ts';
import { freshLedger } from '../flows/gather/look-at-request.ts';
import { chooseKey, needListedKey } from '../rules/choose-key.ts';
import { orDidYouMean } from '../rules/did-you-mean.ts';
import { identityOf } from '../rules/exact-grant.ts';
import { needExecutorKey } from '../rules/executor-key.ts';
import { everybody, mayApprove, mayRequest } from '../rules/my-part.ts';
import { readPublicKey } from '../signing/ssh-keygen.ts';
import { parsePublicKey } from '../trust/public-key.ts';
import { type Missing, type WhoAmI, whoamiText } from '../views/whoami.ts';
import type { Register, Session } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('whoami')
    .description(
      'Who you are in policy, which key signs and where it was named, the trust root, and what you may ask for and approve. All that is missing is told at once.',
    )
    .action(async (_options, command) => {
      const at = session(command);
      const faults: PamError[] = [];
      const who = await look(at, faults);
      const missing = faults.map(tell);
      const document = { ...who, owed: [], missing };
      const exit = exitOf(faults);
      at.done({ exit, schema: 'pam.whoami/1', document, text: whoamiText({ ...who, missing }, at.style) });
    });
};

async function look(at: Session, faults: PamError[]): Promise<Omit<WhoAmI, 'missing'>> {
  const ask = async <T>(asked: () => Promise<T>): Promise<T | null> => {
    try {
      return await asked();
    } catch (error) {
      faults.push(expected(error));
      return null;
    }
  };
  const executor = await ask(async () => await Promise.resolve(at.executor()));
  // Where an executor is at home there may be no person at the keyboard.
  const person = await (executor === null ? ask(at.identity.person) : orNull(at.identity.person));
  const hand = await (executor === null || person !== null ? ask(at.identity.keys) : null);
  const view = await ask(async () => (await freshLedger(await at.desk())).view);
  const policy = view?.state.policy ?? null;
  const known = policy === null || person === null ? undefined : identityOf(policy, person);
  if (policy !== null && person !== null && known === undefined) faults.push(unknown(policy, person));
  const key = hand === null || person === null ? null : await ask(async () => keyOf(policy, person, hand));
  if (policy !== null && person !== null && key !== null)
    await ask(async () => await Promise.resolve(needListedKey([policy], person, key)));
  return {
    person,
    kind: known === undefined || person === null ? null : 'owner' in known ? 'service' : 'person',
    key:
      key === null
        ? null
        : { fingerprint: key.line === null ? null : parsePublicKey(key.line).fingerprint, source: key.from },
    root: view?.state.root ?? null,
    executor:
      executor === null ? null : await ask(async () => await executorAt(at, policy, executor, faults)),
    may_request: policy === null || person === null ? [] : mayRequest(policy, person),
    may_approve: policy === null || person === null ? [] : mayApprove(policy, person),
  };
}

/** Without a policy only a key that was named is one. */
function keyOf(policy: Policy | null, person: string, hand: KeysAtHand): ReturnType<typeof chooseKey> | null {
  if (policy === null && hand.named === null) return null;
  return chooseKey(policy === null ? [] : [policy], person, hand);
}

async function executorAt(
  at: Session,
  policy: Policy | null,
  { name, keyFile }: { readonly name: string; readonly keyFile: string },
  faults: PamError[],
): Promise<WhoAmI['executor']> {
  let fingerprint: string | null = null;
  try {
    const key = parsePublicKey(await readPublicKey(keyFile, at.env)).fingerprint;
    fingerprint = key;
    if (policy !== null) needExecutorKey([policy], name, key);
  } catch (error) {
    faults.push(expected(error));
  }
  const service =
    policy === null || !Object.hasOwn(policy.services, name) ? undefined : policy.services[name];
  return { name, fingerprint, may: service?.executes?.may ?? [] };
}

async function orNull<T>(asked: () => Promise<T>): Promise<T | null> {
  try {
    return await asked();
  } catch (error) {
    expected(error);
    return null;
  }
}

const unknown = (policy: Policy, person: string): PamError =>
  new PamError('E_WHO', `policy knows no ${person}${orDidYouMean(person, everybody(policy))}`, {
    hint: 'say who you are: pam setup, or --as; or have an admin add you',
  });

const tell = (fault: PamError): Missing => ({
  code: fault.code,
  message: fault.message,
  hint: hintOf(fault),
});

/** Doubt about the ledger before all else, then what has to be set here. */
function exitOf(faults: readonly PamError[]): Exit {
  const exits = faults.map(({ exit }) => exit);
  const [first = EXIT.done] = exits;
  return exits.find((one) => one === EXIT.integrity) ?? exits.find((one) => one === EXIT.usage) ?? first;
}
