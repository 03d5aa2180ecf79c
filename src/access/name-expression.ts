/**
 * Name expressions: lists of names, each perhaps with `!` in front, that hold when all of them do (AND) or when one does
 * (OR), as in ProFTPD. Rules name users, groups and classes with them.
 */
import { z } from 'zod';

/**
 * A list of terms: a name, or `!` and a name. `any` is an OR list, `all` an AND list; none is empty.
 *
 * In an OR list `!carol` is true for everybody but carol, and so is the whole list: `bob,!carol` holds for alice.
 */
export type NameExpression =
  | { readonly any: readonly string[]; readonly all?: undefined }
  | { readonly all: readonly string[]; readonly any?: undefined };

/** How a list is read that does not say whether it is an OR or an AND list. */
export type ShortForm = 'any' | 'all';

/** Terms in one list. Bounds the work of a rule. */
const TERMS_MAX = 1_000;
/** Characters of a name; groups of directory services have long ones. */
const NAME_CHARACTERS_MAX = 256;

/**
 * Whether the expression holds.
 *
 * @param has whether a name, without its `!`, is one of the subject's own: its user's, one of its groups, one of its classes
 */
export function matches(expression: NameExpression, has: (name: string) => boolean): boolean {
  const holds = (term: string) => (term.startsWith('!') ? !has(term.slice(1)) : has(term));
  return expression.any === undefined ? expression.all.every(holds) : expression.any.some(holds);
}

/** The names that an expression speaks of, without their `!`. */
export function namesIn(expression: NameExpression): readonly string[] {
  return termsOf(expression).map((term) => term.replace(/^!/, ''));
}

/** The expression as operators read it: `alice OR NOT bob`. */
export function formatExpression(expression: NameExpression): string {
  const between = expression.any === undefined ? ' AND ' : ' OR ';
  return termsOf(expression)
    .map((term) => term.replace(/^!/, 'NOT '))
    .join(between);
}

/**
 * The terms of an OR list that are probably not meant: those with `!`, unless there is but one term, when OR and AND say
 * the same.
 */
export function negatedInOrList({ any = [] }: NameExpression): readonly string[] {
  return any.length < 2 ? [] : any.filter((term) => term.startsWith('!'));
}

/**
 * The schema of an expression: `alice,!bob` or a list, which `short` says how to read; or `{ any: [...] }`, or
 * `{ all: [...] }`. Its output is one of the last two.
 */
export function nameExpression(short: ShortForm) {
  return z
    .union([z.string().max(65_536), z.array(z.unknown()), z.record(z.string(), z.unknown())], {
      error: 'must be names such as alice,bob, a list of them, or { any: [...] } or { all: [...] }',
    })
    .transform((written, context): NameExpression => {
      const read = readExpression(written, short);
      if (typeof read !== 'string') return read;
      context.addIssue({ code: 'custom', message: read });
      return z.NEVER;
    });
}

/** The expression, or what is wrong with it. */
function readExpression(written: unknown, short: ShortForm): NameExpression | string {
  if (typeof written === 'string') return withTerms(written.split(','), short);
  if (Array.isArray(written)) return withTerms(written, short);
  if (typeof written !== 'object' || written === null) return 'must be names';
  const keys = Object.keys(written).filter((key) => Reflect.get(written, key) !== undefined);
  const [mode] = keys;
  if (keys.length !== 1 || (mode !== 'any' && mode !== 'all')) return 'must have either any or all, and nothing else';
  const list: unknown = Reflect.get(written, mode);
  return Array.isArray(list) ? withTerms(list, mode) : `must have a list behind ${mode}`;
}

function withTerms(list: readonly unknown[], mode: ShortForm): NameExpression | string {
  if (list.length > TERMS_MAX) return `must have at most ${TERMS_MAX} names`;
  const terms: string[] = [];
  for (const item of list) {
    const term = typeof item === 'string' ? item.trim() : undefined;
    const mistake = term === undefined ? 'holds what is no text; put it in quotes' : mistakeIn(term);
    if (term === undefined || mistake !== undefined) return mistake ?? 'holds what is no text';
    terms.push(term);
  }
  if (terms.length === 0) return 'must have at least one name';
  return mode === 'any' ? { any: terms } : { all: terms };
}

function mistakeIn(term: string): string | undefined {
  const name = term.startsWith('!') ? term.slice(1) : term;
  if (name === '') return 'holds an empty name';
  if (name.startsWith('!')) return 'holds a name with more than one !';
  if (name !== name.trim()) return 'holds a space behind !';
  if (name.length > NAME_CHARACTERS_MAX) return `holds a name of more than ${NAME_CHARACTERS_MAX} characters`;
  return /[\p{Cc}\p{Zl}\p{Zp}]/u.test(name) ? 'holds a name with a control character' : undefined;
}

function termsOf(expression: NameExpression): readonly string[] {
  return expression.any ?? expression.all;
}
