/** Checks a parsed file against a schema and says what is wrong in the operator's words and at the operator's line. */
import { z } from 'zod';
import { closest, type KeyPath, toSnakeCase, writtenKey } from './key-names.ts';
import type { Problem } from './problem.ts';
import type { YamlSource } from './yaml-source.ts';

/** A checked value, or every mistake that was found. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Checks everything in the file that a schema can check. */
export function validate<Schema extends z.ZodType>(source: YamlSource, schema: Schema): Checked<z.output<Schema>> {
  const result = schema.safeParse(source.value);
  if (result.success) return { ok: true, value: result.data };
  return { ok: false, problems: result.error.issues.flatMap((issue) => problemsOf(issue, source, schema)) };
}

/** The keys that the schema knows at a path, in YAML's spelling; empty when nothing there has keys. */
export function keysAt(schema: z.core.$ZodType, path: KeyPath): string[] {
  let inner = bare(schema);
  for (const key of path) {
    const next =
      inner instanceof z.ZodObject ? inner.shape[key] : inner instanceof z.ZodArray ? inner.element : undefined;
    if (next === undefined) return [];
    inner = bare(next);
  }
  return inner instanceof z.ZodObject ? Object.keys(inner.shape).map(toSnakeCase) : [];
}

/** The schema inside defaults and options. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    inner = inner.unwrap();
  }
  return inner;
}

function problemsOf(issue: z.core.$ZodIssue, source: YamlSource, schema: z.ZodType): Problem[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
  if (issue.code !== 'unrecognized_keys') return [source.problemAt(path, describe(issue, source.valueAt(path)))];
  return issue.keys.map((key) => {
    const meant = closest(toSnakeCase(writtenKey(key)), keysAt(schema, path));
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    return source.problemAt([...path, key], `is not a known key${hint}`, 'key');
  });
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
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    default:
      return issue.message;
  }
}

function measure(origin: string): string {
  return origin === 'string' || origin === 'array' ? 'have' : 'be';
}

function unit(origin: string): string {
  if (origin === 'array') return ' entries';
  return origin === 'string' ? ' characters' : '';
}
