/** Evidence as files, so that anybody can verify it with stock `ssh-keygen` and nothing of ours. */
import type { Signed } from '../../model/statement.ts';
import { claimsOf } from '../../trust/statement-text.ts';
import { STATEMENT_KINDS } from '../../trust/statements/registry.ts';
import { expected } from '../../model/error.ts';
import type { TypedStatement } from '../../rules/events/event-kind.ts';
import { evidenceStatements } from '../../rules/events/granting.ts';
import { identityOf } from '../../rules/exact-grant.ts';
import type { Policy } from '../../model/policy.ts';
import type { Desk } from '../desk.ts';
import type { Looked } from '../gather/look-at-request.ts';
import { recordedEvidence } from './recorded-evidence.ts';

export async function evidenceFiles(desk: Desk, looked: Looked): Promise<ReadonlyMap<string, string>> {
  const { judged, situation, id } = looked;
  const recorded = await recordedEvidence(desk, looked);
  const request = judged?.snapshot.statement ?? null;
  const all: readonly TypedStatement[] =
    recorded === undefined
      ? [
          ...(request === null ? [] : [{ ...request, type: 'request' as const }]),
          ...(situation.approvals.get(id) ?? []).map((one) => ({ ...one, type: 'approval' as const })),
          ...(situation.stops.get(id) ?? []).map((one) => ({ ...one, type: 'stop' as const })),
        ]
      : evidenceStatements({ evidence: recorded });
  const { policy } = looked.view.state;
  const files = new Map<string, string>();
  const signers = new Set<string>();
  for (const signed of all) {
    const { type } = signed;
    const signer = signerOf(signed);
    if (signer === undefined) continue;
    const count = [...files.keys()].filter((name) => name.startsWith(`${type}-${signer}`)).length / 2;
    const name = `${type}-${signer}${count === 0 ? '' : `-${count + 1}`}`;
    files.set(`${name}.txt`, signed.text);
    files.set(`${name}.txt.sig`, signed.armor);
    for (const line of signerLines(policy, signer, STATEMENT_KINDS[type].namespace)) signers.add(line);
  }
  const bytes = recorded?.request ?? looked.candidate?.bytes;
  if (bytes !== undefined) files.set(`${id}.yaml`, bytes);
  files.set('allowed_signers', [...signers].join(''));
  return files;
}

function signerOf(signed: Signed): string | undefined {
  try {
    return claimsOf(signed.text).signer;
  } catch (error) {
    expected(error);
    return undefined;
  }
}

/** Always with `namespaces=` and UTC times; the revocation list stays in policy, where it has dates. */
function signerLines(policy: Policy, signer: string, namespace: string): string[] {
  return (identityOf(policy, signer)?.keys ?? []).map(({ key, from, until }) => {
    const compact = (at: string): string => at.replaceAll(/[-:T]/gu, '');
    const options = [
      `namespaces="${namespace}"`,
      ...(from === undefined ? [] : [`valid-after="${compact(from)}"`]),
      ...(until === undefined ? [] : [`valid-before="${compact(until)}"`]),
    ];
    return `${signer} ${options.join(',')} ${key}\n`;
  });
}
