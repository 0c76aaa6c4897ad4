import { freshLedger } from '../flows/gather/look-at-request.ts';
import { isPullRequest, requestNamed } from '../flows/gather/name-request.ts';
import type { Desk } from '../flows/desk.ts';
import type { RequestId } from '../model/names.ts';
import { requestId } from './session.ts';

/** The id of what a person named, looked up at the forge where it is a pull request. */
export const idOf = async (desk: Desk, text: string): Promise<RequestId> =>
  isPullRequest(text) ? await requestNamed(desk, (await freshLedger(desk)).view, text) : requestId(text);
