/** What tests publish by hand, past every check of ours. */
import type { Posting, ProposalFacts, Topic } from '../../src/model/forge.ts';
import type { Signed } from '../../src/model/statement.ts';

export const about = (name: string): Topic => ({ name, place: null });

export function posting(topic: string, signed: Signed, author: string): Posting {
  const type = /^type: (stop|policy)$/mu.exec(signed.text)?.[1] === 'stop' ? 'stop' : 'approval';
  return { topic: about(topic), signed, author, type, sentence: `${author} posts this`, head: null };
}

/** For forges that show nothing of it. */
export const NO_FACTS: ProposalFacts = {
  requester: '',
  subject: '',
  role: '',
  description: '',
  risk: '',
  target: '',
  permissions: [],
  duration: '',
  start: null,
  justification: '',
  ticket: null,
  incident: null,
  controls: [],
  reasons: [],
  approvers: [],
};
