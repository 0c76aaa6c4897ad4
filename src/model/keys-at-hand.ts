/** Which keys a person could sign with here, before any policy was asked which of them counts. */

/** A key that was named: a file, or the key itself, in any of the forms that git's `user.signingkey` takes. */
export interface NamedKey {
  /** As it was written. */
  readonly text: string;
  /** Where it was written: `--key`, `PAM_KEY`, `git config pam.key`, `git config user.signingkey`. */
  readonly from: string;
  /** Each `<type> <base64>` in it; `null` where that is behind a passphrase. */
  readonly lines: readonly string[] | null;
}

export type AgentAnswer =
  | { readonly state: 'none' }
  /** `why` is a sentence. */
  | { readonly state: 'silent'; readonly why: string }
  /** Each `<type> <base64>`; those that pam does not take are left out. */
  | { readonly state: 'holds'; readonly lines: readonly string[] };

export interface KeysAtHand {
  readonly named: NamedKey | null;
  /** `user.signingkey`, where it is no key of ssh (an OpenPGP key id). */
  readonly otherSigningKey: string | null;
  /** Asked only where no key is named. */
  readonly agent: AgentAnswer;
  /** The socket of an agent that stands in ssh_config alone (`IdentityAgent`), which ssh-keygen does not read. */
  readonly agentOfSsh: string | null;
}
