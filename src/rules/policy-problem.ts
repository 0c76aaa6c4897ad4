import type { ErrorCode } from '../model/error-codes.ts';
import type { ProviderFacts } from './provider-facts.ts';

/** One thing that is wrong with a policy. `path` is a JSON pointer into `Policy`. */
export interface PolicyProblem {
  readonly code: ErrorCode;
  readonly path: string;
  readonly message: string;
}

/** What judging a policy needs of a provider. */
export type ProviderRules = Pick<
  ProviderFacts,
  'kind' | 'checkPermission' | 'checkLogin' | 'identity' | 'needsLoginKey'
>;
export type ProviderRulesByKind = ReadonlyMap<string, ProviderRules>;
