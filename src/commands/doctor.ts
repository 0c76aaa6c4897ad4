import { EXIT } from '../model/error.ts';
import { doctor } from '../flows/doctor/doctor.ts';
import { doctorText } from '../views/doctor.ts';
import type { Register } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('doctor')
    .description(
      'Looks at this machine, the clone, the ledger, the policy in force, the forge and (for an executor) the targets. Changes nothing, but makes a revocation list that is missing there.',
    )
    .option('--all', 'what is in order, too (as on a terminal), and what only admins can mend')
    .option('--notices', 'send a test to each receiver of notices, and say what came of it')
    .action(async (options: { readonly all?: true; readonly notices?: true }, command) => {
      const at = session(command);
      const { desk, machine, identity, executor } = at;
      const { person, choose: signer } = identity;
      const testNotices = options.notices === true;
      const diagnosis = await doctor({ machine: machine(), desk, person, signer, executor, testNotices });
      const { checks, skipped, exit } = diagnosis;
      const all = options.all === true;
      at.done({
        exit,
        schema: 'pam.doctor/1',
        document: { ok: exit === EXIT.done, checks, skipped },
        text: doctorText(
          all ? { ...diagnosis, mendedBy: [] } : diagnosis,
          at.style,
          at.terminal || all || testNotices,
        ),
      });
    });
};
