import { freshLedger } from '../flows/gather/look-at-request.ts';
import { requestNamed } from '../flows/gather/name-request.ts';
import type { Desk } from '../flows/desk.ts';
import { isRequestId, type RequestId } from '../model/names.ts';
import { requestOrPull } from './session.ts';

/** The id of what a person named, looked up where it is not the whole id. */
export async function idOf(desk: Desk, text: string): Promise<RequestId> {
  if (isRequestId(text)) return text;
  const named = requestOrPull(text);
  return await requestNamed(desk, await freshLedger(desk), named);
}
