/** Secrets that people paste by mistake, by the shapes that their makers gave them. */
const KINDS: readonly (readonly [string, RegExp])[] = [
  ['a private key', /-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-|AGE-SECRET-KEY-1/u],
  ['a GitHub token', /\bgh[pousr]_[A-Za-z0-9]{16,}|\bgithub_pat_[A-Za-z0-9_]{16,}/u],
  ['a GitLab token', /\bglpat-[A-Za-z0-9_-]{16,}/u],
  ['an AWS access key', /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/u],
  ['a Slack token', /\bxox[a-z]-[A-Za-z0-9-]{10,}/u],
  ['a JSON web token', /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\./u],
];

/** A part of each of them: where none of these stands, there is no secret. */
const HINT = /PRIVATE KEY|PuTTY-User|AGE-SECRET|gh[pousr]_|github_pat_|glpat-|AKIA|ASIA|xox|eyJ/u;

/** The kind of secret that a text holds, in words; never the secret. */
export function findSecret(text: string): string | undefined {
  if (!HINT.test(text)) return undefined;
  return KINDS.find(([, shape]) => shape.test(text))?.[0];
}
