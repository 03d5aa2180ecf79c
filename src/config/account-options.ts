/** Accounts with the directives of modules, wherever in the configuration an account is written down. */
import { z } from 'zod';
import { accountTemplate, userOptions } from '../auth/users.ts';
import type { Directive } from '../spi/directive.ts';
import { type DirectiveKeys, directiveKeys } from './directive-keys.ts';
import { accountSectionsWith } from './directory-options.ts';

/** An account of `users` and of the users file. */
export function userOptionsWith(directives: readonly Directive[]) {
  return userOptions.safeExtend({
    ...directiveKeys('account', directives),
    directories: accountSectionsWith(directives),
  });
}

/** What is written down, with the directives wherever there is an account in it. */
type WithAccountKeys<Written> = Written extends readonly (infer Entry)[]
  ? WithAccountKeys<Entry>[]
  : Written extends object
    ? 'overwrite' extends keyof Written
      ? Omit<Written, 'directories'> & AccountKeys
      : { [Key in keyof Written]: WithAccountKeys<Written[Key]> }
    : Written;

type AccountKeys = z.input<z.ZodObject<DirectiveKeys<'account'>>> & {
  directories?: z.input<ReturnType<typeof accountSectionsWith>>;
};

/**
 * The same schema, in which every account takes the directives too: the accounts are found by their list `directories`,
 * which all of them have in common.
 */
export function withAccountDirectives<Schema extends z.ZodPrefault>(
  schema: Schema,
  directives: readonly Directive[],
): z.ZodPrefault<z.ZodType<z.output<Schema>, WithAccountKeys<NonNullable<z.input<Schema>>>>>;
export function withAccountDirectives(schema: z.ZodType, directives: readonly Directive[]): z.ZodType {
  const sections = accountSectionsWith(directives);
  const keys = directiveKeys('account', directives);
  const grown = (inner: z.core.$ZodType): z.core.$ZodType => {
    if (inner instanceof z.ZodObject) {
      const shape = Object.fromEntries(Object.entries(inner.shape).map(([key, value]) => [key, grown(value)]));
      const isAccount = inner.shape.directories === accountTemplate.shape.directories;
      return inner.clone({ ...inner.def, shape: isAccount ? { ...shape, ...keys, directories: sections } : shape });
    }
    if (isArray(inner)) return inner.clone({ ...inner.def, element: grown(inner.element) });
    if (isUnion(inner)) return inner.clone({ ...inner.def, options: inner.options.map(grown) });
    if (isWrapped(inner)) return inner.clone({ ...inner.def, innerType: grown(inner.unwrap()) });
    return inner;
  };
  const result = grown(schema);
  return result instanceof z.ZodType ? result : schema;
}

function isArray(schema: z.core.$ZodType): schema is z.ZodArray<z.core.$ZodType> {
  return schema instanceof z.ZodArray;
}

function isUnion(schema: z.core.$ZodType): schema is z.ZodUnion<readonly z.core.$ZodType[]> {
  return schema instanceof z.ZodUnion;
}

/** The three differ in what they make of nothing; to all of them the rest is alike. */
function isWrapped(schema: z.core.$ZodType): schema is z.ZodOptional<z.core.$ZodType> {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional;
}
