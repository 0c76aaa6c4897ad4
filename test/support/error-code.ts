import { PamError } from '../../src/model/error.ts';

/** The code that `act` is refused with, or `ok`. Anything thrown that is no `PamError` goes on up and fails the test. */
export function codeOf(act: () => unknown): string {
  try {
    act();
    return 'ok';
  } catch (error) {
    if (error instanceof PamError) return error.code;
    throw error;
  }
}

/** The same of something that takes its time. */
export async function codeOfLater(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return 'ok';
  } catch (error) {
    if (error instanceof PamError) return error.code;
    throw error;
  }
}
