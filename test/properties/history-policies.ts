/** The policies that admins choose among in random histories. */
import type { ModelPolicy, ModelRole, ModelRule } from './history-model.ts';

const ASKERS = ['dana', 'erin', 'bot'];
const rule = (approvers: readonly string[], threshold = 1, more: Partial<ModelRule> = {}): ModelRule => ({
  approvers,
  threshold,
  fallback: null,
  ...more,
});
const role = (
  permissions: readonly string[],
  rules: readonly ModelRule[],
  more: Partial<ModelRole> = {},
) => ({
  target: 'shelf' as const,
  permissions,
  requesters: ASKERS,
  rules,
  maxSeconds: 4 * 3600,
  mayPreexist: false,
  ...more,
});

export const FIRST_POLICY: ModelPolicy = {
  roles: {
    reader: role(['read'], [rule(['bob', 'carol'])]),
    writer: role(['read', 'write'], [rule(['bob', 'carol', 'erin'], 2)]),
    keeper: role(['keep'], [rule(['bob', 'carol'])], { mayPreexist: true }),
    root: role(['principal:root'], [rule(['bob', 'carol']), rule(['carol', 'frank'])], {
      target: 'bastion',
      requesters: ['dana', 'erin'],
    }),
    night: role(['read'], [rule(['bob'], 1, { fallback: { approvers: ['carol'], after: 1800 } })]),
  },
  targets: ['shelf', 'bastion'],
  people: ['bob', 'carol', 'dana', 'erin', 'frank', 'grace'],
  services: { bot: 'erin', 'pam-apply': 'grace', 'pam-apply-two': 'grace', 'pam-sweep': 'grace' },
  admins: ['grace'],
  compromised: {},
};

const NAMES = ['reader', 'writer', 'keeper', 'root', 'night'] as const;
const PEOPLE = ['bob', 'carol', 'erin', 'dana', 'frank'] as const;

/** Some of these no policy may be; then main holds what nobody can sign, and grants wait. */
export function changedPolicy(
  before: ModelPolicy,
  by: { readonly change: number; readonly who: number },
  now: number,
): ModelPolicy {
  const name = NAMES[by.who % NAMES.length] ?? 'reader';
  const person = PEOPLE[by.who % PEOPLE.length] ?? 'bob';
  const since = now - (by.who % 3) * 1800;
  const { [name]: old, ...others } = before.roles;
  const withRole = (more: Partial<ModelRole>): ModelPolicy =>
    old === undefined ? before : { ...before, roles: { ...before.roles, [name]: { ...old, ...more } } };
  const without = (list: readonly string[], one: string): string[] => list.filter((other) => other !== one);
  const changes: readonly (() => ModelPolicy)[] = [
    () => FIRST_POLICY,
    () => FIRST_POLICY,
    () => FIRST_POLICY,
    () => ({ ...FIRST_POLICY, compromised: before.compromised }),
    () => withRole({ maxSeconds: 1200 }),
    () =>
      withRole({
        rules: (old?.rules ?? []).map((one) => ({ ...one, approvers: without(one.approvers, 'bob') })),
      }),
    () => ({ ...before, roles: others }),
    () => ({
      ...before,
      targets: ['shelf'],
      roles: Object.fromEntries(Object.entries(before.roles).filter(([, one]) => one.target === 'shelf')),
    }),
    () => ({ ...before, compromised: { ...before.compromised, [person]: since } }),
    () => ({ ...before, compromised: { ...before.compromised, [person]: since } }),
    () => ({ ...before, compromised: { ...before.compromised, 'pam-apply-two': since } }),
    () => ({
      ...before,
      people: without(before.people, 'dana'),
      roles: Object.fromEntries(
        Object.entries(before.roles).map(([one, was]) => [
          one,
          { ...was, requesters: without(was.requesters, 'dana') },
        ]),
      ),
    }),
    () => withRole({ permissions: old?.target === 'shelf' ? ['read', 'keep'] : ['principal:other'] }),
    () => withRole({ requesters: without(old?.requesters ?? [], 'erin') }),
  ];
  return changes[by.change % changes.length]?.() ?? before;
}
