/**
 * Configuration directives: settings that a module declares, where they may be written, and what holds where several
 * places say something (ProFTPD's configuration directive handlers).
 */
import type { ZodType } from 'zod';
import type { VirtualPath } from '../protocol/virtual-path.ts';

/**
 * Where a directive may be written, from the outermost to the innermost: at the top of the configuration, in a host, in a
 * class, in an account, in the section of a directory, in an access file within a directory.
 */
export const CONTEXTS = ['server', 'host', 'class', 'account', 'directory', 'accessFile'] as const;

/** One of them. */
export type DirectiveContext = (typeof CONTEXTS)[number];

/** A directive as `defineDirective` makes it. */
export interface Directive<Value = unknown, Input = unknown> {
  /** In camelCase; YAML writes it in snake_case. */
  readonly name: string;
  /** What it sets, in one sentence, for the operator. */
  readonly help: string;
  readonly contexts: readonly DirectiveContext[];
  /** What may be written. Its output is what handlers get, and passes the schema again unchanged. */
  readonly schema: ZodType<Value, Input>;
  /** What holds where nobody says anything. */
  readonly initial: Value;
  /** What holds where an inner place says something as well as an outer one. Both values may be shared: make a new one. */
  merge(outer: Value, inner: Value): Value;
}

/** What the author of a directive writes; without `merge` the inner place alone decides. */
export interface DirectiveSpec<
  Value,
  Name extends string = string,
  Contexts extends readonly DirectiveContext[] = readonly DirectiveContext[],
  Input = unknown,
> {
  readonly name: Name;
  readonly help: string;
  readonly contexts: Contexts;
  readonly schema: ZodType<Value, Input>;
  readonly initial: NoInfer<Value>;
  merge?(outer: NoInfer<Value>, inner: NoInfer<Value>): NoInfer<Value>;
}

/**
 * Makes a directive. Its type knows the name and the contexts, so that the type of the options can hold it where it may
 * be written.
 *
 * @throws TypeError when its name or its contexts cannot be.
 */
export function defineDirective<
  Value,
  const Name extends string = string,
  const Contexts extends readonly DirectiveContext[] = readonly DirectiveContext[],
  Input = unknown,
>(
  spec: DirectiveSpec<Value, Name, Contexts, Input>,
): Directive<Value, Input> & { readonly name: Name; readonly contexts: Contexts } {
  const mistake = directiveMistake(spec);
  if (mistake !== undefined) throw new TypeError(mistake);
  return { merge: (_outer, inner) => inner, ...spec };
}

/** What is wrong with a directive that code without types may have made; undefined when nothing is. */
export function directiveMistake(spec: DirectiveSpec<unknown>): string | undefined {
  const { name, contexts, schema }: { name: unknown; contexts: unknown; schema: unknown } = spec;
  if (typeof name !== 'string' || !/^[a-z][A-Za-z0-9]{1,63}$/.test(name)) {
    return `directive ${String(name)}: the name must be camelCase letters and digits`;
  }
  // What every object has by birth can be no key of a configuration.
  if (name in {}) return `directive ${name}: every object has something of that name; choose another`;
  if (!Array.isArray(contexts) || contexts.length === 0) return `directive ${name}: it may be written nowhere`;
  const unknown = contexts.find((context) => !CONTEXTS.includes(context));
  if (unknown !== undefined) return `directive ${name}: there is no context ${String(unknown)}`;
  const parses = typeof schema === 'object' && schema !== null && 'safeParse' in schema;
  return parses ? undefined : `directive ${name}: its schema is no zod schema`;
}

/** What one section of a directory says, by the names of directives. */
export interface DirectorySection {
  readonly path: VirtualPath;
  /** Whether it holds in everything below as well. */
  readonly recursive: boolean;
  readonly settings: Readonly<Record<string, unknown>>;
}
