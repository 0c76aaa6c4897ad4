/** The exit class of a diagnosis: 20, then 4, then 1, then 3; warnings are not worth one. */
import type { Check, CheckArea } from '../../model/check.ts';
import { EXIT, type Exit, exitOf } from '../../model/error.ts';

/** What is set wrongly, here or at the forge. Anything else that is wrong is out of reach or broken. */
const CONFIGURED: ReadonlySet<CheckArea> = new Set(['memory', 'policy', 'person', 'executor', 'forge']);

const OUT_OF_REACH: ReadonlySet<string> = new Set(['E_FORGE_NETWORK', 'E_FORGE_BUSY', 'E_FORGE_SHAPE']);

export function exitOfChecks(checks: readonly Check[]): Exit {
  const classes = new Set(checks.flatMap(classOf));
  const worst = [EXIT.integrity, EXIT.invalid, EXIT.failed, EXIT.partly].find((one) => classes.has(one));
  return worst ?? EXIT.done;
}

function classOf({ code, area, state }: Check): Exit[] {
  if (state === 'unknown') return [EXIT.partly];
  if (state !== 'problem') return [];
  // Whose history it is stands or falls with the root, whatever the code says.
  if (area === 'root' || exitOf(code) === EXIT.integrity) return [EXIT.integrity];
  return [CONFIGURED.has(area) && !OUT_OF_REACH.has(code) ? EXIT.invalid : EXIT.failed];
}
