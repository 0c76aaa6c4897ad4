/** A policy change in words: who gains what, who loses what. What an admin reads before signing. */
import type { Identity, Person, Policy, Role } from '../model/policy.ts';
import { approversOf, members } from './people.ts';

export function tellPolicyChange(before: Policy | null, after: Policy): string[] {
  return [
    ...tellAdmins(before, after),
    ...tellIdentities(before, after),
    ...tellTargets(before, after),
    ...tellRoles(before, after),
    ...tellConfig(before, after),
  ];
}

function tellAdmins(before: Policy | null, after: Policy): string[] {
  const lines = difference(before?.admins.people ?? [], after.admins.people).map(
    ([sign, name]) => `${sign} ${name} ${sign === '+' ? 'becomes' : 'is no longer'} an admin`,
  );
  const was = before?.admins.threshold;
  const { threshold } = after.admins;
  if (was !== undefined && was !== threshold)
    lines.push(`! policy changes need ${threshold} admins, before ${was}`);
  return lines;
}

function tellIdentities(before: Policy | null, after: Policy): string[] {
  const lines: string[] = [];
  for (const kind of ['people', 'services'] as const) {
    const old = before?.[kind] ?? {};
    const word = kind === 'people' ? 'person' : 'service';
    for (const [sign, id] of difference(Object.keys(old), Object.keys(after[kind])))
      lines.push(`${sign} ${word} ${id}`);
    for (const [id, now] of Object.entries(after[kind])) {
      const was = old[id];
      if (was === undefined) continue;
      for (const [sign, key] of difference(was.keys.map(told), now.keys.map(told)))
        lines.push(`${sign} key of ${id}: ${key}`);
      const other = fromTo(asWritten(was), asWritten(now));
      if (other !== '') lines.push(`! ${word} ${id}: ${other}`);
    }
  }
  for (const [id, service] of Object.entries(after.services)) {
    const rights = service.executes;
    const was = before?.services[id]?.executes;
    if (rights !== undefined && JSON.stringify(rights) !== JSON.stringify(was)) {
      lines.push(`! ${id} may ${rights.may.join(' and ')} on ${rights.targets.join(', ')}`);
    }
  }
  const revoked = difference(keysOf(before), keysOf(after));
  return [...lines, ...revoked.map(([sign, key]) => `${sign} revoked key ${key}`)];
}

const keysOf = (policy: Policy | null): string[] =>
  (policy?.revoked_keys ?? []).map(
    ({ fingerprint, reason, at, since }) =>
      `${fingerprint} (${reason} at ${at}${since === undefined ? '' : `, since ${since}`})`,
  );

/** The fields beside the keys, as people.yaml has them: an account stands under the kind of its forge. */
const asWritten = (one: Identity): object =>
  Object.fromEntries(
    Object.entries(one).flatMap(([field, value]: [string, unknown]) => {
      if (field === 'accounts') return Object.entries(value as Person['accounts']);
      return field === 'keys' ? [] : [[field, value] as const];
    }),
  );

/** Only the fields that differ, old and new, so that a change of one word is seen. */
function fromTo(before: object | undefined, after: object): string {
  const old = new Map(Object.entries(before ?? {}));
  const fresh = new Map(Object.entries(after));
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .filter((key) => JSON.stringify(old.get(key)) !== JSON.stringify(fresh.get(key)))
    .map(
      (key) =>
        `${key} ${JSON.stringify(old.get(key)) ?? 'unset'} -> ${JSON.stringify(fresh.get(key)) ?? 'unset'}`,
    )
    .join(', ');
}

const told = (key: Policy['people'][string]['keys'][number]): string =>
  [
    key.key,
    ...Object.entries(key).flatMap(([name, value]) => (name === 'key' ? [] : [`${name} ${value}`])),
  ].join(' ');

function tellTargets(before: Policy | null, after: Policy): string[] {
  const old = before?.targets ?? {};
  const lines = difference(Object.keys(old), Object.keys(after.targets)).map(
    ([sign, id]) => `${sign} target ${id}`,
  );
  for (const [id, now] of Object.entries(after.targets)) {
    if (old[id] !== undefined && JSON.stringify(old[id]) !== JSON.stringify(now))
      lines.push(`! target ${id}: ${fromTo(old[id], now)}`);
  }
  return lines;
}

function tellRoles(before: Policy | null, after: Policy): string[] {
  const old = before?.roles ?? {};
  const names = new Set([...Object.keys(old), ...Object.keys(after.roles)]);
  return [...names].sort().flatMap((name) => tellRole(name, before, old[name], after, after.roles[name]));
}

function tellRole(
  name: string,
  before: Policy | null,
  was: Role | undefined,
  after: Policy,
  now: Role | undefined,
): string[] {
  if (now === undefined) return [`- role ${name}`];
  const asked = was === undefined || before === null ? [] : [...members(before, was.requesters)];
  const ask = difference(asked, [...members(after, now.requesters)]);
  const asking = folded(after, now.requesters, ask, `ask for ${name}`);
  if (was === undefined || before === null) {
    const { risk, permissions, target, max_duration: longest } = now;
    const preexist = now.may_preexist ? ', standing access allowed' : '';
    return [
      `+ role ${name} (${risk}): ${permissions.join(', ')} on ${target}, at most ${longest}${preexist}`,
      ...asking,
      `+ ${signersIn(after, now)} may approve ${name}`,
    ];
  }
  const approved = difference([...approversOf(before, was)], [...approversOf(after, now)]);
  const lines = [...asking, ...folded(after, [], approved, `approve ${name}`)];
  for (const key of Object.keys({ ...was, ...now }) as (keyof Role)[]) {
    if (key === 'requesters' || JSON.stringify(was[key]) === JSON.stringify(now[key])) continue;
    lines.push(
      key === 'approval'
        ? `! role ${name}: approved by ${signersIn(before, was)} -> ${signersIn(after, now)}`
        : `! role ${name}: ${fromTo({ [key]: was[key] }, { [key]: now[key] })}`,
    );
  }
  return lines;
}

/** Who gains and who loses, a line each; a group that gains as a whole is named with its members. */
function folded(
  policy: Policy,
  listed: readonly string[],
  changes: readonly (readonly ['+' | '-', string])[],
  what: string,
): string[] {
  return (['+', '-'] as const).flatMap((sign) => {
    const names = changes.filter(([one]) => one === sign).map(([, id]) => id);
    if (names.length === 0) return [];
    const whole = listed.filter(
      (one) => one.startsWith('@') && [...members(policy, [one])].every((id) => names.includes(id)),
    );
    const inGroups = members(policy, whole);
    const said = [
      ...whole.map((one) => withMembers(policy, one)),
      ...names.filter((id) => !inGroups.has(id)),
    ];
    return [`${sign} ${said.join(', ')} may ${sign === '+' ? '' : 'no longer '}${what}`];
  });
}

/** `@leads (alice, bob)` */
function withMembers(policy: Policy, one: string): string {
  return one.startsWith('@') ? `${one} (${[...members(policy, [one])].join(', ')})` : one;
}

/** `1 of @leads (alice, bob), after 15m also carol, with a hardware key (touch); and 2 of grace, hank` */
function signersIn(policy: Policy, { approval }: Role): string {
  const names = (list: readonly string[]): string => list.map((one) => withMembers(policy, one)).join(', ');
  return approval
    .map(({ threshold, approvers, fallback, presence }) =>
      [
        `${threshold} of ${names(approvers)}`,
        ...fallback.map((step) => `, after ${step.after} also ${names(step.approvers)}`),
        presence === 'none' ? '' : `, with a hardware key (${presence})`,
      ].join(''),
    )
    .join('; and ');
}

function tellConfig(before: Policy | null, after: Policy): string[] {
  if (before === null || JSON.stringify(before.config) === JSON.stringify(after.config)) return [];
  return [`! pam.yaml: ${fromTo(before.config, after.config)}`];
}

function difference(before: readonly string[], after: readonly string[]): ['+' | '-', string][] {
  return [
    ...after.filter((one) => !before.includes(one)).map((one): ['+', string] => ['+', one]),
    ...before.filter((one) => !after.includes(one)).map((one): ['-', string] => ['-', one]),
  ];
}
