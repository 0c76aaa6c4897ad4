import { EXIT, type Issue } from '../model/error.ts';
import type { IncidentFile } from '../model/request.ts';
import { valueFault } from './plain-text.ts';
import { shapeFaults } from './schema.ts';
import { readYaml, REQUEST_BYTES, refusal } from './yaml.ts';

/** `incidents/<id>.yaml`. Throws `E_INC_SHAPE` or an `E_YAML_` code. */
export function readIncident(bytes: Uint8Array, path: string): IncidentFile {
  const file = readYaml(bytes, path, REQUEST_BYTES);
  const issue = (pointer: string, message: string): Issue => ({
    file: path,
    ...file.placeOf(pointer),
    path: pointer,
    code: 'E_INC_SHAPE',
    message,
  });
  const issues = shapeFaults('incident', file.data).map((fault) => issue(fault.path, fault.message));
  for (const { pointer, value } of file.texts) {
    const fault = valueFault(value, false);
    if (fault !== undefined) issues.push(issue(pointer, fault));
  }
  if (issues.length > 0) throw refusal(issues, { exit: EXIT.invalid });
  // The schema has just said so.
  const incident = file.data as IncidentFile;
  if (path.slice(path.lastIndexOf('/') + 1) !== `${incident.id}.yaml`) {
    throw refusal([issue('/id', "must be the file's name")], { exit: EXIT.invalid });
  }
  return incident;
}
