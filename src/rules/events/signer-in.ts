/** Who signed a statement, as its text says, for a line of `git log`: a name or nothing that could forge one. */
export const signerIn = (text: string): string =>
  /^signer: ([a-z0-9-]{1,40})$/mu.exec(text)?.[1] ?? 'somebody';
