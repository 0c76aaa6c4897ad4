/** The schema of one entry of `notify`: what all kinds share (which events, which roles, with reasons or not), and a kind's own fields. */
import { NOTICE_EVENTS, UNBUILT_NOTICES } from '../model/notice.ts';

type Fields = Readonly<Record<string, object>>;

/** @param own fields of the kind; those in `required` must be there */
export const noticeSchema = (
  kind: string,
  description: string,
  own: Fields,
  required: readonly string[],
): Readonly<Record<string, unknown>> => ({
  type: 'object',
  additionalProperties: false,
  required: ['kind', 'on', ...required],
  properties: { kind: { type: 'string', const: kind, description }, ...own, ...SHARED },
});

/** Any variable that an earlier build took; that it must be `PAM_NOTICE_...` is judged before a policy is signed. */
export const variable = (description: string): object => ({
  type: 'string',
  pattern: '^[A-Z_][A-Z0-9_]{0,63}$',
  description,
});

const SHARED: Fields = {
  on: {
    type: 'array',
    minItems: 1,
    uniqueItems: true,
    description: 'Which events are told. `due` and `brake` are for later builds: `pam check` refuses them.',
    items: { type: 'string', enum: [...NOTICE_EVENTS, ...UNBUILT_NOTICES] },
  },
  roles: {
    type: 'array',
    minItems: 1,
    maxItems: 256,
    uniqueItems: true,
    description: 'Only requests for these roles.',
    items: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,39}$' },
  },
  risk: {
    type: 'array',
    minItems: 1,
    uniqueItems: true,
    description: 'Only requests for roles of these risks.',
    items: { type: 'string', enum: ['standard', 'admin', 'break-glass'] },
  },
  why: {
    type: 'boolean',
    description: 'false: without the reasons that people wrote. Default: with them, but for break-glass.',
  },
};
