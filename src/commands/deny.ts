import { EXIT } from '../model/error.ts';
import { printStatement } from '../trust/statement-text.ts';
import { lookAtRequest } from '../flows/gather/look-at-request.ts';
import { prepareStop, publishStop, signStop } from '../flows/people/sign-stop.ts';
import { statementText } from '../views/decision.ts';
import { readyToSign } from './identity.ts';
import { type Register, requestOrPull, stopOut } from './session.ts';
import { reasonIn, signedElsewhere, type SigningOptions, withSigningOptions } from './signing-options.ts';

export const register: Register = (program, session) => {
  const command = program
    .command('deny')
    .description(
      'Signs a stop: a denial by an approver, a withdrawal by the requester. It is final; nothing replaces it.',
    )
    .argument('<id>', 'its id, or the number or URL of its pull request');
  withSigningOptions(command, 'why').action(async (id: string, options: SigningOptions) => {
    const at = session(command);
    const elsewhere = await signedElsewhere(at, options);
    if (elsewhere !== undefined) {
      const desk = await at.desk();
      const looked = await lookAtRequest(desk, requestOrPull(id));
      const signer = await publishStop(desk, looked, elsewhere);
      const document = { id: looked.id, type: 'stop', signer, capacity: null };
      at.done({
        exit: EXIT.done,
        schema: 'pam.statement/1',
        document,
        text: `${looked.id} stopped by ${signer}\n`,
        out: stopOut(looked.id),
      });
      return;
    }
    const { desk, person, choose } = await readyToSign(at, { key: options.print !== true });
    const looked = await lookAtRequest(desk, requestOrPull(id));
    const statement = prepareStop(looked, person, reasonIn(options));
    const text = printStatement(statement);
    const document = { id: looked.id, type: 'stop', signer: person, capacity: null };
    if (options.print === true) {
      at.done({ exit: EXIT.done, schema: 'pam.statement/1', document: { ...document, text }, text });
      return;
    }
    const signer = await choose([looked.view.state.policy]);
    if (options.yes !== true) at.show(statementText(text, at.style));
    await at.confirm(`Stop ${looked.id} for good, as ${person}?`, options.yes === true);
    await signStop(desk, looked, statement, signer);
    at.done({
      exit: EXIT.done,
      schema: 'pam.statement/1',
      document,
      text: `${looked.id} stopped by ${person}\n`,
      out: stopOut(looked.id),
    });
  });
};
