import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../model/error.ts';
import { evidenceFiles } from '../flows/evidence.ts';
import { type Looked, lookAtRequest, verdictOf } from '../flows/look-at-request.ts';
import { roleOf } from '../rules/exact-grant.ts';
import { isRequest } from '../rules/situation.ts';
import { decisionText } from '../views/decision.ts';
import { type Register, requestId } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('show')
    .summary('the decision record of one request')
    .description(
      'All that a human needs to decide: who, what exactly, how long, why, and every rule with its answer.',
    )
    .argument('<id>')
    .option('--evidence <dir>', 'write statements, signatures and allowed_signers for `ssh-keygen -Y verify`')
    .action(async (id: string, options: { readonly evidence?: string }, command) => {
      const at = session(command);
      const desk = await at.desk();
      const looked = await lookAtRequest(desk, requestId(id));
      if (options.evidence !== undefined) {
        await mkdir(options.evidence, { recursive: true });
        for (const [name, text] of await evidenceFiles(desk, looked))
          await writeFile(join(options.evidence, name), text);
      }
      const { judged, record, candidate } = looked;
      const decision = verdictOf(looked);
      const document = {
        id: looked.id,
        decision: decision?.verdict ?? null,
        state: record?.state ?? null,
        reasons: decision?.reasons ?? [],
        grant: decision?.grant ?? null,
        untrusted: judged?.request ?? null,
      };
      const fault = candidate !== null && !isRequest(candidate.request) ? candidate.request : null;
      const role = judged === null ? undefined : roleOf(looked.view.state.policy, judged.request.role);
      const view = {
        id: looked.id,
        request: judged?.request ?? null,
        role,
        record,
        decision,
        merged: candidate?.merged ?? false,
        fault,
        next: nextOf(looked),
        now: looked.now,
      };
      at.done({ exit: EXIT.done, schema: 'pam.decision/1', document, text: decisionText(view, at.style) });
    });
};

/** The one command that moves it on. */
function nextOf({ judged, record, candidate, id }: Looked): string | null {
  if (record?.state === 'live') return `pam status ${id}`;
  if (judged === null || (record !== null && !['unseen', 'seen', 'scheduled'].includes(record.state)))
    return null;
  const { decision } = judged;
  if (decision.final) return null;
  if (decision.verdict === 'approved')
    return candidate?.merged === true ? 'pam apply   (an executor)' : `pam merge ${id}`;
  const later = decision.next === null ? '' : `   (from ${decision.next} on, fallback approvers too)`;
  return `pam approve ${id}${later}`;
}
