/** Each look at a branch starts a program: a few run at a time, and answers keep their order. */
const AT_ONCE = 4;

export async function fewAtOnce<T, R>(
  items: readonly T[],
  look: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const answers: R[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    answers.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map(look))));
  }
  return answers;
}
