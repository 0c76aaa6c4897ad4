import { EXIT, PamError } from '../model/error.ts';
import { SCHEMAS } from '../documents/document-schemas.ts';
import type { Register } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('schema')
    .argument('[name]', Object.keys(SCHEMAS).join(', '))
    .action((name: string | undefined, _options, command) => {
      const at = session(command);
      const names = Object.keys(SCHEMAS);
      if (name === undefined) {
        at.done({
          exit: EXIT.done,
          schema: 'pam.schema/1',
          document: { names },
          text: `${names.join('\n')}\n`,
        });
        return;
      }
      const schema = Object.entries(SCHEMAS).find(([known]) => known === name)?.[1];
      if (schema === undefined)
        throw new PamError('E_USAGE', `there is no schema ${name}`, { hint: `one of ${names.join(', ')}` });
      const text = `${JSON.stringify(schema, null, 2)}\n`;
      at.done({ exit: EXIT.done, schema: 'pam.schema/1', document: { name, document: schema }, text });
    });
};
