import { EXIT, expected, PamError } from '../model/error.ts';
import { type GrantLine, status, type Status } from '../flows/people/status.ts';
import { accessText, statusText } from '../views/status.ts';
import { idOf } from './request-named.ts';
import type { Register } from './session.ts';

/** A program knows what to do with the certificate; the command lines are for people. */
const inDocument = ({ access, ...grant }: GrantLine): object => ({
  ...grant,
  access: access === null ? null : { kind: access.kind, certificate: access.certificate },
});

export const register: Register = (program, session) => {
  program
    .command('status')
    .description('What is live, scheduled or waiting. With an id, also how to use the access.')
    .argument(
      '[id]',
      'one request: its id, its last six characters, or the number or URL of its pull request',
    )
    .option('--all', 'ended grants too')
    .option('--mine', 'what you asked for or get, and what waits for you')
    .option('--person <name>', 'what they asked for or get, and what waits for them')
    .option('--certificate', 'print the certificate alone, for a file')
    .action(
      async (
        text: string | undefined,
        options: {
          readonly all?: true;
          readonly certificate?: true;
          readonly mine?: true;
          readonly person?: string;
        },
        command,
      ) => {
        const at = session(command);
        const desk = await at.desk();
        const id = text === undefined ? undefined : await idOf(desk, text);
        const person = options.mine === true ? await at.identity.person() : options.person;
        // Only the command lines of one grant name it.
        const findKey = id === undefined || at.globals.json ? undefined : await at.identity.findKey();
        const whole = await status(desk, id, options.all === true, findKey);
        const found = person === undefined ? whole : ofPerson(whole, person);
        const { grants, proposals, lastSweep, warnings, now } = found;
        const document = { grants: grants.map(inDocument), proposals, last_sweep: lastSweep, warnings, now };
        if (id !== undefined && grants.length + proposals.length === 0) {
          throw new PamError('E_ID_UNKNOWN', `nothing is open under ${id}`, {
            hint: `pam log ${id} tells what was`,
          });
        }
        if (options.certificate === true) {
          const certificate = grants[0]?.access?.certificate;
          if (id === undefined || certificate === undefined) {
            throw new PamError('E_NO_CERTIFICATE', 'there is no live certificate', {
              hint: 'name the id of a live grant on an ssh-ca target',
            });
          }
          at.done({ exit: EXIT.done, schema: 'pam.status/1', document, text: `${certificate}\n` });
          return;
        }
        const view = statusText(found, at.style, at, await at.identity.person().catch(unknown));
        at.done({
          exit: EXIT.done,
          schema: 'pam.status/1',
          document,
          text: id === undefined ? view : view + accessText(found, at.style),
        });
      },
    );
};

function ofPerson(found: Status, person: string): Status {
  return {
    ...found,
    grants: found.grants.filter(({ subject }) => subject === person),
    proposals: found.proposals.filter(
      ({ requester, subject, who_now: who }) => [requester, subject].includes(person) || who.includes(person),
    ),
  };
}

/** Everybody may look, whether or not policy knows them. */
function unknown(error: unknown): null {
  expected(error);
  return null;
}
