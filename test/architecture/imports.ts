/**
 * A scanner that knows just enough TypeScript to tell code from comments, strings, templates and regular expressions,
 * and to find in it what a file imports. TypeScript's own parser would do it as well, but its compiler has no interface
 * for programs at the moment.
 */

/** A piece of code; comments and white space are none. The text of a string is what stands between its quotes. */
export interface Token {
  readonly kind: 'word' | 'punctuator' | 'string' | 'template' | 'regex';
  readonly text: string;
}

/** One import, or one re-export. */
export interface Import {
  /** Undefined when the specifier of a dynamic import is computed. */
  readonly specifier: string | undefined;
  /** Whether the whole statement vanishes from the compiled file: `import type`, `export type ... from`. */
  readonly typesOnly: boolean;
  readonly reexported: boolean;
}

/** The tokens of a source text. Total: text that is no TypeScript yields some tokens or other. */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  const braces: ('block' | 'template')[] = [];
  let position = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position;
    const found = pattern.exec(source)?.[0];
    if (found) position += found.length;
    return found || undefined;
  };
  const takeTemplate = () => {
    const text = take(TEMPLATE_PIECE) ?? '';
    tokens.push({ kind: 'template', text });
    if (text.endsWith('${')) braces.push('template');
  };
  take(/#!.*/y);
  for (;;) {
    take(BLANK);
    if (position >= source.length) return tokens;
    const string = take(STRING);
    const word = string === undefined ? take(WORD) : undefined;
    const regex = string === undefined && word === undefined && mayBeRegex(tokens.at(-1)) ? take(REGEX) : undefined;
    if (string !== undefined) tokens.push({ kind: 'string', text: string.slice(1, -1) });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else if (regex !== undefined) tokens.push({ kind: 'regex', text: regex });
    else {
      const text = source.charAt(position++);
      if (text === '{') braces.push('block');
      if (text === '`' || (text === '}' && braces.pop() === 'template')) takeTemplate();
      else tokens.push({ kind: 'punctuator', text });
    }
  }
}

/** Every import of a file: static, for types, for effect, dynamic, and by `export ... from`. */
export function importsOf(tokens: readonly Token[]): Import[] {
  return tokens.flatMap((token, index) => {
    if (token.kind !== 'word' || isMember(tokens, index)) return [];
    if (token.text === 'import') return importAt(tokens, index + 1);
    if (token.text === 'export') return reexportAt(tokens, index + 1);
    return [];
  });
}

/** Whether the token is this word or punctuator. */
export function is(token: Token | undefined, text: string): boolean {
  return (token?.kind === 'word' || token?.kind === 'punctuator') && token.text === text;
}

/** Whether the token is the name of a member, behind a dot; the dots of a spread (`...name`) are none. */
export function isMember(tokens: readonly Token[], index: number): boolean {
  return is(tokens[index - 1], '.') && !is(tokens[index - 2], '.');
}

function importAt(tokens: readonly Token[], index: number): Import[] {
  const next = tokens[index];
  if (is(next, '.')) return []; // import.meta
  if (next?.kind === 'string') return [{ specifier: next.text, typesOnly: false, reexported: false }];
  if (is(next, '(')) {
    const argument = tokens[index + 1];
    const plain = argument?.kind === 'string' && (is(tokens[index + 2], ')') || is(tokens[index + 2], ','));
    return [{ specifier: plain ? argument.text : undefined, typesOnly: false, reexported: false }];
  }
  // `import type from 'x'` imports a value that is called `type`.
  const typesOnly = is(next, 'type') && !is(tokens[index + 1], ',') && tokens[index + 2]?.kind !== 'string';
  const specifier = specifierFrom(tokens, index);
  return specifier === undefined ? [] : [{ specifier, typesOnly, reexported: false }];
}

function reexportAt(tokens: readonly Token[], index: number): Import[] {
  const typesOnly = is(tokens[index], 'type');
  const opening = tokens[typesOnly ? index + 1 : index];
  if (!is(opening, '{') && !is(opening, '*')) return [];
  const specifier = specifierFrom(tokens, index);
  return specifier === undefined ? [] : [{ specifier, typesOnly, reexported: true }];
}

/** The string behind the next `from`, unless the clause ends or another begins before it. */
function specifierFrom(tokens: readonly Token[], start: number): string | undefined {
  for (let index = start; index < tokens.length; index++) {
    const token = tokens[index];
    const next = tokens[index + 1];
    if (is(token, 'from') && next?.kind === 'string') return next.text;
    if (is(token, ';') || is(token, 'import') || is(token, 'export')) return undefined;
    // `export { a }` without `from` ends at its brace, with or without a semicolon.
    if (is(token, '}') && !is(next, 'from')) return undefined;
  }
  return undefined;
}

/** A slash begins a regular expression where no value has just ended. */
function mayBeRegex(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  if (previous.kind === 'punctuator') return ![')', ']', '}'].includes(previous.text);
  return previous.kind === 'word' && WORDS_BEFORE_A_VALUE.has(previous.text);
}

const WORDS_BEFORE_A_VALUE = new Set(
  'return typeof case in of delete void throw new else do await yield instanceof default extends'.split(' '),
);
const BLANK = /(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)+/y;
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y;
const WORD = /[\p{ID_Continue}$#]+/uy;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const TEMPLATE_PIECE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y;
