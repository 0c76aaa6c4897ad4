/** Every type of statement that people sign. One more is a file beside this one and a line here. */
import { PamError } from '../../model/error.ts';
import type { Signed, StatementType } from '../../model/statement.ts';
import { approval } from './approval.ts';
import { policy } from './policy.ts';
import { request } from './request.ts';
import type { StatementKind, Travels } from './statement-kind.ts';
import { stop } from './stop.ts';

export const STATEMENT_KINDS: { readonly [T in StatementType]: StatementKind<T> } = {
  request,
  approval,
  stop,
  policy,
};

/** Types that count however they came: on a forge with accounts they travel as a branch too, which no account can take back. */
export const isAnyones = (type: string): boolean =>
  Object.entries(STATEMENT_KINDS).some(([name, { travels }]) => name === type && travels?.account === 'any');

/** The type that a text claims to be of; `undefined` where it claims none. */
export const claimedType = ({ text }: Pick<Signed, 'text'>): string | undefined =>
  /^type: ([a-z]+)$/mu.exec(text)?.[1];

/** Throws for a type that no forge takes by itself. */
export function travelsOf(type: StatementType): Travels {
  const { travels } = STATEMENT_KINDS[type];
  if (travels === null)
    throw new PamError('E_BUG', `a ${type} is published with its proposal, not by itself`);
  return travels;
}
