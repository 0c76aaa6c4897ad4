/** Exit codes of the program (DESIGN section 9). */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  partly: 3,
  invalid: 4,
  refused: 5,
  pending: 8,
  work: 10,
  integrity: 20,
  bug: 70,
  interrupted: 130,
} as const;
export type Exit = (typeof EXIT)[keyof typeof EXIT];
