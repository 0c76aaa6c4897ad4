/** Environment variables that `notify` names: only ones that are made for it, so that no other secret is ever an address. */
import type { NotifyConfig } from '../../model/policy.ts';

export const NOTICE_VARIABLE = /^PAM_NOTICE_[A-Z0-9_]{1,53}$/u;
/** Lets an executor send to its own machine without TLS. Never an address. */
export const NOTICE_LOOPBACK = 'PAM_NOTICE_LOOPBACK';

/** Fields that end in `_env`, with what they name. */
export const variablesOf = (config: NotifyConfig): readonly (readonly [field: string, name: string])[] =>
  Object.entries(config).flatMap(([field, name]) =>
    field.endsWith('_env') && typeof name === 'string' ? [[field, name] as const] : [],
  );
