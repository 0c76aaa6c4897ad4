import { EXIT, PamError } from '../model/error.ts';
import { type Looked, lookAtRequest } from '../flows/gather/look-at-request.ts';
import {
  approvedBefore,
  prepareApproval,
  publishApproval,
  signApproval,
  standsIn,
  stepAfter,
} from '../flows/people/sign-approval.ts';
import { status } from '../flows/people/status.ts';
import type { Signed } from '../model/statement.ts';
import { statementText } from '../views/decision.ts';
import { needListedKey } from '../rules/choose-key.ts';
import { readyToSign } from './identity.ts';
import { recordText } from './record-text.ts';
import { type Register, requestOrPull, type Session } from './session.ts';
import { reasonIn, signedElsewhere, type SigningOptions, withSigningOptions } from './signing-options.ts';

export const register: Register = (program, session) => {
  const command = program
    .command('approve')
    .description(
      'Shows the decision record and the exact text, then signs it with your key and publishes the approval.',
    )
    .argument('[id]', 'its id, or the number or URL of its pull request; without: what waits for you');
  withSigningOptions(command, 'why you and not the named approver (required for a fallback)').action(
    async (named: string | undefined, options: SigningOptions) => {
      const at = session(command);
      const id = named ?? (await whichRequest(at));
      const elsewhere = await signedElsewhere(at, options);
      if (elsewhere !== undefined) {
        const desk = await at.desk();
        const looked = await lookAtRequest(desk, requestOrPull(id));
        const { signer, capacity } = await publishApproval(desk, looked, elsewhere);
        const document = { id: looked.id, type: 'approval', signer, capacity };
        at.done({
          exit: EXIT.done,
          schema: 'pam.statement/1',
          document,
          text: `approved by ${signer} (${capacity})\n`,
          out: approvalOut(looked.id),
        });
        return;
      }
      const { desk, person, choose } = await readyToSign(at, { key: options.print !== true });
      const looked = await lookAtRequest(desk, requestOrPull(id));
      const before = approvedBefore(looked, person);
      if (before !== undefined && options.print !== true) {
        at.done({
          exit: EXIT.done,
          schema: 'pam.statement/1',
          document: { id: looked.id, type: 'approval', signer: person, capacity: before.capacity },
          text: `you approved ${looked.id} at ${before.signedAt}; nothing to do\n${nextLine(looked)}`,
        });
        return;
      }
      const because =
        reasonIn(options) ?? (options.print === true ? null : await askReason(at, looked, person));
      const prepared = prepareApproval(looked, person, because);
      const { capacity } = prepared.statement;
      const document = { id: looked.id, type: 'approval', signer: person, capacity };
      if (options.print === true) {
        at.done({
          exit: EXIT.done,
          schema: 'pam.statement/1',
          document: { ...document, text: prepared.text },
          text: prepared.text,
        });
        return;
      }
      const signer = await choose([looked.view.state.policy]);
      needListedKey([looked.view.state.policy], person, signer);
      if (options.yes !== true)
        at.show(`${recordText(looked, at.style, null)}\n${statementText(prepared.text, at.style)}`);
      await at.confirm(`Sign this as ${person}?`, options.yes === true);
      const { signed } = await signApproval(desk, looked, prepared, signer);
      const text = `${looked.id} approved by ${person} (${capacity})\n${nextLine(looked, signed)}`;
      const out = approvalOut(looked.id);
      at.done({ exit: EXIT.done, schema: 'pam.statement/1', document, text, out });
    },
  );
};

/** What moves it on now: others who have to sign, or the merge after the last signature. */
function nextLine(looked: Looked, signed?: Signed): string {
  const next = stepAfter(looked, signed);
  return next === null ? '' : `next: ${next}\n`;
}

const approvalOut = (id: string): string =>
  `the approval of ${id} is out; to take it back, stop the request: pam deny ${id}`;

/** Only once it is certain that the approval would be taken: none is typed in vain. */
async function askReason(at: Session, looked: Looked, person: string): Promise<string | null> {
  if (!at.mayAsk() || !standsIn(looked, person)) return null;
  prepareApproval(looked, person, 'not known yet');
  return await at.askText('Why you and not the named approver?', '', (text) =>
    text === '' ? 'a fallback approval needs its reason' : undefined,
  );
}

/** What this person may approve now, oldest first: to choose from on a terminal, to read elsewhere. */
async function whichRequest(at: Session): Promise<string> {
  const person = await at.identity.person();
  const { proposals } = await status(await at.desk(), undefined, false);
  const mine = proposals
    .filter(({ who_now: who }) => who.includes(person))
    .sort((a, b) => ((a.opened ?? '') < (b.opened ?? '') ? -1 : 1));
  const told = mine.map((one) => ({
    value: one.id,
    label: `${one.id}  ${one.subject}  ${one.role}  ${one.duration}  ${JSON.stringify(one.why)}`,
  }));
  if (told.length > 0 && at.mayAsk()) return await at.pick('Which request?', told);
  throw new PamError(
    'E_USAGE',
    told.length === 0 ? `nothing waits for ${person}` : `which request? ${told.length} wait for ${person}`,
    {
      issues: told.map(({ label }) => ({ file: '', code: 'E_USAGE', message: label })),
      hint:
        told.length === 0
          ? '`pam status` lists what waits for others'
          : `pam approve ${told[0]?.value ?? '<id>'}`,
    },
  );
}
