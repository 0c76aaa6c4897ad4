/** What config, logins and permissions of a plugin's target may be made of. */

/** No control, format, private or unassigned characters, no other line breaks, nothing at the edges. */
export const TEXT = /^(?!\s)[^\p{C}\p{Zl}\p{Zp}]{1,256}(?<!\s)$/u;
export const VARIABLE = '^[A-Z_][A-Z0-9_]{0,63}$';
