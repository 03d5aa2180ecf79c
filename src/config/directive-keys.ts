/**
 * Directives as keys of the configuration: in every place where a directive may be written, it is a key like any other,
 * and nowhere else.
 */
import { z } from 'zod';
import { allowOverride } from '../access/allow-override.ts';
import type { Directive, DirectiveContext } from '../spi/directive.ts';
import { directiveMistake } from '../spi/directive.ts';
import type { Module } from '../spi/module.ts';
import { BUILT_IN_DIRECTIVES } from './built-in-directives.ts';
import { closest, toSnakeCase } from './key-names.ts';

type BuiltIn = (typeof BUILT_IN_DIRECTIVES)[number];

/** The keys of the built-in directives that may be written in a context. */
export type DirectiveKeys<Context extends DirectiveContext> = {
  [D in BuiltIn as Context extends D['contexts'][number] ? D['name'] : never]: z.ZodOptional<D['schema']>;
};

/** The keys that a place has besides those of directives, for telling that a directive takes one of them. */
export type CoreKeys = Readonly<Record<DirectiveContext, readonly string[]>>;

/** The keys of all `directives` that may be written in a context; the type knows those of the built-in ones. */
export function directiveKeys<Context extends DirectiveContext>(
  context: Context,
  directives: readonly Directive[],
): DirectiveKeys<Context>;
export function directiveKeys(context: DirectiveContext, directives: readonly Directive[]): Record<string, z.ZodType> {
  const here = directives.filter(({ contexts }) => contexts.includes(context));
  return Object.fromEntries(here.map((directive) => [directive.name, schemaOf(directive, directives).optional()]));
}

/**
 * The directives of the built-in modules and of these, each once.
 *
 * @throws TypeError when one cannot be, or has the name of a key that is there already or of another directive.
 */
export function directivesOf(modules: readonly Module[], coreKeys: CoreKeys): readonly Directive[] {
  const owners = new Map<string, { readonly directive: Directive; readonly owner: string }>(
    BUILT_IN_DIRECTIVES.map((directive) => [directive.name, { directive, owner: 'Sallyport' }]),
  );
  for (const { name: owner, directives = [] } of modules) {
    for (const directive of directives) {
      const mistake = directiveMistake(directive);
      if (mistake !== undefined) throw new TypeError(`module ${owner}: ${mistake}`);
      if (typeof directive.merge !== 'function') {
        throw new TypeError(`module ${owner}: directive ${directive.name}: make it with defineDirective`);
      }
      const taken = owners.get(directive.name);
      if (taken?.directive === directive) continue;
      const core = directive.contexts.some((context) => coreKeys[context].includes(directive.name));
      if (core || taken !== undefined) {
        const by = core ? 'is a key of the configuration already' : `is a directive of ${taken?.owner} already`;
        throw new TypeError(`module ${owner}: ${toSnakeCase(directive.name)} ${by}`);
      }
      owners.set(directive.name, { directive, owner: `module ${owner}` });
    }
  }
  return [...owners.values()].map(({ directive }) => directive);
}

/** Where a directive may be written, in the operator's words. */
export function contextNames({ contexts }: Directive): string {
  return contexts.map((context) => (context === 'accessFile' ? 'access file' : context)).join(', ');
}

/**
 * The schema of somebody else's directive, which may throw, or give what it does not take: a value that was checked is
 * checked again where it is used.
 */
function guarded({ name, schema }: Directive): z.ZodType {
  return z.unknown().transform((written, context) => {
    const refuse = (message: string) => {
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    };
    try {
      const read = schema.safeParse(written);
      if (!read.success) {
        for (const issue of read.error.issues) context.addIssue({ ...issue });
        return z.NEVER;
      }
      const again = schema.safeParse(read.data);
      if (again.success && JSON.stringify(again.data) === JSON.stringify(read.data)) return read.data;
      return refuse(`cannot be used: the schema of the directive ${name} does not take what it gives`);
    } catch (error) {
      return refuse(`cannot be checked: the schema of the directive ${name} failed: ${String(error)}`);
    }
  });
}

/** The names in `allow_override` are those of directives that access files can hold: a misspelt one would permit nothing. */
function schemaOf(directive: Directive, directives: readonly Directive[]): z.ZodType {
  if (directive.name !== allowOverride.name) {
    return BUILT_IN_DIRECTIVES.some((one) => one === directive) ? directive.schema : guarded(directive);
  }
  const names = directives.filter(({ contexts }) => contexts.includes('accessFile')).map(({ name }) => name);
  return allowOverride.schema.superRefine((permitted, context) => {
    if (permitted === 'all') return;
    permitted.forEach((name, index) => {
      if (names.includes(name)) return;
      const meant = closest(toSnakeCase(name), names.map(toSnakeCase));
      const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
      const message = `is no directive that access files can hold${hint}`;
      context.addIssue({ code: 'custom', path: [index], message });
    });
  });
}
