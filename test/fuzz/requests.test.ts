/** Requests that nobody approved: other bytes under an id, signed by whoever could, beside every approval there is. */
import { describe } from 'vitest';
import { candidateOf } from '../../src/flows/gather/read-candidate.ts';
import { isRequestId, requestPath, type RequestId } from '../../src/model/names.ts';
import type { Signed } from '../../src/model/statement.ts';
import { exactGrant } from '../../src/rules/exact-grant.ts';
import { type ApplyPlan, planApply } from '../../src/rules/plan-apply.ts';
import { type Candidate, isRequest } from '../../src/rules/situation.ts';
import { followChain } from '../../src/rules/follow-chain.ts';
import { joinSigned } from '../../src/trust/armor.ts';
import { sha256 } from '../../src/trust/digest.ts';
import { type Asked, at, intentOf, providers, sign, situation } from '../support/world.ts';
import { HONEST, isAttacker, isCovered, NOW, POOL, WORLD } from './attack-world.ts';
import { mutateYaml } from './mutate-yaml.ts';
import type { Random } from './random.ts';
import { broken, fuzz, layerOf, type Mutant } from './table.ts';

const { ledger, asked } = WORLD;
const { root } = ledger.state;

const FILE: Readonly<Record<string, RegExp>> = {
  'bytes and YAML': /^E_(?:YAML_|REQ_CHARSET|REQ_SECRET)/u,
  schema: /^E_REQ_(?:MISSING|UNKNOWN_FIELD|TYPE|SHAPE|TTL|TIME|ID_SYNTAX|ID_MISMATCH)$/u,
};
const EVIDENCE: Readonly<Record<string, RegExp>> = {
  'the id': /^E_REQ_/u,
  "the requester's signature": /^E_/u,
};
/** First match wins: what policy says before who is missing. */
const DECISION: Readonly<Record<string, RegExp>> = {
  'the id': /^E_REQ_/u,
  'policy rules': /^E_POL_(?!SEEN|MERGED)/u,
  'approvals and the merge': /^E_/u,
};

describe('[D12][B8] mutated requests', () => {
  fuzz(
    'requests',
    {
      runs: 5000,
      shares: {
        'bytes and YAML': 0.05,
        schema: 0.2,
        "the requester's signature": 0.05,
        'the id': 0.02,
        'policy rules': 0.03,
        'approvals and the merge': 0.08,
        'the same bytes, granted': 0.005,
      },
    },
    make,
  );
});

function make(random: Random): Mutant {
  const base = random.pick([asked.due, asked.due, asked.hers, asked.half, asked.unwanted]);
  const bytes = mutateYaml(random, base.bytes, POOL);
  const candidate = delivered(random, base, bytes);
  return { shown: bytes, judge: () => judge(random, base, candidate) };
}

/** The mutant as it comes: under its own id or the old one, merged or not, signed again or with the old signature. */
function delivered(random: Random, base: Asked, bytes: Buffer): Candidate {
  const claimed = /20\d{6}-[a-z0-9-]{1,40}-[a-z0-9]{6}/u.exec(bytes.toString('latin1'))?.[0] ?? base.id;
  const id: RequestId = isRequestId(claimed) && random.chance(0.8) ? claimed : base.id;
  const read = candidateOf({ id, place: requestPath(id), head: null, merged: true }, bytes, undefined);
  const signer = isRequest(read.request) ? read.request.requester : base.request.requester;
  const key = isAttacker(signer) ? signer : random.pick(['dana', 'thief', 'grace']);
  const statement = sign(
    { type: 'request', root, signer, signedAt: at('12:06'), request: id, requestSha256: sha256(bytes) },
    { key },
  );
  const same = bytes.equals(Buffer.from(base.bytes));
  const old = same || random.chance(0.15);
  const signature = old ? Buffer.from(joinSigned(base.statement)) : Buffer.from(joinSigned(statement));
  const there = { id, place: `main:${requestPath(id)}`, head: null, merged: same || random.chance(0.9) };
  return candidateOf(there, bytes, signature);
}

function judge(random: Random, base: Asked, candidate: Candidate): string {
  const { id } = candidate;
  const honest = [base.id, random.pick([...WORLD.approvals.keys()]) ?? base.id];
  const all = [...honest.flatMap((one) => WORLD.approvals.get(one) ?? []), ...forged(random, candidate)];
  const world = situation(ledger, [candidate], { approvals: new Map([[id, all]]) });
  const plan = planApply(world, NOW);
  mustBeWritable(base, plan);
  const same = sha256(base.bytes) === candidate.requestSha256;
  for (const ready of plan.ready) {
    const intent = intentOf(ledger, ready, NOW);
    if (!same || !isCovered(intent, NOW, ledger.record(id) ?? undefined))
      broken('granted without signatures');
    return 'the same bytes, granted';
  }
  if (same && base === asked.due) broken('what was signed for is not granted');
  return diedIn(plan, candidate);
}

/** Approvals of exactly this mutant by everybody who may not approve it. */
function forged(random: Random, { id, request, requestSha256 }: Candidate): readonly Signed[] {
  if (!isRequest(request)) return [];
  const exact = exactGrant(ledger.policy, providers, request, NOW);
  if (exact === undefined) return [];
  const { loginKeyLine: _line, ...grant } = exact;
  const by = (signer: string, key: string): Signed =>
    sign(
      {
        type: 'approval',
        root,
        signer,
        signedAt: at('12:06'),
        request: id,
        requestSha256,
        grant,
        capacity: random.pick(['named', 'named', 'fallback', 'delegate:bob']),
        because: random.pick([null, 'nobody answered']),
        ledger: ledger.point,
      },
      { key },
    );
  return random.pick([
    [by('bob', 'dana'), by('dana', 'dana')],
    [by('alice', 'thief'), by('deploy-bot', 'deploy-bot')],
    [by('grace', 'grace'), by('bob', 'grace'), by('pam-apply', 'pam-apply')],
    [{ text: by('bob', 'dana').text, armor: WORLD.approvals.get(asked.due.id)?.[0]?.armor ?? '' }],
  ]);
}

/** Whatever a stranger sends, the next entry can be written, and nobody else's request is touched by it. */
function mustBeWritable(base: Asked, plan: ApplyPlan): void {
  for (const { requester } of plan.see) {
    const honest = base === asked.hers && plan.see.every((one) => one.request_sha256 === base.requestSha256);
    if (!isAttacker(requester) && !honest) broken(`seen without ${requester}'s signature`);
  }
  const events = [...plan.see, ...plan.stop, ...plan.refuse];
  if (events.length === 0) return;
  const after = followChain(ledger.state, ledger.draft(events, NOW));
  const { hers } = asked;
  const before = JSON.stringify(ledger.record(hers.id)?.seen);
  const record = after.index.records.get(hers.id);
  if (JSON.stringify(record?.seen) !== before || record?.state !== 'seen')
    broken("erin's request was touched");
}

function diedIn(plan: ApplyPlan, { id, request, requestSha256 }: Candidate): string {
  if (!isRequest(request)) return layerOf(request.code, FILE);
  const refused = plan.refuse.find((one) => one.id === id)?.reasons ?? [];
  const waiting = plan.waiting.find((one) => one.id === id)?.decision.reasons.filter(({ ok }) => !ok) ?? [];
  const codes = [...refused, ...waiting].map(({ code }) => code);
  if (codes.length === 0) return 'left alone';
  const known =
    plan.see.some((one) => one.id === id) || ledger.record(id)?.seen?.request_sha256 === requestSha256;
  const layers = known ? DECISION : EVIDENCE;
  const first = Object.values(layers).flatMap((layer) => codes.find((code) => layer.test(code)) ?? []);
  return layerOf(first[0] ?? '', layers);
}

if (HONEST.size < 8) throw new Error('the world of these mutants is not the one that was meant');
