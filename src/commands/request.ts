import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EXIT, PamError } from '../model/error.ts';
import { requestPath } from '../model/names.ts';
import { draftRequest, proposeDraft } from '../flows/people/make-request.ts';
import { needListedKey } from '../rules/choose-key.ts';
import { line } from '../views/escape.ts';
import { askForRest, type HalfWish, needWhole } from './ask-wish.ts';
import { readyToSign } from './identity.ts';
import { collect, type Register } from './session.ts';
import { reasonIn } from './signing-options.ts';

interface Options {
  readonly for?: string;
  readonly reason?: string;
  readonly because?: string;
  readonly note?: string;
  readonly ticket?: string;
  readonly incident?: string;
  readonly control: readonly string[];
  readonly scope: readonly string[];
  readonly subject?: string;
  readonly start?: string;
  readonly draft?: true;
}

export const register: Register = (program, session) => {
  program
    .command('request')
    .description(
      'Ask for a role, for a short time. Writes the request, signs it with your key and opens a proposal.',
    )
    .argument('[role]', 'a role of `pam catalog`')
    .option('--for <duration>', 'how long: 45m, 2h')
    .option('--reason <text>', 'why, for the person who approves')
    .option('--because <text>', 'the same as --reason')
    .option('--note <text>', 'the same as --reason')
    .option('--ticket <id>', 'the ticket that this work belongs to')
    .option('--incident <id>', 'the open incident')
    .option('--control <text>', 'a compensating control (repeat)', collect, [])
    .option('--scope <key=value>', "fills the role's scope (repeat)", collect, [])
    .option('--subject <service>', 'a service of yours that gets the access')
    .option('--start <instant>', 'not before, like 2026-11-22T18:00:00Z')
    .option('--draft', 'only write the file into the work tree, unsigned')
    .action(async (role: string | undefined, options: Options, command) => {
      const at = session(command);
      const half = wishOf(role, options);
      if (!at.mayAsk()) needWhole(half);
      const { desk, person, choose } = await readyToSign(at, { key: options.draft !== true });
      const wish = await askForRest(at, desk, person, half);
      const judged = await draftRequest(desk, person, wish);
      if (options.draft === true) {
        const { request, bytes } = judged;
        const path = requestPath(request.id);
        const place = join(desk.repository.workTree ?? at.globals.dir, path);
        await mkdir(dirname(place), { recursive: true });
        await writeFile(place, bytes, { flag: 'wx' });
        const document = { id: request.id, path, branch: null, proposal: null };
        at.done({
          exit: EXIT.done,
          schema: 'pam.request/1',
          document,
          text: `${request.id}\ndraft ${place}\n`,
        });
        return;
      }
      const policies = [judged.view.state.policy];
      const signer = await choose(policies);
      needListedKey(policies, person, signer);
      const { request, path, branch, proposal, reasons } = await proposeDraft(desk, signer, judged);
      const document = { id: request.id, path, branch, proposal };
      const waits = reasons
        .filter((one) => !one.ok)
        .map((one) => `  ${one.message} [${one.code}]\n`)
        .join('');
      const opened = proposal === branch ? '' : `  pull request ${line(proposal)}\n`;
      const text = `${request.id}\n  signed by ${request.requester}, on branch ${branch}\n${opened}${waits}next: pam approve ${request.id}   (by an approver; \`pam show ${request.id}\` lists who)\n`;
      const out = `the request ${request.id} is out; to take it back: pam deny ${request.id}`;
      at.done({ exit: EXIT.done, schema: 'pam.request/1', document, text, out });
    });
};

function wishOf(role: string | undefined, options: Options): HalfWish {
  const scope: Record<string, string> = {};
  for (const pair of options.scope) {
    const cut = pair.indexOf('=');
    if (cut < 1) throw new PamError('E_USAGE', `--scope takes key=value, not ${JSON.stringify(pair)}`);
    scope[pair.slice(0, cut)] = pair.slice(cut + 1);
  }
  const { ticket, incident, control, subject, start } = options;
  return {
    role,
    duration: options.for,
    justification: reasonIn(options) ?? undefined,
    ticket,
    incident,
    controls: control,
    scope,
    subject,
    start,
  };
}
