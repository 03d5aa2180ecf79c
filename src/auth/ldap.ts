/**
 * Directories as a way to prove who you are: OpenLDAP, Active Directory and others that speak LDAP. Whatever goes wrong on
 * the way refuses the login.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { deadline } from '../lib/deadline.ts';
import { Secret } from '../lib/secret.ts';
import { readSecret } from '../lib/secret-file.ts';
import type { Identity, Proof, Prover } from '../spi/authenticator.ts';
import type { Log } from '../spi/log.ts';
import { type Directory, type Entry, openDirectory } from './ldap-directory.ts';
import type { LdapOptions } from './ldap-options.ts';
import { dnValue, filledIn, filterValue, firstRdn } from './ldap-text.ts';
import { userName } from './users.ts';

/** What a directory is asked with. */
export interface LdapParts {
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Proves users by binding as them. A name that is not one the gateway could ever know is declined unasked, so that no
 * second spelling of it reaches the directory, which tells letters less well apart.
 *
 * With `search`, an unknown user is declined, after a bind of nobody that costs what a wrong password costs. With
 * `bindDn` the directory does not say which of the two it was, and both are refused.
 */
export function ldapProver(options: LdapOptions, { clock, log }: LdapParts): Prover {
  return {
    name: 'ldap',
    async prove({ user, password }, signal) {
      if (password === undefined || !isKnowable(options, user)) return { verdict: 'declined' };
      if (password.reveal() === '') return { verdict: 'refused', reason: 'empty password' };
      const prove = (directory: Directory) => proveIn(directory, options, { user, password }).catch(refusal);
      return (await atFirst(options, prove, { clock, log, signal })) ?? NOT_REACHED;
    },
  };
}

/**
 * Whether the name could be one of an account: letters that need no care anywhere, and in one spelling only. Whoever
 * may log in as `ALICE` would get around what the rules and the lists of names say of `alice`.
 */
function isKnowable(options: LdapOptions, user: string): boolean {
  return userName.safeParse(user).success && (options.name !== undefined || user === user.toLowerCase());
}

/** What the directory says of a user is of no use: no other server of it would say anything else. */
class Unusable extends Error {
  override readonly name = 'Unusable';
}

function refusal(error: unknown): Proof {
  if (error instanceof Unusable) return { verdict: 'refused', reason: error.message };
  throw error;
}

const NOT_REACHED: Proof = { verdict: 'refused', reason: 'no directory server answered' };

/** What the first server that can be talked to answers; undefined when none can. */
async function atFirst<T>(
  options: LdapOptions,
  ask: (directory: Directory) => Promise<T>,
  { clock, log, signal }: LdapParts & { readonly signal: AbortSignal },
): Promise<T | undefined> {
  for (const url of options.url) {
    using bounded = deadline(clock, options.serverTimeoutMs, signal);
    try {
      using directory = await openDirectory(url, options, bounded.signal);
      return await ask(directory);
    } catch (error) {
      signal.throwIfAborted();
      // What a signal ended shows itself as a lost connection; the time is what the operator should read of.
      log.error('ldap.failed', { url, error: bounded.signal.aborted ? bounded.signal.reason : error });
    }
  }
  return undefined;
}

/** Someone who says who they are. */
interface Claim {
  readonly user: string;
  readonly password: Secret;
}

async function proveIn(directory: Directory, options: LdapOptions, { user, password }: Claim): Promise<Proof> {
  const { bindDn, search } = options;
  if (bindDn !== undefined) {
    const isDn = bindDn.includes('=');
    const name = filledIn(bindDn, { user }, isDn ? dnValue : (value) => value);
    if (!(await directory.bind(name, password))) return { verdict: 'refused', reason: 'wrong name or password' };
    const asks = options.groups !== undefined || attributesOf(options).length > 0;
    const read = async () => (isDn && asks ? await directory.read(name, attributesOf(options)) : undefined);
    const entry = search ? await find(directory, options, user) : await read();
    if (entry === undefined && (asks || search)) throw new Unusable(`${name} may not read its own entry`);
    return await proven(directory, options, { user, entry });
  }
  await bindSearcher(directory, options);
  const entry = await find(directory, options, user);
  if (entry === undefined) {
    // Not with the password that was given: it may be that of an account elsewhere.
    const nobody = `cn=${randomBytes(8).toString('hex')},${search?.base}`;
    await directory.bind(nobody, new Secret(randomBytes(16).toString('hex')));
    return { verdict: 'declined' };
  }
  if (!(await directory.bind(entry.dn, password))) return { verdict: 'refused', reason: 'wrong password' };
  if (options.groups?.filter !== undefined) await bindSearcher(directory, options);
  return await proven(directory, options, { user, entry });
}

async function bindSearcher(directory: Directory, { search }: LdapOptions): Promise<void> {
  if (search?.bindDn === undefined || search.passwordFile === undefined) return;
  const bound = await directory.bind(search.bindDn, await readSecret(search.passwordFile));
  if (!bound) throw new Error(`the directory refuses the password of ${search.bindDn}`);
}

/** The one entry of a user. @throws Unusable when there are several: nobody could say who has logged in. */
async function find(directory: Directory, options: LdapOptions, user: string): Promise<Entry | undefined> {
  const { base = '', filter = '' } = options.search ?? {};
  const written = filledIn(filter, { user }, filterValue);
  const entries = await directory.search({ base, filter: written, attributes: attributesOf(options), want: 'one' });
  if (entries.length > 1) throw new Unusable(`several entries match ${written}`);
  return entries[0];
}

/** The attributes of the user's own entry that the options name. */
function attributesOf({ name, home, groups }: LdapOptions): string[] {
  return [name, home, groups?.attribute].filter((attribute) => attribute !== undefined);
}

/** A user as it was found. */
interface Found {
  readonly user: string;
  readonly entry: Entry | undefined;
}

async function proven(directory: Directory, options: LdapOptions, found: Found): Promise<Proof> {
  return { verdict: 'accepted', identity: await identityOf(directory, options, found) };
}

/** @throws Unusable when the directory says something of the user that the gateway cannot take. */
async function identityOf(directory: Directory, options: LdapOptions, { user, entry }: Found): Promise<Identity> {
  if (options.name !== undefined && only(entry, options.name) !== user) {
    throw new Unusable(`${user} is not how ${entry?.dn} is written in ${options.name}`);
  }
  const home = options.home === undefined ? undefined : only(entry, options.home);
  if (home !== undefined && !/^\/[^\p{Cc}]{0,4095}$/u.test(home)) {
    throw new Unusable(`${options.home} of ${entry?.dn} is not an absolute path`);
  }
  const groups = await groupsOf(directory, options, { user, entry });
  return { user, groups, ...(home !== undefined && { home }) };
}

async function groupsOf(directory: Directory, { groups }: LdapOptions, { user, entry }: Found): Promise<string[]> {
  if (groups === undefined || entry === undefined) return [];
  if (groups.attribute !== undefined) return ownGroups(entry, groups.attribute, groups.name);
  const filter = filledIn(groups.filter ?? '', { user, dn: entry.dn }, filterValue);
  const search = { base: groups.base ?? '', filter, attributes: [groups.name], want: 'all' } as const;
  const found = await directory.search(search);
  return found.map((group) => groupName(only(group, groups.name), group.dn));
}

/** The groups that the user's entry lists by their distinguished names. */
function ownGroups(entry: Entry, attribute: string, nameAttribute: string): string[] {
  // Active Directory hands out a long list in parts; half of one could lack the very group that a rule shuts out.
  const inParts = [...entry.values.keys()].some((key) => key.startsWith(`${attribute.toLowerCase()};range=`));
  if (inParts) throw new Unusable(`${attribute} of ${entry.dn} is longer than the server gives at once`);
  return (entry.values.get(attribute.toLowerCase()) ?? []).map((dn) => {
    const { type, value } = firstRdn(dn) ?? {};
    return groupName(type?.toLowerCase() === nameAttribute.toLowerCase() ? value : undefined, dn);
  });
}

/** A group that cannot be named could be the very one that a rule shuts out. */
function groupName(name: string | undefined, dn: string): string {
  if (name === undefined || !/^[^\p{Cc}]{1,256}$/u.test(name)) throw new Unusable(`the group ${dn} has no name of use`);
  return name;
}

/** The one value of an attribute; undefined when there is none. @throws Unusable when there are several. */
function only(entry: Entry | undefined, attribute: string): string | undefined {
  const values = entry?.values.get(attribute.toLowerCase()) ?? [];
  if (values.length > 1) throw new Unusable(`${entry?.dn} has several values of ${attribute}`);
  return values[0];
}
