/**
 * What `notify` in pam.yaml may say, beyond its schema. Asked of new policies and before a grant, never of the chain (`judge-new-policy.ts`); an
 * executor sends nothing for an entry in which something is wrong. Pure; paths are JSON pointers into `Policy`.
 */
import type { NotifyConfig, Policy } from '../../model/policy.ts';
import type { PolicyProblem } from '../policy-problem.ts';
import { NOTICE_LOOPBACK, NOTICE_VARIABLE, variablesOf } from './variables.ts';

export const judgeNotices = (policy: Policy): readonly PolicyProblem[] =>
  policy.config.notify.flatMap((one, at) => [
    ...judgeVariables(policy, one, `/config/notify/${at}`),
    ...judgeRoles(policy, one, `/config/notify/${at}`),
  ]);

/** May an executor read the variables that this entry names, and send what stands there the notices? */
export const isSendable = (policy: Policy, config: NotifyConfig): boolean =>
  variablesOf(config).every(([, name]) => NOTICE_VARIABLE.test(name)) &&
  judgeVariables(policy, config, '').length === 0;

function judgeVariables(policy: Policy, config: NotifyConfig, path: string): PolicyProblem[] {
  const elsewhere = new Map([
    ...Object.entries(policy.targets).flatMap(([target, one]) =>
      textsIn(one.config).map((text) => [text, `target ${target}`] as const),
    ),
    ...textsIn(policy.config.incidents).map((text) => [text, 'incidents'] as const),
  ]);
  const named = variablesOf(config);
  return named.flatMap(([field, name], at): PolicyProblem[] => {
    const other = elsewhere.get(name);
    const twin = named.slice(0, at).find((one) => one[1] === name);
    const fault =
      other !== undefined
        ? `${name} is named by ${other}, too: what stands there would be given to the receiver`
        : name === NOTICE_LOOPBACK
          ? `${name} says that this machine may be told without TLS; it holds no address`
          : twin !== undefined
            ? `${name} is ${twin[0]} already`
            : undefined;
    return fault === undefined ? [] : [{ code: 'E_POL_NOTICE', path: `${path}/${field}`, message: fault }];
  });
}

/** A filter that lets nothing pass would look like notices. */
function judgeRoles({ roles }: Policy, { roles: only, risk }: NotifyConfig, path: string): PolicyProblem[] {
  const unknown = (only ?? []).flatMap((name, at): PolicyProblem[] =>
    Object.hasOwn(roles, name)
      ? []
      : [{ code: 'E_POL_UNKNOWN_NAME', path: `${path}/roles/${at}`, message: `there is no role ${name}` }],
  );
  const left = (only ?? Object.keys(roles)).filter((name) => {
    const one = Object.hasOwn(roles, name) ? roles[name] : undefined;
    return one !== undefined && (risk === undefined || risk.includes(one.risk));
  });
  if (unknown.length > 0 || risk === undefined || left.length > 0) return unknown;
  const which = only === undefined ? 'no role' : 'none of these roles';
  return [
    {
      code: 'E_POL_NOTICE',
      path: `${path}/risk`,
      message: `${which} is ${risk.join(' or ')}, so nothing is told`,
    },
  ];
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
