import { EXIT } from '../model/error.ts';
import type { Register } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('demo')
    .description(
      'In a temporary directory: a request, a refusal, an approval, a certificate, its end, a verified audit, a caught forgery.',
    )
    .option('--keep', 'leave the directory, for playing (not when interrupted)')
    .action(async (options: { readonly keep?: true }, command) => {
      const at = session(command);
      // A program of its own that imports nothing of ours: it sees pam as a person does.
      const { tell } = await import('../demo/tell.ts');
      const { ok, directory, steps } = await tell(
        options.keep === true,
        at.env,
        at.globals.json ? () => undefined : at.tell,
        at.cutOff,
      );
      const document = { ok, directory: options.keep === true ? directory : null, steps };
      at.done({ exit: ok ? EXIT.done : EXIT.failed, schema: 'pam.demo/1', document, text: '' });
    });
};
