/**
 * The room of forges. To add one: a folder `forges/<kind>/` whose file `<kind>.ts` exports a `ForgeKind` (the contract is
 * `forge-kind.ts`), its line below, and a test that runs `test/conformance/forge.ts` (`docs/develop/forge.md`). The build
 * puts its schemas into `schemas/`.
 *
 * Rules of this room: a forge says who clicked what and where things are, and what it says is a hint; what a proposal holds
 * is read from Git, what counts is decided from signatures; its answers are hostile until they were read; every error is
 * `E_FORGE_...`; nothing of one kind is loaded for another.
 */
import { PamError } from '../model/error.ts';
import type { ForgeConfig } from '../model/policy.ts';
import type { ForgeKind } from './forge-kind.ts';
import { github } from './github/github.ts';
import { plainGit } from './plain-git.ts';

const KINDS: readonly ForgeKind[] = [plainGit, github];

export const forges: ReadonlyMap<string, ForgeKind> = new Map(KINDS.map((one) => [one.kind, one]));

export function kindOf({ kind }: Pick<ForgeConfig, 'kind'>): ForgeKind {
  const found = forges.get(kind);
  // The schema of `pam.yaml` is made from the same list.
  if (found === undefined) throw new PamError('E_BUG', `there is no forge of kind ${JSON.stringify(kind)}`);
  return found;
}
