/** What has to be switched on at the forge: by its own answer where it gives one, else by the settings of the remote. */
import { readYaml } from '../../documents/yaml.ts';
import { kindOf } from '../../forges/registry.ts';
import { type Check, tellOf } from '../../model/check.ts';
import type { Setting } from '../../model/forge.ts';
import { secondsOf } from '../../model/instant.ts';
import type { Machine } from '../../model/machine.ts';
import { isPlainGit } from '../../model/policy.ts';
import { judgeReceive } from '../../rules/doctor/judge-clone.ts';
import { lastSweepOf } from '../../rules/judge-sweep.ts';
import { type Desk, mainRef } from '../desk.ts';
import { type Chart, look } from './chart.ts';
import type { Freshness } from '../ledger/fetch-state.ts';
import type { LedgerView } from '../ledger/read-ledger.ts';

export interface AtForge {
  readonly desk: Desk;
  readonly view: LedgerView;
  readonly machine: Machine;
  readonly freshness: Freshness;
}

export async function lookAtForge(chart: Chart, { desk, view, machine }: AtForge): Promise<void> {
  const { config } = view.state.policy;
  const { remote } = desk;
  if (remote === null) {
    chart.skipped.push({ area: 'forge', why: 'there is no forge but this clone' });
    return;
  }
  await look(chart, 'forge', async () => {
    if (isPlainGit(config.forge)) return judgeReceive(await machine.receive((await remote.open()).url));
    if (desk.offline) {
      const message = 'its settings were not asked: --offline was given';
      return [tellOf('forge').unknown('E_FORGE_STALE', message, 'run it again without --offline')];
    }
    const forge = await desk.forge(config);
    const within = config.sweep_within === undefined ? null : secondsOf(config.sweep_within);
    const sweeps = { within, last: lastSweepOf(view.state) };
    return (await forge.settings?.(sweeps))?.map(checkOf) ?? [];
  });
  const { lookAtMain } = kindOf(config.forge);
  if (lookAtMain === undefined) return;
  await look(chart, 'forge', async () => {
    const main = await desk.repository.resolve(mainRef(desk, config));
    return main === undefined ? [] : await lookAtMain(desk.repository, main, readYaml, desk.env);
  });
}

/** `W_...` warns, anything else is a problem; what this token may not see stays unknown. */
function checkOf({ code, ok: isOn, message, hint }: Setting): Check {
  const { ok, warning, problem, unknown } = tellOf(code === 'E_CLOCK_FORGE' ? 'clock' : 'forge');
  if (isOn === null) return unknown(code, message, hint);
  return (isOn ? ok : code.startsWith('W_') ? warning : problem)(code, message, hint);
}
