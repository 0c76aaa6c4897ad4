/**
 * The room of sources. To add one: write a folder whose main file exports a `SourceKind` (the contract is
 * `model/source.ts`), add its line below, and run the conformance suite (`test/conformance/source.ts`) against the real
 * thing. The build puts its schema into `schemas/pam.schema.json`.
 *
 * Rules of this room: looking changes nothing; an id is checked before it becomes part of a path or an address; doubt
 * is `unknown`, which grants nothing and ends nothing; secrets come from the environment by the names in config.
 */
import type { SourceKind } from '../model/source.ts';
import { file } from './file/file.ts';

export const sources: ReadonlyMap<string, SourceKind> = new Map([[file.kind, file]]);
