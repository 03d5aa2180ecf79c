/** What a publication is told of the bytes that it publishes, and what it says of what became of them. */
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { DataEnd } from './data-end.ts';
import type { TlsFacts } from './tls-facts.ts';

/** How the bytes of a file came to be: what whoever commits a staged write knows of them. */
export interface Arrival {
  /** Size of the whole file as the client knows it. */
  readonly bytes: number;
  /** SHA-256 of the whole file as the client knows it, in small hexadecimal digits. */
  readonly sha256: string;
  /** When the transfer began: milliseconds since 1970 (UTC). */
  readonly startedMs: number;
  /** The data connection; undefined for a file that was put together on the server (COMB, SITE COPY). */
  readonly data?: { readonly tls: TlsFacts | undefined; readonly end: DataEnd } | undefined;
}

/** What became of a staged write behind its commit, where checks and evidence stand in front of storage. */
export interface Publication {
  /** `published`: it has its name. `accepted`: it is being checked, and its receipt will follow. */
  readonly state: 'published' | 'accepted';
  /** The name of the upload in log, receipts and quarantine. */
  readonly id: string;
  /** Where it is published; another path than was asked for when versions are kept. */
  readonly path: VirtualPath;
  /** The place of its record in the audit log; undefined without one. */
  readonly index: number | undefined;
  /** Where its receipt can be fetched; undefined when it has none (yet). */
  readonly receipt: VirtualPath | undefined;
  /** The receipt itself, where the client is to be given it with the reply. */
  readonly receiptText?: string | undefined;
}
