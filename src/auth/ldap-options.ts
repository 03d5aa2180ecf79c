/** What the operator says of a directory: where it is, how users are found and proved in it, what it knows of them. */
import { z } from 'zod';
import { isLoopback } from '../lib/hook-url.ts';
import { accountKeys, entryKeys, totpKeys } from './entry-options.ts';

const path = z.string().min(1).max(4_096);
const text = z.string().min(1).max(1_024);
/** Written `cn` or `memberOf`; `dn` is no attribute, and options as in `cn;lang-de` have no use here. */
const attribute = z
  .string()
  .regex(/^(?!dn$)[A-Za-z][A-Za-z0-9-]{0,63}$/i, { error: 'must be the name of an attribute, such as uid' });

/** A filter with a placeholder for the value that is looked for. */
function filter(placeholder: string) {
  return text.refine((written) => written.startsWith('(') && written.endsWith(')') && written.includes(placeholder), {
    error: `must be a filter in brackets that holds ${placeholder}, such as (uid={user})`,
  });
}

const url = z.string().refine((written) => directoryUrl(written) !== undefined, {
  error: 'must be ldaps://host or ldap://host, perhaps with a port, and nothing more',
});

/** The parts of a directory's URL. */
export interface DirectoryUrl {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  readonly loopback: boolean;
}

/** Reads a directory's URL; undefined when it is none, or names more than a host and a port. */
export function directoryUrl(written: string): DirectoryUrl | undefined {
  if (!/^ldaps?:\/\/[^/?#@\s]+\/?$/i.test(written) || !URL.canParse(written)) return undefined;
  const secure = /^ldaps:/i.test(written);
  // The rules for hosts and ports of https are stricter than those that URL has for schemes it does not know.
  const parsed = new URL(written.replace(/^ldaps?/i, 'https'));
  const port = /:(\d+)\/?$/.exec(written)?.[1];
  return {
    secure,
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: port === undefined ? (secure ? 636 : 389) : Number(port),
    loopback: isLoopback(parsed),
  };
}

/** How the entry of a user is found. */
const searchOptions = z
  .strictObject({
    /** Where in the tree. */
    base: text,
    /** What the entry must match; `{user}` is the name that the client gave, escaped. Exactly one entry must. */
    filter: filter('{user}'),
    /** Who searches; without it, whoever `bindDn` has bound, else nobody in particular. */
    bindDn: text.regex(/[=@\\]/, { error: 'must be a distinguished name' }).optional(),
    /** File with the password of that account, mode 0600. */
    passwordFile: path.optional(),
  })
  .refine(({ bindDn, passwordFile }) => (bindDn === undefined) === (passwordFile === undefined), {
    error: 'needs both bind_dn and password_file, or neither',
    path: ['passwordFile'],
  });

/** How the groups of a user are found: by an attribute of its own entry, or by a search for entries that name it. */
const groupOptions = z
  .strictObject({
    /** An attribute that lists the groups' distinguished names, such as `memberOf`. */
    attribute: attribute.optional(),
    /** Where in the tree groups are searched. */
    base: text.optional(),
    /** What a group must match; `{dn}` is the user's entry, `{user}` its name, escaped. */
    filter: text
      .refine((written) => /^\(.*\{(?:dn|user)\}.*\)$/.test(written), {
        error: 'must be a filter in brackets that holds {dn} or {user}, such as (member={dn})',
      })
      .optional(),
    /** The attribute that is the group's name. */
    name: attribute.default('cn'),
  })
  .superRefine(({ attribute: own, base, filter: searched }, context) => {
    const asked = [own !== undefined, base !== undefined || searched !== undefined];
    if (asked.filter(Boolean).length !== 1 || (base === undefined) !== (searched === undefined)) {
      context.addIssue({ code: 'custom', message: 'needs either attribute, or base and filter' });
    }
  });

/** A directory server: LDAP, Active Directory. */
export const ldapEntry = z
  .strictObject({
    type: z.literal('ldap'),
    ...entryKeys,
    ...totpKeys,
    ...accountKeys,
    /** Servers of one directory, asked in this order until one answers. */
    url: z.union([url.transform((one) => [one]), z.array(url).min(1).max(8)], {
      error: 'must be ldaps://host or a list of such',
    }),
    /** Whether `ldap://` goes over to TLS before anything is said. */
    startTls: z.boolean().default(false),
    /** PEM file: the authorities that may have issued the server's certificate; without it, the public ones. */
    caFile: path.optional(),
    /** Lets passwords cross the network readable by everybody on it: `ldap://` without TLS to another machine. */
    passwordsInClear: z.boolean().default(false),
    /** Whom a login binds as: `uid={user},ou=people,dc=example`, or `{user}@corp.example` with Active Directory. */
    bindDn: text
      .refine((name) => /\{user\}/.test(name) && /[=@\\]/.test(name), {
        error: 'must hold {user}, such as uid={user},ou=people,dc=example or {user}@corp.example',
      })
      .optional(),
    search: searchOptions.optional(),
    groups: groupOptions.optional(),
    /**
     * The attribute whose one value must be exactly what the client sent; a search needs it unless `totp` is off. Without it no name with capitals is known:
     * directories do not tell them apart, and what the rules say of `alice` must hold for `ALICE`.
     */
    name: attribute.optional(),
    /** The attribute that holds the user's home, an absolute path on this machine. */
    home: attribute.optional(),
    /** How long one server may take for all of it, before the next one is asked. */
    serverTimeoutMs: z.int().min(100).max(60_000).default(5_000),
  })
  .superRefine((options, context) => {
    const issue = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message });
    const { bindDn, search, groups, name, home, startTls, passwordsInClear } = options;
    for (const written of options.url) {
      const parsed = directoryUrl(written);
      if (parsed === undefined || parsed.secure) continue;
      if (!startTls && !passwordsInClear && !parsed.loopback) {
        issue('url', 'would send passwords in clear: use ldaps://, or start_tls: true');
      }
    }
    if (options.url.some((written) => directoryUrl(written)?.secure) && startTls) {
      issue('startTls', 'is for ldap:// only; ldaps:// begins with TLS');
    }
    const hasSecrets = options.totpSecretsFile !== undefined || options.account === 'users';
    if (search !== undefined && name === undefined && options.totp !== 'off' && hasSecrets) {
      issue(
        'name',
        'is missing: an entry that has several names must not get around its code by another of them; or totp: off',
      );
    }
    if (bindDn === undefined && search === undefined) issue('bindDn', 'is missing; or give search');
    const entryKnown = search !== undefined || bindDn?.includes('=') === true;
    if (!entryKnown && (groups !== undefined || name !== undefined || home !== undefined)) {
      issue('search', 'is missing: without it the entry of such a user is not known');
    }
    if (bindDn !== undefined && search?.bindDn !== undefined) {
      issue('search', 'needs no bind_dn of its own beside that of the login');
    }
  });

/** A directory, checked and with its defaults. */
export type LdapEntry = z.output<typeof ldapEntry>;

/** What is needed to talk to it. */
export type LdapOptions = Omit<
  LdapEntry,
  'type' | keyof typeof entryKeys | keyof typeof totpKeys | keyof typeof accountKeys
>;
