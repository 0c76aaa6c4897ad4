/** Who started this process, as far as the programs of OpenSSH care: a user that the system knows, and a terminal. */
import { closeSync, openSync } from 'node:fs';
import { userInfo } from 'node:os';
import { PamError } from '../model/error.ts';

/** `ssh-keygen` and `ssh` do not start for a user id that has no entry in passwd, as containers have them. */
export function userWithoutEntry(): PamError | undefined {
  try {
    userInfo();
    return undefined;
  } catch {
    const id = process.getuid?.() ?? 'of this process';
    return new PamError(
      'E_RUN',
      `the user id ${id} has no entry in passwd, and OpenSSH does not run without one`,
      {
        hint: 'run as a user that the system knows, or add a line for this one to /etc/passwd',
      },
    );
  }
}

/** Passphrases are asked for there, whatever stdin is. */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r+'));
    return true;
  } catch {
    return false;
  }
}
