/** What statements are about. A topic's name is part of the names of its branches (`forges/statement-branches.ts`). */
import { isRequestId } from '../../model/names.ts';
import type { TopicKind } from './statement-kind.ts';

/** @param seq the version that the policy is to be */
export const policyTopicName = (seq: number): string => `policy-${seq}`;

/** `undefined`: nothing that any statement is about. */
export function topicKind(name: string): TopicKind | undefined {
  if (isRequestId(name)) return 'request';
  return name.startsWith('policy-') ? 'policy' : undefined;
}
