import { EXIT } from '../model/error.ts';
import type { Register } from './session.ts';

export const register: Register = (program, session) => {
  program.command('demo').action(async (_options, command) => {
    const at = session(command);
    at.done({ exit: EXIT.done, schema: 'pam.demo/1', document: {}, text: '' });
  });
};
