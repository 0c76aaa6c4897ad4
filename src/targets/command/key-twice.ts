/** `JSON.parse` takes the last of two fields of one name and other readers take the first: neither is what was meant. */
const TOKEN = /"(?:[^"\\]+|\\.)*"|[{}[\],:]/gsu;

/** The first key that stands twice in one object of this JSON text, which must be one that `JSON.parse` takes. */
export function keyTwice(json: string): string | undefined {
  // One for each bracket that is open; an array has no keys of its own.
  const open: Set<string>[] = [];
  let text = '';
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      // Two spellings of one key are one key: "a" and "\u0061".
      const key = String(JSON.parse(text));
      const keys = open.at(-1);
      if (keys?.has(key) === true) return key;
      keys?.add(key);
    } else text = token;
  }
  return undefined;
}
