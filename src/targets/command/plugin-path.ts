import { constants, type Stats } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, sep } from 'node:path';
import { PamError } from '../../model/error.ts';
import { asProviderError } from '../place.ts';

/**
 * The real path of `pam-provider-<plugin>` in the executor's own plugin directory. The directory comes from the
 * host (`PAM_PLUGIN_DIR`), never from the repository, and nothing is searched for: a user who can write the file or
 * its directory can do what pam can do, so that must be its owner alone, and that is this user or root.
 */
export async function pluginPath(directory: string | undefined, plugin: string): Promise<string> {
  if (directory === undefined || !isAbsolute(directory) || directory.includes('\0')) {
    throw new PamError('E_PRV_PLUGIN_PATH', 'PAM_PLUGIN_DIR does not hold an absolute path', {
      hint: 'set PAM_PLUGIN_DIR to a directory outside the repository that only its owner can write',
    });
  }
  const home = await realPathOf(directory, 'the plugin directory');
  const file = await realPathOf(join(home, `pam-provider-${plugin}`), `plugin ${plugin}`);
  if (!file.startsWith(home.endsWith(sep) ? home : `${home}${sep}`)) {
    throw new PamError('E_PRV_PLUGIN_PATH', `plugin ${plugin} is a link out of the plugin directory`);
  }
  // A link may lead below the directory: every directory on the way there counts.
  for (let at = home; ; at = join(at, nextPart(at, file))) {
    const seen = await asProviderError('E_PRV_PLUGIN_PATH', `plugin ${plugin} cannot be found`, async () => {
      return await stat(at);
    });
    faultless(seen, at === file ? `plugin ${plugin}` : 'the plugin directory');
    if (at === file) {
      if (!seen.isFile()) throw new PamError('E_PRV_PLUGIN_PATH', `plugin ${plugin} is not a plain file`);
      break;
    }
  }
  await access(file, constants.X_OK).catch((cause: unknown) => {
    throw new PamError('E_PRV_PLUGIN_PATH', `plugin ${plugin} is not executable`, { cause });
  });
  return file;
}

function nextPart(directory: string, file: string): string {
  return (
    file
      .slice(directory.length)
      .split(sep)
      .find((part) => part !== '') ?? ''
  );
}

function faultless(seen: Stats, what: string): void {
  if ((seen.mode & 0o022) !== 0) {
    throw new PamError('E_PRV_PLUGIN_PATH', `${what} may be written by others`);
  }
  if (seen.uid !== 0 && seen.uid !== process.getuid?.()) {
    throw new PamError('E_PRV_PLUGIN_PATH', `${what} belongs to somebody else`);
  }
}

async function realPathOf(path: string, what: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    throw new PamError('E_PRV_PLUGIN_PATH', `${what} cannot be found`, { cause });
  }
}
