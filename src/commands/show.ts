import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../model/error.ts';
import { evidenceFiles } from '../flows/audit/evidence.ts';
import { lookAtRequest, verdictOf } from '../flows/gather/look-at-request.ts';
import { recordText } from './record-text.ts';
import { type Register, requestOrPull } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('show')
    .description(
      'All that a human needs to decide: who, what exactly, how long, why, and every rule with its answer.',
    )
    .argument('<id>', 'its id, or the number or URL of its pull request')
    .option('--evidence <dir>', 'write statements, signatures and allowed_signers for `ssh-keygen -Y verify`')
    .action(async (id: string, options: { readonly evidence?: string }, command) => {
      const at = session(command);
      const desk = await at.desk();
      const looked = await lookAtRequest(desk, requestOrPull(id));
      if (options.evidence !== undefined) {
        await mkdir(options.evidence, { recursive: true });
        for (const [name, text] of await evidenceFiles(desk, looked))
          await writeFile(join(options.evidence, name), text);
      }
      const { judged, record } = looked;
      const decision = verdictOf(looked);
      const document = {
        id: looked.id,
        decision: decision?.verdict ?? null,
        state: record?.state ?? null,
        reasons: decision?.reasons ?? [],
        grant: decision?.grant ?? null,
        untrusted: judged?.request ?? null,
      };
      at.done({ exit: EXIT.done, schema: 'pam.decision/1', document, text: recordText(looked, at.style) });
    });
};
