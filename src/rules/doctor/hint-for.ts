/** What to do about an error that came without a hint of its own: no code stands alone. */
import type { ErrorCode } from '../../model/error-codes.ts';
import type { CheckArea } from '../../model/check.ts';

const BY_CODE: Readonly<Record<string, string>> = {
  E_SIGN: 'name your signing key with --key, PAM_KEY or git config --global pam.key',
  E_PRV_TARGET_IDENTITY:
    'give this executor what belongs to the target in policy, or correct policy/targets.yaml',
  E_PRV_ENV: 'set it in the environment of this executor',
  E_PRV_KRL:
    'the file must be a key revocation list that this executor can replace: look at its path and mode',
  E_PRV_DIRECTORY:
    'the directory must exist, be written by its owner alone, and that is this executor or root',
  E_PRV_PLUGIN_PATH:
    'PAM_PLUGIN_DIR holds the plugin, and nobody but its owner can write either (chmod go-w)',
  E_GIT_NETWORK: 'try: git ls-remote <the remote>',
  E_GIT_PARTIAL: 'make a clone without --filter',
};
const EXECUTOR_KEY = 'name the key of the executor with --executor-key or PAM_EXECUTOR_KEY';
const BY_AREA: Partial<Readonly<Record<CheckArea, string>>> = {
  targets: 'mend it on this machine: until then this executor fails on this target',
  ledger: 'pam audit, in a full clone, says more',
  policy: 'pam check says more',
  forge: 'look at the settings of the forge, and at the token that is used',
};

export const hintFor = (code: ErrorCode, area: CheckArea): string =>
  (area === 'executor' && code === 'E_SIGN' ? EXECUTOR_KEY : BY_CODE[code]) ??
  BY_AREA[area] ??
  'mend it, and run pam doctor again';
