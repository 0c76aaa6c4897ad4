import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { EXIT } from '../model/error.ts';
import { POLICY_PATHS } from '../model/policy.ts';
import { addRemote, commitPaths, startRepository, writeMissing } from '../git/start-repository.ts';
import { beginLedger, refuseSecondLedger } from '../flows/begin-ledger.ts';
import { initFiles } from '../flows/init-files.ts';
import { generateKey, readPublicKey } from '../signing/ssh-keygen.ts';
import type { Register } from './session.ts';

export const register: Register = (program, session) => {
  program
    .command('init')
    .description(
      'Writes the files that are missing, commits them, and begins the ledger: genesis and, signed by you, policy 1.',
    )
    .argument('[dir]', 'where', '.')
    .option('--remote <url>', 'a bare repository that everybody shares, as the remote `origin`')
    .action(async (dir: string, options: { readonly remote?: string }, command) => {
      const at = session(command);
      const { env, globals } = at;
      const place = resolve(globals.dir, dir);
      const admin = await at.signer();
      const remote = options.remote === undefined ? undefined : 'origin';
      await startRepository(place, 'main', env);
      await refuseSecondLedger(await at.deskAt(place));
      if (options.remote !== undefined) await addRemote(place, 'origin', options.remote, env);
      const executor = at.executor() ?? (await newExecutor(at.stateHome, place, env));
      const files = initFiles({
        admin: admin.id,
        adminKey: await readPublicKey(admin.keyFile, env),
        executor: executor.name,
        executorKey: await readPublicKey(executor.keyFile, env),
        remote,
      });
      const written = await writeMissing(place, files);
      const now = at.now();
      await commitPaths(
        place,
        POLICY_PATHS,
        { message: 'An access repository', author: admin.id, at: now },
        env,
      );
      const desk = await at.deskAt(place);
      const { root, seq, missing } = await beginLedger(desk, admin, executor);
      const lines = [
        `access repository in ${place}`,
        `  trust root ${root}   (write it down: every executor and auditor is given it)`,
        `  executor   ${executor.name}, key ${executor.keyFile}`,
        missing === 0 ? '  policy 1 is in force' : `  policy 1 needs ${missing} more admin(s): pam ratify`,
      ];
      const document = { root, seq, files: written };
      at.done({ exit: EXIT.done, schema: 'pam.init/1', document, text: `${lines.join('\n')}\n` });
    });
};

/** A service `pam-apply` whose key lies outside the repository, where nobody commits it by accident. */
async function newExecutor(
  stateHome: string,
  place: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly name: string; readonly keyFile: string }> {
  const directory = join(
    stateHome,
    'pam',
    'keys',
    place.replace(/[^A-Za-z0-9._-]+/gu, '_').replace(/^_/u, ''),
  );
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const keyFile = join(directory, 'pam-apply');
  // An earlier try may have come this far.
  if (!existsSync(keyFile)) await generateKey(keyFile, 'pam-apply', env);
  return { name: 'pam-apply', keyFile };
}
