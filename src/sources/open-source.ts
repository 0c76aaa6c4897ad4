import { expected } from '../model/error.ts';
import type { IncidentSource, IncidentState } from '../model/incident.ts';
import type { SourceKind, SourcePlace } from '../model/source.ts';

const unknown = (why: string): IncidentState => ({ state: 'unknown', why });

/**
 * The source that policy names, opened with the first question. One that this version does not have, or that cannot be
 * opened, answers `unknown`: it grants nothing and ends nothing early.
 */
export function openSource(sources: ReadonlyMap<string, SourceKind>, place: SourcePlace): IncidentSource {
  const kind = sources.get(place.config.source);
  let opened: Promise<IncidentSource> | undefined;
  return {
    state: async (id) => {
      if (kind === undefined) return unknown(`this pam does not read incidents from ${place.config.source}`);
      try {
        return await (await (opened ??= kind.open(place))).state(id);
      } catch (error) {
        return unknown(expected(error).message);
      }
    },
  };
}
