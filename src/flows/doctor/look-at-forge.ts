/** What has to be switched on at the forge: by its own answer where it gives one, else by the settings of the remote. */
import { readYaml } from '../../documents/yaml.ts';
import { type Check, tellOf } from '../../model/check.ts';
import type { Setting } from '../../model/forge.ts';
import { expected } from '../../model/error.ts';
import { isUnreadable, readable } from '../../model/git.ts';
import type { Machine } from '../../model/machine.ts';
import { judgeReceive } from '../../rules/doctor/judge-clone.ts';
import {
  CODEOWNERS,
  judgeCodeOwners,
  judgeRunners,
  type WorkflowFile,
} from '../../rules/doctor/judge-workflows.ts';
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
    if (config.forge.kind === 'git') return judgeReceive(await machine.receive((await remote.open()).url));
    if (desk.offline) {
      const message = 'its settings were not asked: --offline was given';
      return [tellOf('forge').unknown('E_FORGE_STALE', message, 'run it again without --offline')];
    }
    const forge = await desk.forge(config);
    return (await forge.settings?.())?.map(checkOf) ?? [];
  });
  if (config.forge.kind === 'github') await look(chart, 'forge', async () => await lookAtMain(desk, view));
}

/** What main holds of the forge's own files. */
async function lookAtMain(desk: Desk, view: LedgerView): Promise<Check[]> {
  const main = await desk.repository.resolve(mainRef(desk, view.state.policy.config));
  if (main === undefined) return [];
  const owners = CODEOWNERS.map((path) => ({ treeish: main, path }));
  const found = (await desk.repository.read(owners, MAX_BYTES)).find((bytes) => bytes !== undefined);
  const workflows = readable(await desk.repository.list(main, WORKFLOWS), WORKFLOWS);
  const listed = workflows.filter(({ path }) => /\.ya?ml$/u.test(path));
  const blobs = await desk.repository.read(
    listed.map(({ path }) => ({ treeish: main, path })),
    MAX_BYTES,
  );
  // Others are none of pam's business, and may be written in more YAML than pam reads.
  const files = listed.flatMap(({ path }, at): WorkflowFile[] => {
    const blob = blobs[at];
    const bytes = isUnreadable(blob) ? undefined : blob;
    const ours = bytes === undefined || NAMES_ENVIRONMENT.test(Buffer.from(bytes).toString('utf8'));
    return ours ? [{ path, document: documentIn(bytes, path) }] : [];
  });
  return [
    ...judgeCodeOwners(
      found === undefined ? null : Buffer.from(readable(found, 'CODEOWNERS')).toString('utf8'),
    ),
    ...judgeRunners(files),
  ];
}

const WORKFLOWS = '.github/workflows';
const NAMES_ENVIRONMENT = /pam-(?:apply|sweep)/u;
const MAX_BYTES = 256 * 1024;

function documentIn(bytes: Uint8Array | undefined, path: string): WorkflowFile['document'] {
  if (bytes === undefined) return { fault: 'it is no plain file, or too large' };
  try {
    return { data: readYaml(bytes, path, MAX_BYTES).data };
  } catch (cause) {
    const error = expected(cause);
    return { fault: error.message };
  }
}

/** `W_...` warns, anything else is a problem; what this token may not see stays unknown. */
function checkOf({ code, ok: isOn, message, hint }: Setting): Check {
  const { ok, warning, problem, unknown } = tellOf(code === 'E_CLOCK_FORGE' ? 'clock' : 'forge');
  if (isOn === null) return unknown(code, message, hint);
  return (isOn ? ok : code.startsWith('W_') ? warning : problem)(code, message, hint);
}
