/** Settings of the policy in force that give less than they seem to. What is not obeyed at all is a halt, told beside it. */
import { type Check, tellOf } from '../../model/check.ts';
import type { Instant } from '../../model/instant.ts';
import type { Policy } from '../../model/policy.ts';
import { refusedSettings, type SettingFactsByKind, settingRemarks } from '../judge-settings.ts';
import { UNBUILT_CODE } from '../unbuilt.ts';

const { ok, warning, problem } = tellOf('policy');
const HINT = 'change it in policy, and ratify it; `pam check` names the line';

export function judgeSettings(policy: Policy, providers: SettingFactsByKind, now: Instant): Check[] {
  const told = (path: string, message: string): string => `${path.slice(1).replaceAll('/', ' ')}: ${message}`;
  const refused = refusedSettings(policy)
    .filter(({ code, path }) => code !== UNBUILT_CODE && path.startsWith('/config'))
    .map(({ code, path, message }) => problem(code, told(path, message), HINT));
  // Who may grant and end on each target, and who of them is alone, is judged by their keys (`judge-holders.ts`).
  const warned = settingRemarks(policy, providers, now)
    .filter(({ code }) => code !== 'W_POL_SWEEPER')
    .map(({ code, path, message }) => warning(code, told(path, message), HINT));
  const all = [...refused, ...warned];
  return all.length > 0 ? all : [ok('W_POL_SETTINGS', 'every setting does what it says')];
}
