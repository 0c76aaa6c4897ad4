/** A process that audits parts of the ledger: a second root beside `main.ts`, with a desk that reads only. */
import { type AuditSetup, layDesk } from './context.ts';
import { auditPart } from './flows/audit/audit-part.ts';
import type { PartFound, PartJob } from './flows/audit/ledger-part.ts';
import { serve } from './process/crew.ts';

const begin = async (setup: unknown) => {
  // Only `context.ts` starts this file, and says these.
  const { env, cwd, now, options } = setup as AuditSetup;
  const silent = (): void => undefined;
  const outside = {
    env,
    cwd,
    clock: () => now,
    interrupted: () => false,
    note: silent,
    progress: silent,
  };
  const desk = await layDesk(outside, { ...options, offline: true });
  return async (job: unknown) => await auditPart(desk, job as PartJob);
};

serve<PartFound | null>(begin, () => process.exit());
