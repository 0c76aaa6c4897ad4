/** The embedded incident source: `incidents/<id>.yaml` on main (DESIGN section 3). */
import { expected } from '../../model/error.ts';
import { isUnreadable, type Repository } from '../../model/git.ts';
import type { IncidentSource, IncidentState } from '../../model/incident.ts';
import type { Oid } from '../../model/names.ts';
import type { SourcePlace } from '../../model/source.ts';

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u;
const MAX_BYTES = 16 * 1024;
const unknown = (why: string): IncidentState => ({ state: 'unknown', why });

/**
 * Only a file that says so is open; only a readable `closed`, or absence from a readable main, is closed; whatever
 * cannot be read or understood is unknown.
 */
export function fileIncidents({
  repository,
  main,
  readIncident,
}: Omit<SourcePlace, 'config' | 'env'>): IncidentSource {
  return {
    state: async (id) => {
      if (main === undefined) return unknown('main cannot be read');
      if (!ID.test(id)) return unknown('that is not an incident id');
      try {
        return await stateOn(repository, main, id, readIncident);
      } catch (error) {
        return unknown(expected(error).message);
      }
    },
  };
}

async function stateOn(
  repository: Pick<Repository, 'list' | 'read'>,
  main: Oid,
  id: string,
  readIncident: SourcePlace['readIncident'],
): Promise<IncidentState> {
  const path = `incidents/${id}.yaml`;
  const listed = await repository.list(main, path);
  if (isUnreadable(listed)) return unknown(`${path} on main cannot be read: ${listed.why}`);
  const [entry, ...more] = listed;
  if (entry === undefined) return { state: 'closed', why: 'no such incident on main' };
  if (more.length > 0 || entry.path !== path || entry.mode !== '100644') {
    return unknown(`${path} on main is not a plain file`);
  }
  const [bytes] = await repository.read([{ treeish: main, path }], MAX_BYTES);
  if (isUnreadable(bytes)) return unknown(`${path} on main cannot be read: ${bytes.why}`);
  if (bytes === undefined) return unknown(`${path} on main is not a plain file`);
  const incident = readIncident(bytes, path);
  if (incident.id !== id) return unknown(`${path} holds another id`);
  return incident.status === 'open'
    ? { state: 'open' }
    : { state: 'closed', why: `${path} on main says closed` };
}
