/**
 * The room of targets. To add one: write a file that exports a `Provider` (the contract is `model/target.ts`, one
 * screen), add its line below, and run the conformance suite (`test/conformance/target.ts`) against the real thing.
 *
 * Rules of this room: names and permissions are data and never become syntax (refuse, don't rewrite); secrets come
 * from the environment by the names in config, at the moment of use; nothing is believed that was not read back;
 * `revoke` needs less than `grant` and works for names that `grant` would refuse; every error is `E_PRV_...`.
 */
import type { Provider } from '../model/target.ts';
import { command } from './command/command.ts';
import { sshCa } from './ssh-ca/ssh-ca.ts';
import { sudoers } from './sudoers/sudoers.ts';

export const providers: ReadonlyMap<string, Provider> = new Map([
  [sshCa.kind, sshCa],
  [sudoers.kind, sudoers],
  [command.kind, command],
]);
