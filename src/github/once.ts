/** Done once, and again only after it failed. */
export function once<A extends readonly unknown[], T>(
  work: (...args: A) => Promise<T>,
): (...args: A) => Promise<T> {
  let done: Promise<T> | undefined;
  return async (...args) => {
    const now = (done ??= work(...args));
    try {
      return await now;
    } catch (error) {
      if (done === now) done = undefined;
      throw error;
    }
  };
}
