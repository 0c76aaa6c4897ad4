/** [O4] What a job's page and a comment say of a proposal that cannot be judged, and of a run: bounded, and outside text is code. */
import { describe, expect, test } from 'vitest';
import type { CheckedProposal } from '../../../src/flows/people/check-proposal.ts';
import type { RunResult } from '../../../src/flows/executor/run-result.ts';
import { EXIT, type Issue } from '../../../src/model/error.ts';
import { proposalMarkdown, runMarkdown } from '../../../src/views/markdown.ts';
import { requestId } from '../../support/world.ts';

const ID = requestId('20261122-reader-aaaaaa');
const proposal = (issues: readonly Issue[]): CheckedProposal => ({
  what: 'https://github.com/acme/access/pull/3',
  place: 'https://github.com/acme/access/pull/3',
  exit: EXIT.invalid,
  issues,
  reasons: [],
  looked: null,
  told: [],
});
const issue = (path: string): Issue => ({
  file: 'pam.yaml',
  path,
  code: 'E_POL_SHAPE',
  message: 'is no field of pam.yaml',
});

describe('a proposal that cannot be judged', () => {
  test('with thousands of problems is a comment that GitHub takes, and says how many are left', () => {
    const issues = Array.from({ length: 2000 }, (_, at) => issue(`/key-${at}`));
    const text = proposalMarkdown(proposal(issues), null);
    expect(text.length).toBeLessThan(60_000);
    expect(text).toContain('and 1900 more.');
  });

  test('whose path is hundreds of thousands of backticks is told, not a crash', () => {
    const text = proposalMarkdown(proposal([issue(`/${'`a'.repeat(150_000)}`)]), null);
    expect(text).toContain('### pam: invalid');
    expect(text.length).toBeLessThan(2000);
  });
});

test('a run is told step by step, with what failed first to be seen', () => {
  const result: RunResult = {
    steps: [
      { action: 'grant', id: ID, target: 'bastion', result: 'done', error: null, what: 'root to dana' },
      {
        action: 'revoke',
        id: ID,
        target: 'bastion',
        result: 'failed',
        error: { code: 'E_PRV_TIMEOUT', message: 'no answer @all' },
        what: 'ends',
      },
    ],
    ledger: { seq: 1, head: `sha256:${'0'.repeat(64)}` as RunResult['ledger']['head'] },
    waiting: [],
    troubles: [{ code: 'W_NOTICE', ok: false, message: 'not received' }],
  };
  expect(runMarkdown('apply', result).split('\n')).toEqual([
    '### pam apply: 1 granted, 1 not done, 1 trouble',
    '',
    `- grant \`${ID}\` \`bastion\` \`root to dana\``,
    `- revoke **failed** \`${ID}\` \`bastion\` \`ends\`: \`no answer @\u200ball\` (E_PRV_TIMEOUT)`,
    '- **trouble** `not received` (W_NOTICE)',
    '',
  ]);
});
