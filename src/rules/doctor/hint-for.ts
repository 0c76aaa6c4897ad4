/** What to do about an error that came without a hint of its own: no code stands alone. */
import type { ErrorCode } from '../../model/error-codes.ts';
import { ERROR_HINTS } from '../../model/error-hints.ts';
import type { CheckArea } from '../../model/check.ts';

const EXECUTOR_KEY = 'name the key of the executor with --executor-key or PAM_EXECUTOR_KEY';

export const hintFor = (code: ErrorCode, area: CheckArea): string =>
  area === 'executor' && code === 'E_SIGN' ? EXECUTOR_KEY : ERROR_HINTS[code];
