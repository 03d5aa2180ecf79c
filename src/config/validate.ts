/** Checks a parsed file against a schema and says what is wrong in the operator's words and at the operator's line. */
import { z } from 'zod';
import type { Directive } from '../spi/directive.ts';
import { BUILT_IN_DIRECTIVES } from './built-in-directives.ts';
import { contextNames } from './directive-keys.ts';
import { closest, type KeyPath, toSnakeCase, writtenKey } from './key-names.ts';
import type { Problem } from './problem.ts';
import type { YamlSource } from './yaml-source.ts';

/** A checked value, or every mistake that was found. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What is known besides the schema. */
export interface Validation {
  /** The directives that there are; one of them in the wrong place is told where it may be. */
  readonly directives?: readonly Directive[];
  /** Whether keys that the schema does not know are mistakes; not while it is unclear which there are. */
  readonly unknownKeys?: 'refused' | 'ignored';
}

/** Checks everything in the file that a schema can check. */
export function validate<Schema extends z.ZodType>(
  source: YamlSource,
  schema: Schema,
  { directives = BUILT_IN_DIRECTIVES, unknownKeys = 'refused' }: Validation = {},
): Checked<z.output<Schema>> {
  const result = schema.safeParse(source.value);
  if (result.success) return { ok: true, value: result.data };
  const issues = result.error.issues.filter(({ code }) => unknownKeys === 'refused' || code !== 'unrecognized_keys');
  return { ok: false, problems: issues.flatMap((issue) => problemsOf(issue, source, { schema, directives })) };
}

/** What to say of a key that no schema at its place has. */
function unknownKey(key: string, known: readonly string[], directives: readonly Directive[]): string {
  const directive = directives.find(({ name }) => name === key);
  if (directive !== undefined) return `may be written in ${contextNames(directive)}; not here`;
  // Where entries have types, a key may be right in another one. In the program's spelling it is right in none.
  if (known.includes(toSnakeCase(key))) return 'does not belong to an entry of this type';
  const meant = closest(toSnakeCase(writtenKey(key)), known);
  return meant === undefined ? 'is not a known key' : `is not a known key; did you mean ${meant}?`;
}

/** The keys that the schema knows at a path, in YAML's spelling; empty when nothing there has keys. */
export function keysAt(schema: z.core.$ZodType, path: KeyPath): string[] {
  const inner = bare(schema);
  if (inner instanceof z.ZodUnion) {
    return [...new Set(inner.options.flatMap((option: z.core.$ZodType) => keysAt(option, path)))];
  }
  const [key, ...rest] = path;
  if (key === undefined) return inner instanceof z.ZodObject ? Object.keys(inner.shape).map(toSnakeCase) : [];
  const next =
    inner instanceof z.ZodObject ? inner.shape[key] : inner instanceof z.ZodArray ? inner.element : undefined;
  return next === undefined ? [] : keysAt(next, rest);
}

/** The schema inside defaults and options. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    inner = inner.unwrap();
  }
  return inner;
}

function problemsOf(
  issue: z.core.$ZodIssue,
  source: YamlSource,
  { schema, directives }: { readonly schema: z.ZodType; readonly directives: readonly Directive[] },
): Problem[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
  if (issue.code !== 'unrecognized_keys') return [source.problemAt(path, describe(issue, source.valueAt(path)))];
  const known = keysAt(schema, path);
  return issue.keys.map((key) => source.problemAt([...path, key], unknownKey(key, known, directives), 'key'));
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  // No option is a fraction.
  number: 'a whole number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section with keys',
};

/** What is wrong, without repeating the value: it may be a secret in the wrong place. */
function describe(issue: z.core.$ZodIssue, written: unknown): string {
  if (written === undefined && issue.code !== 'custom') return 'is missing';
  switch (issue.code) {
    case 'invalid_type': {
      const quotes = issue.expected === 'string' && typeof written !== 'object' ? '; put it in quotes' : '';
      return `must be ${EXPECTED[issue.expected] ?? issue.expected}${quotes}`;
    }
    case 'too_small':
      return `must ${measure(issue.origin)} at least ${issue.minimum}${unit(issue.origin)}`;
    case 'too_big':
      return `must ${measure(issue.origin)} at most ${issue.maximum}${unit(issue.origin)}`;
    case 'invalid_union':
      return describeUnion(issue, written);
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    default:
      return issue.message;
  }
}

/** What may stand where one of several things may; a schema that says so itself is left its own words. */
function describeUnion(issue: z.core.$ZodIssueInvalidUnion, written: unknown): string {
  if ('options' in issue && Array.isArray(issue.options))
    return `must be one of ${issue.options.map(String).join(', ')}`;
  const kinds = issue.errors.flatMap(([first]) => (first === undefined ? [] : [describe(first, written)]));
  const plain = issue.message === 'Invalid input' && kinds.every((kind) => kind.startsWith('must be '));
  return plain ? `must be ${kinds.map((kind) => kind.slice('must be '.length)).join(', or ')}` : issue.message;
}

function measure(origin: string): string {
  return origin === 'string' || origin === 'array' ? 'have' : 'be';
}

function unit(origin: string): string {
  if (origin === 'array') return ' entries';
  return origin === 'string' ? ' characters' : '';
}
