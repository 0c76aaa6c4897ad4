/**
 * The `sub` that a cloud which trusts this repository's jobs has to ask for (OpenID Connect). One that is too wide trusts every
 * branch and pull request; one of the other form trusts nothing, and the job is refused.
 *
 * Repositories made or renamed since 15 July 2026 say the numbers of owner and repository in it; older ones only where that was
 * switched on; an Enterprise Server never. Sources: github.com/github/docs/pull/45221, changelog 2026-04-23 (immutable subject claims).
 */
import { type Fields, fieldsOf, listOf, numberOf, textOf } from '../../github/answer-shape.ts';
import type { GitHub } from '../../github/api.ts';
import type { Setting } from '../../model/forge.ts';
import { lookAt } from './look-at.ts';

const code = 'E_FORGE_OIDC';
const ENVIRONMENTS = ['pam-apply', 'pam-sweep'] as const;

/** @param found the repository, as the API shows it */
export async function subjectSettings(github: GitHub, found: Fields): Promise<readonly Setting[]> {
  const route = 'GET /repos/{owner}/{repo}/actions/oidc/customization/sub';
  const what = 'which sub a target that takes OIDC must ask for';
  return await lookAt(code, what, async () => {
    const wanted = { doing: 'read how the sub of a job is made', needs: 'actions: read' };
    const answer = fieldsOf(await github.ask(route, {}, wanted), 'the form of the sub');
    return [judge(answer, prefixesOf(found))];
  });
}

interface Prefixes {
  readonly named: string;
  readonly numbered: string;
}

function prefixesOf(found: Fields): Prefixes {
  const owner = fieldsOf(found['owner'], 'the owner');
  const [login, name] = [textOf(owner, 'login', 'the owner'), textOf(found, 'name', 'the repository')];
  const [ownerId, id] = [numberOf(owner, 'id', 'the owner'), numberOf(found, 'id', 'the repository')];
  return { named: `repo:${login}/${name}`, numbered: `repo:${login}@${ownerId}/${name}@${id}` };
}

const subjects = (prefix: string): string =>
  ENVIRONMENTS.map((one) => `${prefix}:environment:${one}`).join(' or ');

function judge(answer: Fields, { named, numbered }: Prefixes): Setting {
  if (answer['use_default'] !== true) {
    const keys = listOf(answer['include_claim_keys'] ?? [], 'the claims')
      .map(String)
      .join(', ');
    return {
      code,
      ok: null,
      message: `the sub of a job here is made of ${keys === '' ? 'claims that are not shown' : keys}, not of repository and environment`,
      hint: 'a target that takes OIDC must ask for the environment; print the sub of a job there once, and ask for exactly that',
    };
  }
  const prefix = numbersOf(answer, named, numbered);
  return prefix === undefined
    ? {
        code,
        ok: null,
        message: `a target that takes OIDC must ask for exactly the sub ${subjects(named)}; in a repository made or renamed since 15 July 2026, ${subjects(numbered)}`,
        hint: 'GitHub did not say which: print the sub of a job there once, and ask for exactly that',
      }
    : {
        code,
        ok: true,
        message: `a target that takes OIDC must ask for exactly the sub ${subjects(prefix)}`,
      };
}

/** `undefined` where the answer does not say. */
function numbersOf(answer: Fields, named: string, numbered: string): string | undefined {
  const shown = answer['sub_claim_prefix'];
  const known = [named, numbered].find((one) => shown === one || shown === `${one}:`);
  if (known !== undefined) return known;
  const immutable = answer['use_immutable_subject'];
  return typeof immutable === 'boolean' && shown === undefined ? (immutable ? numbered : named) : undefined;
}
