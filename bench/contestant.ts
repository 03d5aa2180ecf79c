/** What a server needs to be measured beside others. */

/** What every server is given. */
export interface Setup {
  /** A folder that the server may fill; it is there, and it is empty but for the home. */
  readonly folder: string;
  /** The account's home, which is there. */
  readonly home: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** As in `Scale`. */
  readonly passwords: 'usual' | 'cheap';
}

/** How the load speaks to a server. */
export interface Manner {
  /** How long a client has to wait between the reply to AUTH TLS and its handshake, in milliseconds. */
  readonly hesitateMs: number;
  /** The version of TLS in which small files are moved: the newest one in which the server resumes sessions. */
  readonly smallFilesTls: '1.2' | '1.3';
}

/** A server that runs. */
export interface Running {
  readonly name: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Where the files are for who has logged in; empty where the login leads there. */
  readonly directory: string;
  readonly pid: number;
  readonly manner: Manner;
  /** Where its numbers are to be had, in the form of Prometheus; undefined where it has none. */
  readonly metricsUrl: string | undefined;
  stop(): Promise<void>;
}

/** Whether a server can be run here: its version, or why not. */
export type Presence = { readonly version: string } | { readonly missing: string };

/** A server that can be measured. */
export interface Contestant {
  readonly name: string;
  /** Ours are compared with the best of the peers. */
  readonly side: 'own' | 'peer';
  /** How it is set up, for the reader of the results. */
  readonly note: string;
  presence(): Presence;
  start(setup: Setup): Promise<Running>;
}

/** The one account that all of them have. */
export const USER = 'bench';
export const PASSWORD = 'benchmark-2048';

/** What most servers can do. */
export const MODERN: Manner = { hesitateMs: 0, smallFilesTls: '1.3' };
