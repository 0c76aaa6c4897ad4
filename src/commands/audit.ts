import { readFile, writeFile } from 'node:fs/promises';
import { EXIT, PamError } from '../model/error.ts';
import { printCheckpoint } from '../documents/checkpoint-file.ts';
import { audit } from '../flows/audit/audit.ts';
import { auditText } from '../views/audit.ts';
import type { Register, Session } from './session.ts';

interface Options {
  readonly checkpoint?: string;
  readonly writeCheckpoint?: string;
  readonly since?: string;
}

export const register: Register = (program, session) => {
  program
    .command('audit')
    .description(
      'Reads what this clone holds; fetches nothing and writes nothing in it. Give --root, or it says UNPINNED.',
    )
    .option('--checkpoint <file>', 'the ledger must extend this checkpoint, kept elsewhere')
    .option(
      '--since <file>',
      'read only what came after this checkpoint of yours, and take what is below on its word',
    )
    .option('--write-checkpoint <file>', 'write one, to keep elsewhere')
    .action(async (options: Options, command) => {
      const at = session(command);
      const checkpoint = await fileOf(at, options.checkpoint);
      const since = await fileOf(at, options.since);
      const audited = await audit(await at.desk(), { checkpoint, since, auditors: at.auditors() });
      const { ok, root, seq, head, findings, totals } = audited;
      if (options.writeCheckpoint !== undefined && ok) {
        await writeFile(
          at.file(options.writeCheckpoint),
          printCheckpoint({ schema: 'pam.checkpoint/1', root, seq, head, at: audited.at }),
        );
      }
      const document = {
        ok,
        root,
        since: audited.since,
        seq,
        head,
        at: audited.at,
        last_sweep: audited.lastSweep,
        findings,
        totals,
      };
      at.done({
        exit: ok ? EXIT.done : EXIT.integrity,
        schema: 'pam.audit/1',
        document,
        text: auditText(audited, at.style),
      });
    });
};

async function fileOf(at: Session, path: string | undefined): Promise<Uint8Array | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(at.file(path));
  } catch (cause) {
    throw new PamError('E_USAGE', `cannot read ${path}`, { cause });
  }
}
