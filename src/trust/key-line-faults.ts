/**
 * What people write where a key line belongs, told in words. Nothing of what was written is repeated: it may be half of
 * a private key.
 */

const TYPE =
  /(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp\d+|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)/u;
const STARTS_WITH_TYPE = new RegExp(`^${TYPE.source}(?:[ \\t]|$)`, 'u');
const TYPE_LATER = new RegExp(`[ \\t]${TYPE.source}[ \\t]`, 'u');

/** In this order: the first that fits says what it is. */
const FAULTS: readonly (readonly [RegExp, string])[] = [
  [/^\s*$/u, 'there is no key'],
  [/PRIVATE KEY/u, 'this is a private key, which belongs to its owner alone'],
  [/^-----? ?BEGIN/u, 'this is a key in another form than OpenSSH writes (`ssh-keygen -i` converts it)'],
  [/^[^\r\n]*\r?\n[^]*\S/u, 'this is more than one line'],
  [/\p{Cc}(?!$)/u, 'this holds a control character'],
  [/^(?:\d+ )?(?:SHA256|MD5):/u, 'this is the fingerprint of a key, not the key'],
  [/^(?:[~./]|[A-Za-z]:\\)|\.pub$/u, 'this is the path of a file, not what stands in it'],
  [/^[ \t]/u, 'there are blanks before the key'],
  [/^AAAA[A-Za-z0-9+/]/u, 'the type of the key is missing before it'],
  [STARTS_WITH_TYPE, 'the part after the type of the key is cut or damaged'],
  [TYPE_LATER, 'something stands before the type of the key (options of authorized_keys, or a name)'],
];

/** Why this is no `<type> <base64> [comment]`, as a sentence. */
export function whyNoKeyLine(text: string): string {
  const [, what] = FAULTS.find(([fault]) => fault.test(text)) ?? [
    undefined,
    'this is no ssh public key line',
  ];
  return `${what}; the one line of the .pub file belongs here: <type> <base64>`;
}
