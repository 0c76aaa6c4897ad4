/**
 * A road of the documents as steps. Shell blocks say in their first line who types them and where, YAML blocks which file
 * they change and how; everything else in a block is typed as it stands.
 */
export interface Typed {
  readonly kind: 'typed';
  readonly head: string;
  readonly machine: string;
  readonly user: string;
  readonly directory: string;
  readonly text: string;
}

export interface Edited {
  readonly kind: 'edited';
  readonly head: string;
  readonly path: string;
  /** The new text of the file; `undefined` where it has no place for this change. */
  readonly change: (old: string, text: string) => string | undefined;
  readonly text: string;
}

const BLOCK = /^```(sh|yaml)\n# (.+)\n([\s\S]*?)^```$/gmu;
const TYPED =
  /^(?<who>alice|dana|anybody)(?:, on (?:her laptop|(?<host>[a-z]+)\.example\.org))?(?<more>, .*)?$/u;
const EDITED = /^(?<path>[a-z./]+), (?<how>below|in place of|at the end)(?: `(?<line>[^`]+)`)?(?:: .*)?$/u;

export function stepsOf(document: string): readonly (Typed | Edited)[] {
  return [...document.matchAll(BLOCK)].map(([, language, head = '', text = '']) =>
    language === 'sh' ? typed(head, text) : edited(head, text),
  );
}

function typed(head: string, text: string): Typed {
  const { who = '', host, more = '' } = TYPED.exec(head)?.groups ?? {};
  if (who === '') throw new Error(`who types it, and where? ${head}`);
  const person = who === 'anybody' ? 'dana' : who;
  const onHost = more.includes('as root') ? 'root' : 'pam';
  const directory = more.includes('in access') ? 'access' : more.includes('directory') ? 'pam' : '.';
  return {
    kind: 'typed',
    head,
    machine: host ?? person,
    user: host === undefined ? person : onHost,
    directory,
    text,
  };
}

function edited(head: string, text: string): Edited {
  const { path = '', how, line = '' } = EDITED.exec(head)?.groups ?? {};
  if (path === '') throw new Error(`which file, and where in it? ${head}`);
  const change = (old: string, filled: string): string | undefined => {
    if (how === 'at the end') return `${old}${filled}`;
    const lines = old.split('\n');
    const at = lines.indexOf(line);
    if (at === -1) return undefined;
    const kept = how === 'below' ? [line] : [];
    return lines.toSpliced(at, 1, ...kept, ...filled.trimEnd().split('\n')).join('\n');
  };
  return { kind: 'edited', head, path, change, text };
}
