import { access, lstat, open } from 'node:fs/promises';
import { constants, type Stats } from 'node:fs';
import { join } from 'node:path';
import { PamError } from '../../model/error.ts';
import { isRequestId } from '../../model/names.ts';
import type { Inspection, Order, TargetPlace, TargetSession } from '../../model/target.ts';
import { isMissing, removeFile, replaceFile } from '../durable-file.ts';
import {
  asProviderError,
  configText,
  faultsOf,
  pathFromEnvironment,
  runSealed,
  timeLimitMs,
} from '../place.ts';
import { checkOnHost, checkRules, checkTerminal } from './host-needs.ts';
import { faultOfUser, parseRule, type SudoersRule, sudoersText } from './sudoers-rule.ts';

const MODE = 0o440;
/** Far more than any file of ours; what is larger is not ours. */
const MAX_BYTES = 64 * 1024;

export function sudoersSession(place: TargetPlace): TargetSession {
  return {
    verifyIdentity: async () => {
      await safeDirectory(place);
    },
    grant: async (order) => {
      const text = expectedText(order);
      const timeoutMs = timeLimitMs(order);
      const directory = await safeDirectory(place);
      const path = join(directory, fileName(order));
      const temporary = join(directory, `.${fileName(order)}.tmp`);
      if ((await contentOf(path)) !== text) {
        await asProviderError('E_PRV_DIRECTORY', 'the sudoers file cannot be written', async () => {
          const check = async (): Promise<void> => await checkWithVisudo(place, temporary, timeoutMs);
          await replaceFile(path, temporary, text, MODE, check);
        });
      }
      if ((await contentOf(path)) !== text) {
        throw new PamError(
          'E_PRV_READBACK',
          `the sudoers file of ${order.id} does not hold what was written`,
        );
      }
      return {};
    },
    revoke: async (order) => {
      const path = join(await existingDirectory(place), fileName(order));
      await asProviderError('E_PRV_DIRECTORY', 'the sudoers file cannot be removed', async () => {
        await removeFile(path);
      });
      if ((await contentOf(path)) !== undefined) {
        throw new PamError('E_PRV_READBACK', `the sudoers file of ${order.id} is still there`);
      }
    },
    checkOrder: async (order) => {
      const directory = await existingDirectory(place);
      await checkOnHost(place, { order, rules: rulesOf(order), directory, file: fileName(order) });
    },
    inspect: async (order) => await inspect(join(await existingDirectory(place), fileName(order)), order),
    examine: async (_may, permissions) =>
      await faultsOf([
        async () => {
          const directory = await existingDirectory(place);
          await asProviderError('E_PRV_DIRECTORY', 'the sudoers directory cannot be written', async () => {
            await access(directory, constants.W_OK | constants.X_OK);
          });
        },
        async () => await checkRules(place, permissions.map(ruleOf)),
        async () => await checkTerminal(await existingDirectory(place)),
      ]),
  };
}

/** Any other content under our name may be any access: it counts as all of the permissions until it is gone. */
async function inspect(path: string, order: Order): Promise<Inspection> {
  if ((await contentOf(path)) === undefined) return { state: 'absent' };
  return { state: 'present', which: order.permissions };
}

function fileName(order: Order): string {
  if (!isRequestId(order.id)) throw new PamError('E_PRV_NAME', 'a sudoers file is named after a request id');
  return `pam-${order.id}`;
}

function expectedText(order: Order): string {
  const wrong = faultOfUser(order.login);
  if (wrong !== undefined) throw new PamError('E_PRV_NAME', wrong);
  return sudoersText(fileName(order).slice('pam-'.length), order.login, rulesOf(order), order.until);
}

function rulesOf({ permissions }: Order): readonly SudoersRule[] {
  if (permissions.length === 0) throw new PamError('E_PRV_NAME', 'there is no permission to grant');
  return permissions.map(ruleOf);
}

function ruleOf(permission: string): SudoersRule {
  const rule = parseRule(permission);
  if (typeof rule === 'string') throw new PamError('E_PRV_NAME', rule);
  return rule;
}

/**
 * The file's text; `undefined` when there is none. What no file of ours can be (a link, a directory, another mode,
 * too long) reads as empty, which no text of ours is.
 */
async function contentOf(path: string): Promise<string | undefined> {
  try {
    const seen = await lstat(path);
    if (!seen.isFile()) return '';
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const stat = await file.stat();
      // Sudo itself ignores files that others may write.
      if ((stat.mode & 0o777) !== MODE || stat.size > MAX_BYTES) return '';
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new PamError('E_PRV_DIRECTORY', 'the sudoers file cannot be read', { cause });
  }
}

/**
 * The directory, whatever its mode: revoking asks for no more. One that is missing is an error, since in a
 * mistyped path every file would look revoked.
 */
async function existingDirectory(place: TargetPlace): Promise<string> {
  return (await directoryOf(place)).path;
}

/** A writer of the directory is root: for granting, only its owner may write there, and that is this user or root. */
async function safeDirectory(place: TargetPlace): Promise<string> {
  const { path, stat } = await directoryOf(place);
  if ((stat.mode & 0o022) !== 0) {
    throw new PamError('E_PRV_DIRECTORY', 'the sudoers directory may be written by others');
  }
  if (stat.uid !== 0 && stat.uid !== process.getuid?.()) {
    throw new PamError('E_PRV_DIRECTORY', 'the sudoers directory belongs to somebody else');
  }
  return path;
}

async function directoryOf(place: TargetPlace): Promise<{ readonly path: string; readonly stat: Stats }> {
  const path = pathFromEnvironment(place, 'directory_env');
  const stat = await asProviderError('E_PRV_DIRECTORY', 'the sudoers directory cannot be read', async () => {
    return await lstat(path);
  });
  if (!stat.isDirectory()) throw new PamError('E_PRV_DIRECTORY', 'the sudoers directory is not a directory');
  return { path, stat };
}

/** Optional: the grammar is ours, visudo is the second opinion where sudo itself is installed. */
async function checkWithVisudo(place: TargetPlace, temporary: string, timeoutMs: number): Promise<void> {
  const program = configText(place, 'visudo') ?? 'visudo';
  try {
    const result = await runSealed(place, program, ['-cf', temporary], { home: '/', timeoutMs });
    if (result.code === 0) return;
  } catch (cause) {
    if (cause instanceof PamError && cause.code === 'E_PRV_MISSING') return;
    throw cause;
  }
  throw new PamError('E_PRV_SUDOERS', `visudo refuses the file of target ${place.target}`);
}
