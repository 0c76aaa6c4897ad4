import { EXIT, PamError } from '../model/error.ts';
import { type Instant, parseDuration, parseInstant, plus, secondsOf } from '../model/instant.ts';
import { log } from '../flows/audit/log.ts';
import { logText } from '../views/audit.ts';
import { idOf } from './request-named.ts';
import type { Register } from './session.ts';

interface Options {
  readonly since?: string;
  readonly person?: string;
  readonly role?: string;
  readonly limit: string;
}

export const register: Register = (program, session) => {
  program
    .command('log')
    .description('Reads what this clone holds; fetches and writes nothing.')
    .argument('[id]')
    .option('--since <when>', 'an instant, or a duration such as 7d')
    .option('--person <name>', 'who asked, got or approved')
    .option('--role <name>')
    .option('--limit <n>', 'the newest n events', '1000')
    .action(async (text: string | undefined, options: Options, command) => {
      const at = session(command);
      const desk = await at.desk();
      const limit = /^[1-9][0-9]{0,6}$/u.test(options.limit) ? Number(options.limit) : 0;
      if (limit === 0) throw new PamError('E_USAGE', '--limit takes a number from 1 on');
      const since = options.since === undefined ? undefined : sinceOf(options.since, desk.clock());
      const id = text === undefined ? undefined : await idOf(desk, text);
      const found = await log(desk, { id, since, person: options.person, role: options.role, limit });
      const document = { events: found.events, seq: found.seq, head: found.head, at: found.at };
      at.done({ exit: EXIT.done, schema: 'pam.log/1', document, text: logText(found, at.style) });
    });
};

function sinceOf(text: string, now: Instant): Instant {
  const duration = parseDuration(text);
  const since = duration === undefined ? parseInstant(text) : plus(now, -secondsOf(duration));
  if (since === undefined)
    throw new PamError('E_USAGE', `--since takes an instant or a duration, not ${JSON.stringify(text)}`);
  return since;
}
