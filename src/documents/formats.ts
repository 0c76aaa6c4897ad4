/** The formats that a schema may name; an unknown one is refused when the validators are made. */
import { parseDuration, parseInstant } from '../model/instant.ts';

export const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (text) => parseInstant(text) !== undefined,
  'pam-duration': (text) => parseDuration(text) !== undefined,
};
