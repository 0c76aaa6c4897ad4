import { readFile } from 'node:fs/promises';
import { EXIT, PamError } from '../model/error.ts';
import type { Signed } from '../model/statement.ts';
import { lookAtRequest } from '../flows/look-at-request.ts';
import { prepareApproval, publishApproval, signApproval } from '../flows/sign-approval.ts';
import { roleOf } from '../rules/exact-grant.ts';
import { splitSigned } from '../trust/armor.ts';
import { decisionText, statementText } from '../views/decision.ts';
import { type Register, requestId } from './session.ts';

export interface SigningOptions {
  readonly note?: string;
  readonly because?: string;
  readonly yes?: true;
  readonly print?: true;
  readonly statement?: string;
  readonly signature?: string;
}

export const register: Register = (program, session) => {
  program
    .command('approve')
    .summary('sign exactly what a request would grant')
    .description(
      'Shows the decision record and the exact text, then signs it with your key and publishes the approval.',
    )
    .argument('<id>')
    .option('--because <text>', 'why you and not the named approver (required for a fallback)')
    .option('--note <text>', 'the same as --because')
    .option('--yes', 'do not ask')
    .option('--print', 'only print the text to be signed')
    .option('--statement <file>', 'a statement that was signed elsewhere ...')
    .option('--signature <file>', '... and its signature')
    .action(async (id: string, options: SigningOptions, command) => {
      const at = session(command);
      const desk = await at.desk();
      const looked = await lookAtRequest(desk, requestId(id));
      const elsewhere = await signedElsewhere(options);
      if (elsewhere !== undefined) {
        const { signer, capacity } = await publishApproval(desk, looked, elsewhere);
        const document = { id: looked.id, type: 'approval', signer, capacity };
        at.done({
          exit: EXIT.done,
          schema: 'pam.statement/1',
          document,
          text: `approved by ${signer} (${capacity})\n`,
        });
        return;
      }
      const person = await at.person();
      const prepared = prepareApproval(looked, person, options.because ?? options.note ?? null);
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
      const { judged, record, candidate, now } = looked;
      const role = judged === null ? undefined : roleOf(looked.view.state.policy, judged.request.role);
      const view = {
        id: looked.id,
        request: judged?.request ?? null,
        role,
        record,
        decision: prepared.decision,
        merged: candidate?.merged ?? false,
        fault: null,
        next: null,
        now,
      };
      const signer = await at.signer();
      if (options.yes !== true)
        at.show(`${decisionText(view, at.style)}\n${statementText(prepared.text, at.style)}`);
      await at.confirm(`Sign this as ${person}?`, options.yes === true);
      await signApproval(desk, looked, prepared, signer);
      const text = `${looked.id} approved by ${person} (${capacity})\n`;
      at.done({ exit: EXIT.done, schema: 'pam.statement/1', document, text });
    });
};

/** A statement signed on another machine, from two files, or from one that holds both. */
export async function signedElsewhere(options: SigningOptions): Promise<Signed | undefined> {
  const { statement, signature } = options;
  if (statement === undefined && signature === undefined) return undefined;
  if (statement === undefined || signature === undefined) {
    throw new PamError('E_USAGE', '--statement and --signature go together');
  }
  const read = async (path: string): Promise<string> =>
    await readFile(path, 'utf8').catch((cause: unknown) => {
      throw new PamError('E_USAGE', `cannot read ${path}`, { cause });
    });
  const text = await read(statement);
  return splitSigned(`${text}${text.endsWith('\n') ? '' : '\n'}${await read(signature)}`);
}
