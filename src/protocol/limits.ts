/** Every bound of the gateway in one place, each with what it protects from. Times are milliseconds, sizes are bytes. */

/** The bounds that an operator may move; `docs/defaults.md` says the same to operators. */
export interface Limits {
  /** Longest command line, end of line included. Protects memory from a client that never sends one (CVE-2004-0185 class). */
  readonly lineBytesMax: number;
  /** Lines that are read ahead while no transfer runs; beyond it the control socket is not read, and TCP holds the rest. Protects memory. */
  readonly queuedLinesMax: number;
  /**
   * What may wait behind a running transfer, each line counted with 64 bytes more than it has, for keeping it. Reading goes on there,
   * or neither ABOR nor the end of the connection would be heard; so a client that sends more is ended. Protects memory.
   */
  readonly queuedBytesMax: number;
  /** Unknown, malformed or over-long commands in a row before the connection ends. Protects from scanners and floods. */
  readonly badCommandsMax: number;
  /** Connections in all. Protects file descriptors and memory (CVE-2021-30047). */
  readonly connectionsMax: number;
  /** Connections from one IPv4 address or one IPv6 /64. Protects everyone else from one client. */
  readonly connectionsPerAddressMax: number;
  /** Logged-in sessions of one account. Protects an account's partners from one runaway script. */
  readonly connectionsPerAccountMax: number;
  /** Time for a TLS handshake. Protects from clients that connect and say nothing. */
  readonly handshakeTimeoutMs: number;
  /** Time from connect to login. Protects slots from being held by strangers. */
  readonly loginTimeoutMs: number;
  /** Failed logins before a connection ends. Protects passwords from guessing within one connection. */
  readonly loginAttemptsMax: number;
  /** Failed logins from one IPv4 address or one IPv6 /64 before it is shut out. Protects passwords from guessing across connections (PCI DSS 8.3.4). */
  readonly loginFailuresPerAddressMax: number;
  /** How long such an address stays shut out, and how long its failures are remembered, from the last of them. */
  readonly loginLockoutMs: number;
  /** Shortest time of a refused login. Protects names of users: how long a refusal takes tells nothing of its reason. */
  readonly loginRefusalMs: number;
  /** Password checks that may wait for the hash function. Protects the thread pool, and so every transfer, from a login flood. */
  readonly passwordQueueMax: number;
  /** Silence on the control channel, with no transfer running, before the session ends (PCI DSS 8.2.8). */
  readonly idleTimeoutMs: number;
  /** Longest life of a session, and so of its TLS tickets. Protects from sessions that outlive a change of policy. */
  readonly sessionTimeMaxMs: number;
  /** A transfer that moves no byte for so long is ended. Protects slots and staged files from dead peers. */
  readonly stallTimeoutMs: number;
  /** Wait for the client on a passive port, or for its answer to our connect. Protects the port range. */
  readonly dataConnectTimeoutMs: number;
  /** Connections from wrong addresses dropped on one passive port before it is given up. Protects from port races. */
  readonly wrongPeersMax: number;
  /** Largest upload. Protects the disk; 0 means no bound but the disk's. */
  readonly uploadBytesMax: number;
  /**
   * How many times its size on the wire an upload in MODE Z may inflate to. Protects the disk from small uploads that
   * become huge ones.
   */
  readonly inflateRatioMax: number;
  /** Entries in one listing; a longer one is cut off with 451. Protects CPU from listing floods (CVE-2011-0762 class). */
  readonly listingEntriesMax: number;
  /** Bytes that one HASH, or one of its older relatives, may read; 0 means no bound. Protects the disk and the processor. */
  readonly hashBytesMax: number;
  /** Largest file whose octets SIZE counts in TYPE A, for which it has to read it. Protects from floods of SIZE (RFC 3659 section 4.2). */
  readonly asciiSizeBytesMax: number;
}

/** The safe defaults. */
export const DEFAULT_LIMITS: Limits = {
  lineBytesMax: 8_192,
  queuedLinesMax: 64,
  queuedBytesMax: 1_048_576,
  badCommandsMax: 20,
  connectionsMax: 512,
  connectionsPerAddressMax: 64,
  connectionsPerAccountMax: 64,
  handshakeTimeoutMs: 15_000,
  loginTimeoutMs: 60_000,
  loginAttemptsMax: 3,
  loginFailuresPerAddressMax: 10,
  loginLockoutMs: 1_800_000,
  loginRefusalMs: 500,
  passwordQueueMax: 64,
  idleTimeoutMs: 900_000,
  sessionTimeMaxMs: 86_400_000,
  stallTimeoutMs: 120_000,
  dataConnectTimeoutMs: 20_000,
  wrongPeersMax: 8,
  uploadBytesMax: 0,
  inflateRatioMax: 200,
  listingEntriesMax: 1_000_000,
  hashBytesMax: 68_719_476_736,
  asciiSizeBytesMax: 16_777_216,
};
