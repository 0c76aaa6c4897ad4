import { Argument } from 'commander';
import { EXIT } from '../model/error.ts';
import { expandHome } from '../signing/named-key.ts';
import { publicKeyIn } from '../signing/public-file.ts';
import type { Register } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('keys')
    .description(
      'With `line`: the line that policy/people.yaml takes, of the key in a .pub file (of a security key and of a certificate, too).',
    )
    .addArgument(new Argument('<what>', 'what to do').choices(['line']))
    .argument('<file>', 'a .pub file')
    .action((_what: string, file: string, _options, command) => {
      const at = session(command);
      const { line, fingerprint, hardware } = publicKeyIn(expandHome(at.file(file), at.env), file);
      const kind = hardware ? 'security-key' : 'ssh-key';
      at.done({
        exit: EXIT.done,
        schema: 'pam.key/1',
        document: { line, fingerprint, kind },
        text: `${line}\n`,
      });
    });
};
