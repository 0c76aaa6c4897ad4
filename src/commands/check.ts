import { readFile } from 'node:fs/promises';
import { basename, relative, resolve } from 'node:path';
import type { Reason } from '../model/decision.ts';
import { EXIT, type Exit, type Issue, PamError } from '../model/error.ts';
import { checkFile, checkPolicyOnMain, requestFilesSince } from '../flows/check-file.ts';
import { freshLedger, lookAtRequest, verdictOf } from '../flows/look-at-request.ts';
import { checkText } from '../views/check.ts';
import { type Register, requestId } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('check')
    .summary('judge request files, or a proposal with its evidence')
    .description(
      'Without arguments: the policy on main. With paths: those request files and their pre-checks. With --proposal: also its signatures and approvals.',
    )
    .argument('[path...]', 'request files')
    .option('--proposal <id>', 'a proposal, with its evidence')
    .option('--base <rev>', 'the request files of the work tree that this branch or commit does not hold')
    .action(
      async (
        paths: readonly string[],
        options: { readonly proposal?: string; readonly base?: string },
        command,
      ) => {
        const at = session(command);
        const desk = await at.desk();
        const issues: Issue[] = [];
        const reasons: Reason[] = [];
        let exit: Exit = EXIT.done;
        if (options.proposal !== undefined) {
          const looked = await lookAtRequest(desk, requestId(options.proposal));
          const { candidate } = looked;
          const decision = verdictOf(looked);
          if (decision === null) {
            const fault = candidate !== null && 'ok' in candidate.request ? candidate.request : null;
            const code = fault?.code ?? 'E_REQ_MISSING';
            issues.push({
              file: candidate?.place ?? looked.id,
              code,
              message: fault?.message ?? 'there is no request file',
            });
            exit = EXIT.invalid;
          } else {
            reasons.push(...decision.reasons);
            const { verdict } = decision;
            exit = verdict === 'approved' ? EXIT.done : verdict === 'pending' ? EXIT.pending : EXIT.refused;
          }
        } else if (paths.length === 0 && options.base === undefined) {
          await checkPolicyOnMain(desk);
        } else {
          const { view } = await freshLedger(desk);
          const since = options.base === undefined ? [] : await requestFilesSince(desk, options.base);
          const top = desk.repository.workTree ?? at.globals.dir;
          const places = [
            ...paths.map((path) => resolve(at.globals.dir, path)),
            ...since.map((path) => resolve(top, path)),
          ];
          for (const place of places) {
            const inside =
              desk.repository.workTree === null ? basename(place) : relative(desk.repository.workTree, place);
            const bytes = await readFile(place).catch((cause: unknown) => {
              throw new PamError('E_USAGE', `cannot read ${place}`, { cause });
            });
            const found = await checkFile(desk, view, inside, bytes);
            issues.push(...found.issues);
            reasons.push(...found.reasons);
          }
          if (reasons.some((one) => !one.ok)) exit = EXIT.refused;
          if (issues.length > 0) exit = EXIT.invalid;
        }
        const document = { ok: exit === EXIT.done, issues, reasons };
        at.done({ exit, schema: 'pam.check/1', document, text: checkText(exit, issues, reasons, at.style) });
      },
    );
};
