/**
 * A forge with pull requests: a proposal is a pull request from the branch `pam/<id>`, a statement is a review or a comment
 * with a signed block. The forge says who clicked what and where things are; what a proposal holds is read from Git, and
 * what counts is decided from signatures (DESIGN section 4).
 */
import { expected, failureOf, handledLater, PamError } from '../../model/error.ts';
import type { Doubt, Forge, Found, Posting, Proposal, Topic, Wanted } from '../../model/forge.ts';
import type { Remote, Repository } from '../../model/git.ts';
import type { Instant } from '../../model/instant.ts';
import { isRequestId, type RequestId } from '../../model/names.ts';
import { claimedType, isAnyones, travelsOf } from '../../trust/statements/registry.ts';
import { topicKind } from '../../trust/statements/topics.ts';
import { fewAtOnce } from '../few-at-once.ts';
import { gitBranches } from '../git-branches.ts';
import { type AtHead, listOnce, readProposals, withWholeMain } from '../read-proposals.ts';
import { idOf, inOrder, orNone } from './find-pulls.ts';
import { pullHeads } from './heads.ts';
import { lookAtPull, type LookUp, pullNamed } from './look-up.ts';
import { policyPulls } from './policy-pulls.ts';
import { post, tell } from './post.ts';
import { oldestFirst, type Postings, readPostings } from './postings.ts';
import type { Pull, PullPlace, PullPort, Pulls } from './pull-port.ts';

export interface PullForge {
  readonly port: PullPort;
  readonly repository: Repository;
  readonly remote: { readonly name: string; readonly remote: Remote };
  /** The main branch's name, as in `pam.yaml`. */
  readonly main: string;
  readonly now: () => Instant;
  /** Evenly in [0, 1). */
  readonly chance: () => number;
  readonly note: (line: string) => void;
}

export function pullRequests(forge: PullForge): Forge {
  const { main, remote, port } = forge;
  const repository = withWholeMain(forge.repository, remote.remote, main);
  const heads = pullHeads(port, repository, remote);
  const mainNow = async (): ReturnType<Repository['resolve']> =>
    await repository.resolve(`refs/remotes/${remote.name}/${main}`);
  const numbered = ({ place }: Topic): number | undefined =>
    place === null ? undefined : port.numberIn(place);
  const placeOf = (topic: Topic): PullPlace | undefined => {
    const number = numbered(topic);
    return number === undefined || topic.place === null ? undefined : { number, place: topic.place };
  };
  const pullsAbout = async (pulls: Pulls, topic: Topic): Promise<readonly Pull[]> => {
    if (isRequestId(topic.name)) return await pulls.of(topic.name);
    const isPolicy = topicKind(topic.name) === 'policy';
    return isPolicy ? await policyPulls(repository, await mainNow(), pulls) : [];
  };
  const lookingAt = async (): Promise<LookUp> => ({
    repository,
    baseTree: listOnce(repository),
    mainName: main,
    main: await mainNow(),
  });
  return {
    kind: port.kind,
    proposals: async (wanted) => {
      const found = await wantedPulls(port.begin().pulls, wanted);
      const at = await heads.fetch(found.map(({ pull }) => pull));
      const readable = found.flatMap(({ id, pull }): AtHead[] => {
        const head = at.get(pull.number);
        return head === undefined ? [] : [{ id, place: pull.place, head }];
      });
      const read = await readProposals(repository, await mainNow(), readable);
      return [...read, ...found.filter(({ pull }) => !at.has(pull.number)).map(withoutHead)];
    },
    statements: async (topics, doubt = refuse) => {
      const work = port.begin();
      const onBranches = anyonesOnBranches(forge, topics, doubt);
      handledLater(onBranches);
      const { pulls } = work;
      const read = new Map<number, Promise<Postings>>();
      const postingsAt = async (pull: PullPlace): Promise<Postings> => {
        const postings = read.get(pull.number) ?? readPostings(work, pull);
        read.set(pull.number, postings);
        return await postings;
      };
      await work.readAhead(topics.flatMap((topic) => placeOf(topic) ?? []));
      let closed: PamError | undefined;
      const found = await fewAtOnce(topics, async (topic) => {
        if (closed !== undefined) {
          doubt(topic.name, closed);
          return [];
        }
        const known = placeOf(topic);
        const at = async (): Promise<readonly PullPlace[]> =>
          known === undefined ? await pullsAbout(pulls, topic) : [known];
        const said = await postingsOn(at, postingsAt);
        for (const error of said.doubts) {
          if (CLOSED.has(error.code)) closed = error;
          doubt(topic.name, error);
        }
        return said.found;
      });
      // The order is told by their place in the list.
      const plain = ({ place, signed, posted }: Found): Found => ({ place, signed, posted });
      const branches = await onBranches;
      return new Map(
        topics.map((topic, index) => {
          const posted = (found[index] ?? []).map(plain);
          const isPosted = ({ signed: other }: Found): boolean =>
            posted.some(({ signed }) => signed?.text === other?.text && signed?.armor === other?.armor);
          const unposted = (branches.get(topic.name) ?? []).filter((one) => !isPosted(one));
          return [topic.name, [...posted, ...unposted]];
        }),
      );
    },
    propose: async (proposal) => {
      const { create } = port.begin();
      const { branch } = await gitBranches(forge).propose(proposal);
      return { branch, proposal: await create(proposal, branch) };
    },
    publish: async (posting) => {
      const work = port.begin();
      const { pulls } = work;
      const { topic } = posting;
      const posted = async (): Promise<void> => {
        const number = numbered(topic);
        const about = number === undefined ? await pullsAbout(pulls, topic) : [await pulls.numbered(number)];
        // Of a request's the first counts; main's policy came with the newest.
        const pull = about.at(travelsOf(posting.type).about === 'request' ? 0 : -1);
        if (pull === undefined) {
          throw new PamError(
            'E_FORGE_PLACE',
            `there is no pull request where ${topic.name} could be signed`,
            { hint: 'statements travel on pull requests here: open one for it, or name it' },
          );
        }
        await post(port, work, pull, posting);
      };
      if (!isAnyones(posting.type)) return await posted();
      await eitherWay(forge, posting, posted);
      await work.startSweep();
    },
    open: async () => {
      const open = inOrder(await port.begin().pulls.open());
      const at = await lookingAt();
      const fetched = await heads.fetch(open);
      const first = async (id: RequestId): Promise<Pull | undefined> =>
        await Promise.resolve(open.find((one) => idOf(one) === id));
      return await fewAtOnce(
        open,
        async (pull) => await lookAtPull(at, pull, fetched.get(pull.number), first),
      );
    },
    lookUp: async (reference) => {
      const { pulls } = port.begin();
      const at = await lookingAt();
      const pull = await pullNamed(reference, port, pulls);
      const head = (await heads.fetch([pull])).get(pull.number);
      return await lookAtPull(at, pull, head, async (id) => (await pulls.of(id))[0]);
    },
    tell: async (told) => {
      // A repository that was renamed since has places of its old name on record.
      const at = [...told].flatMap(([place, markdown]) => {
        const number = port.numberIn(place);
        return number === undefined ? [] : [{ pull: { number, place }, markdown }];
      });
      await tell(port.begin(), at);
    },
    whoami: async () => await port.begin().whoami(),
  };
}

/**
 * What must not be taken back is a branch first: every account with write may delete a comment and dismiss a review, and
 * the branch lies under a rule. One of the two is enough to be heard.
 */
async function eitherWay(forge: PullForge, posting: Posting, posted: () => Promise<void>): Promise<void> {
  const asBranch = await failureOf(gitBranches(forge).publish(posting));
  if (asBranch?.code === 'E_INTERRUPTED') throw asBranch;
  const asPosting = await failureOf(posted());
  if (asBranch !== undefined && asPosting !== undefined) throw asPosting;
  if (asBranch !== undefined)
    forge.note(
      `it is posted, but not on a branch of its own, where no account could delete it: ${asBranch.message}`,
    );
  if (asPosting !== undefined)
    forge.note(`it is out, on a branch of its own, but not on the pull request: ${asPosting.message}`);
}

/** Of a forge with accounts, only what counts however it came is read from branches: an approval is its account's act. */
async function anyonesOnBranches(
  forge: PullForge,
  topics: readonly Topic[],
  doubt: Doubt,
): Promise<ReadonlyMap<string, readonly Found[]>> {
  const about = topics.filter(({ name }) => isRequestId(name));
  if (about.length === 0) return new Map();
  try {
    const found = await gitBranches(forge).statements(about, doubt);
    const anyones = ({ signed }: Found): boolean => signed !== null && isAnyones(claimedType(signed) ?? '');
    return new Map([...found].map(([topic, all]) => [topic, all.filter(anyones)]));
  } catch (cause) {
    const error = expected(cause);
    for (const { name } of about) doubt(name, error);
    return new Map();
  }
}

const refuse: Doubt = (_topic, error) => {
  throw error;
};

/** Nothing else will be answered either; asking on would only make it worse. */
const CLOSED: ReadonlySet<string> = new Set([
  'E_FORGE_BUSY',
  'E_FORGE_TOKEN',
  'E_FORGE_FORBIDDEN',
  'E_FORGE_REPO',
]);

/** Whatever can be read about a topic. One flooded pull request of several hides nothing of the others. */
async function postingsOn(
  places: () => Promise<readonly PullPlace[]>,
  postingsAt: (pull: PullPlace) => Promise<Postings>,
): Promise<Postings> {
  try {
    const all = await fewAtOnce(await places(), postingsAt);
    return {
      found: oldestFirst(all.flatMap(({ found }) => found)),
      doubts: all.flatMap(({ doubts }) => doubts),
    };
  } catch (cause) {
    const error = expected(cause);
    return { found: [], doubts: [error] };
  }
}

/** So many are asked for one by one. */
const FEW = 3;

interface WantedPull {
  readonly id: RequestId;
  readonly pull: Pull;
}

/** The one pull request of each id that counts. */
async function wantedPulls(pulls: Pulls, { ids, days, skip }: Wanted): Promise<readonly WantedPull[]> {
  const found = new Map<RequestId, Pull>();
  const take = (listed: readonly Pull[], isWanted: (id: RequestId) => boolean): void => {
    for (const pull of inOrder(listed)) {
      const id = idOf(pull);
      if (id === undefined || found.has(id) || skip?.has(id) === true) continue;
      if (isWanted(id)) found.set(id, pull);
    }
  };
  const wanted = new Set(ids);
  const missingOf = (): RequestId[] => ids.filter((id) => !found.has(id) && skip?.has(id) !== true);
  if (days.length > 0 || missingOf().length > FEW) {
    // A flood of open ones hides no request that was asked for by its id.
    const listed = days.length > 0 ? await pulls.open() : await orNone(pulls.open, true);
    take(listed, (id) => days.includes(id.slice(0, 8)) || wanted.has(id));
  }
  // A list brings a hundred for one question. A fork's would hide the repository's own, which may be older than the list.
  if (missingOf().length > FEW)
    take(
      (await pulls.closed()).filter(({ own }) => own),
      (id) => wanted.has(id),
    );
  const missing = missingOf();
  const others = await fewAtOnce(missing, async (id) => await pulls.of(id));
  for (const [at, id] of missing.entries()) {
    const [first] = others[at] ?? [];
    if (first !== undefined) found.set(id, first);
  }
  return [...found].map(([id, pull]) => ({ id, pull }));
}

function withoutHead({ id, pull }: WantedPull): Proposal {
  const message = 'its head cannot be fetched: git refuses what it holds, or it is not there yet';
  return {
    id,
    place: pull.place,
    head: pull.apiHead,
    files: undefined,
    fault: { code: 'E_GIT_OBJECT', message },
  };
}
