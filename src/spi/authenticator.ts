/** The contract of authentication: who someone is, and what account that makes them. */

import type { Secret } from '../lib/secret.ts';
import type { Charset } from './charset.ts';
import type { ExistingFile, FileSystem } from './file-system.ts';
import type { Permitted } from './permissions.ts';

/** Whether something must happen, is done when it can be, or is not looked at. */
export type Requirement = 'required' | 'preferred' | 'off';

/** Someone who has proved who they are, with everything the gateway needs to know of them. */
export interface Account extends Permitted {
  readonly name: string;
  /** Where the account's files live; permissions are enforced in front of it, not by it. */
  readonly files: FileSystem;
  /** Whether an upload or rename may take the place of a file that exists. */
  readonly existing: ExistingFile;
  /** What becomes of an upload that did not arrive whole. */
  readonly onIncomplete: 'keep' | 'remove';
  /** Per-account override of the gateway's policy; undefined takes the gateway's. */
  readonly sessionReuse?: Requirement;
  /** Per-account override of the gateway's policy; undefined takes the gateway's. */
  readonly closeNotify?: Requirement;
  /** Largest upload in bytes; undefined takes the gateway's limit. */
  readonly uploadBytesMax?: number;
  /** How the client writes names; undefined is UTF-8. */
  readonly charset?: Charset;
}

/** What a client offers as proof. */
export interface Credentials {
  readonly user: string;
  readonly password: Secret;
  /** The client's IP address. */
  readonly address: string;
}

/** An authenticator's answer; `declined` passes the question on to the next one. Nobody accepting means refusal. */
export type Verdict =
  | { readonly verdict: 'accepted'; readonly account: Account }
  | { readonly verdict: 'refused'; readonly reason: string }
  | { readonly verdict: 'declined' };

/**
 * One way to prove who you are. It must take the same time for a user it does not know as for a wrong password.
 * A throw is a refusal. @throws Fault `Busy` when too many proofs are waiting.
 */
export interface Authenticator {
  readonly name: string;
  authenticate(credentials: Credentials, signal: AbortSignal): Promise<Verdict>;
}
