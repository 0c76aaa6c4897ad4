/** What main holds of GitHub's own files, for `doctor`: who owns what, and where jobs with keys run. */
import type { Environment } from '../../github/access-token.ts';
import { type ApiAddress, apiAddress, isServer } from '../../github/api-address.ts';
import type { Check } from '../../model/check.ts';
import { expected } from '../../model/error.ts';
import { isUnreadable, readable, type Repository } from '../../model/git.ts';
import type { Oid } from '../../model/names.ts';
import type { ReadYaml } from '../forge-kind.ts';
import { CODEOWNERS, judgeCodeOwners, judgeRunners, type WorkflowFile } from './judge-workflows.ts';

const WORKFLOWS = '.github/workflows';
const NAMES_ENVIRONMENT = /pam-(?:apply|sweep)/u;
const MAX_BYTES = 256 * 1024;

export async function lookAtMain(
  repository: Repository,
  main: Oid,
  readYaml: ReadYaml,
  env: Environment,
): Promise<readonly Check[]> {
  const owners = CODEOWNERS.map((path) => ({ treeish: main, path }));
  const found = (await repository.read(owners, MAX_BYTES)).find((bytes) => bytes !== undefined);
  const workflows = readable(await repository.list(main, WORKFLOWS), WORKFLOWS);
  const listed = workflows.filter(({ path }) => /\.ya?ml$/u.test(path));
  const blobs = await repository.read(
    listed.map(({ path }) => ({ treeish: main, path })),
    MAX_BYTES,
  );
  // Others are none of pam's business, and may be written in more YAML than pam reads.
  const files = listed.flatMap(({ path }, at): WorkflowFile[] => {
    const blob = blobs[at];
    const bytes = isUnreadable(blob) ? undefined : blob;
    const ours = bytes === undefined || NAMES_ENVIRONMENT.test(Buffer.from(bytes).toString('utf8'));
    return ours ? [{ path, document: documentIn(bytes, path, readYaml) }] : [];
  });
  return [
    ...judgeCodeOwners(
      found === undefined ? null : Buffer.from(readable(found, 'CODEOWNERS')).toString('utf8'),
    ),
    ...judgeRunners(files, hasHosted(apiAddress(env['GITHUB_API_URL']))),
  ];
}

/** On an Enterprise Server every machine is the company's own, whatever its label; a test's double stands for github.com. */
const hasHosted = (address: ApiAddress): boolean => address.loopback || !isServer(address);

function documentIn(
  bytes: Uint8Array | undefined,
  path: string,
  readYaml: ReadYaml,
): WorkflowFile['document'] {
  if (bytes === undefined) return { fault: 'it is no plain file, or too large' };
  try {
    return { data: readYaml(bytes, path, MAX_BYTES).data };
  } catch (cause) {
    const error = expected(cause);
    return { fault: error.message };
  }
}
