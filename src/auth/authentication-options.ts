/** The chain of authentication as it is written down: a list of entries, asked in their order. */
import { z } from 'zod';
import { anonymousEntry } from './anonymous.ts';
import { certificateEntry } from './certificate.ts';
import { httpEntry } from './http-hook.ts';
import { ldapEntry } from './ldap-options.ts';
import { unixEntry } from './unix.ts';
import { usersEntry } from './users-prover.ts';

/** One way to log in. Each type's keys stand in the file of its prover. */
export const authenticationEntry = z.discriminatedUnion('type', [
  usersEntry,
  unixEntry,
  ldapEntry,
  httpEntry,
  certificateEntry,
  anonymousEntry,
]);

/** The chain; each entry may accept, refuse, or decline and leave the login to the next one. */
export const authenticationOptions = z
  .array(authenticationEntry)
  .min(1)
  .max(16)
  .prefault([{ type: 'users' }]);

/** One entry, checked and with its defaults. */
export type AuthenticationEntry = z.output<typeof authenticationEntry>;
