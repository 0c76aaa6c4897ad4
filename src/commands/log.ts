import { EXIT, PamError } from '../model/error.ts';
import { type Instant, durationFrom, parseInstant, plus, secondsOf } from '../model/instant.ts';
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
    .description(
      'What happened, oldest first, from verified entries. Reads what this clone holds; fetches and writes nothing.',
    )
    .argument('[id]')
    .option('--since <when>', 'an instant, or a duration such as 7d')
    .option('--person <name>', 'who asked, got or approved')
    .option('--role <name>')
    .option('--limit <n>', 'the newest n events', '1000')
    .action(async (named: string | undefined, options: Options, command) => {
      const at = session(command);
      const desk = await at.desk();
      const limit = /^[1-9][0-9]{0,6}$/u.test(options.limit) ? Number(options.limit) : 0;
      if (limit === 0) throw new PamError('E_USAGE', '--limit takes a number from 1 on');
      const since = options.since === undefined ? undefined : sinceOf(options.since, desk.clock());
      const id = named === undefined ? undefined : await idOf(desk, named);
      const found = await log(desk, { id, since, person: options.person, role: options.role, limit });
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      const screen = { terminal: at.terminal, zone: at.env['TZ'] ?? zone, fetched: desk.remote !== null };
      const text = logText(found, at.style, screen);
      const document = { events: found.events, seq: found.seq, head: found.head, at: found.at };
      at.done({ exit: EXIT.done, schema: 'pam.log/1', document, text });
    });
};

function sinceOf(text: string, now: Instant): Instant {
  const duration = durationFrom(text);
  const since = duration === undefined ? parseInstant(text) : plus(now, -secondsOf(duration));
  if (since === undefined)
    throw new PamError('E_USAGE', `--since takes an instant or a duration, not ${JSON.stringify(text)}`, {
      hint: `write how long ago, 12h or 7d, or since when, ${now.slice(0, 10)}T00:00:00Z`,
    });
  return since;
}
