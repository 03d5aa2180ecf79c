/**
 * The record of the TLS that each account's clients were really seen with: its form on disk, and the record itself, which
 * grows within bounds. It holds no secrets, no names of files, and of those who never logged in nothing but their network.
 */
import { z } from 'zod';

/** Accounts that are remembered; one more pushes out the one that was seen longest ago. */
export const ACCOUNTS_MAX = 10_000;
/** Behaviours of one account. Few programs have more than four; a client that names itself anew each time would have no end. */
export const BEHAVIOURS_MAX = 64;
/** Networks that one account came from. */
const OWN_NETWORKS_MAX = 16;
/** Networks of strangers that were refused: whoever likes to can fill this list. */
export const STRANGERS_MAX = 1_000;

const word = z.string().max(64);
const times = {
  count: z.int().min(1),
  /** Milliseconds since 1970 (UTC), as all times here. */
  firstMs: z.int().min(0),
  lastMs: z.int().min(0),
};

/** How a client behaved on the control channel, at login. */
export const controlBehaviour = z.strictObject({
  channel: z.literal('control'),
  /** `TLSv1.2` or `TLSv1.3`; `none` for a login in clear. */
  version: word,
  /** IANA name of the cipher suite. */
  suite: word.optional(),
  /** The group of the key exchange, where it is known. */
  group: word.optional(),
  /** Whether the client said which name it came to (SNI). */
  serverName: z.boolean(),
  /** `none`: it was asked for one and showed none that counts. */
  certificate: z.enum(['trusted', 'none', 'not_asked']),
  /** The policy that refused the login behind its proof. */
  refused: z.enum(['post_quantum', 'certificate']).optional(),
  /** What the client says it is (CLNT, CSID). */
  client: word.optional(),
});

const dataBehaviour = z.strictObject({
  channel: z.literal('data'),
  /** Absent when it was refused while it was arranged (PASV, PORT). */
  use: z.enum(['upload', 'download', 'listing']).optional(),
  /** As on the control channel; absent when the connection was refused before that was known. */
  version: word.optional(),
  suite: word.optional(),
  group: word.optional(),
  /** Whether it resumed the TLS session of the control channel. */
  resumed: z.boolean().optional(),
  /** Whether an upload ended with close_notify. */
  closeNotify: z.boolean().optional(),
  /** `same`: it had the certificate of the control channel, by resuming its session or by showing it again. */
  certificate: z.enum(['same']).optional(),
  /** The policy that refused it, or `handshake`. */
  refused: z
    .enum(['protection', 'session_reuse', 'certificate', 'post_quantum', 'close_notify', 'handshake'])
    .optional(),
  client: word.optional(),
});

/** One way in which a client behaved, on the control channel at login or on a data channel. */
export const behaviour = z.discriminatedUnion('channel', [controlBehaviour, dataBehaviour]);

/** Why somebody who is not known yet was refused. */
export const strangerRefusal = z.enum([
  'clear_login',
  'certificate',
  'post_quantum',
  'version',
  'suite',
  'group',
  'our_certificate',
  'other',
]);

const networkSeen = z.strictObject({ network: word, ...times });
const accountSeen = z.strictObject({
  name: z.string().max(256),
  /** How many behaviours were pushed out by younger ones. */
  dropped: z.int().min(0),
  networks: z.array(networkSeen).max(OWN_NETWORKS_MAX),
  behaviours: z.array(z.strictObject({ behaviour, ...times })).max(BEHAVIOURS_MAX),
});

/** The whole record, as it is on disk. */
export const tlsRecordData = z.strictObject({
  format: z.literal('sallyport-tls-inventory'),
  version: z.literal(1),
  /** When it was begun. */
  sinceMs: z.int().min(0),
  savedMs: z.int().min(0),
  /** How many were pushed out by younger ones. */
  dropped: z.strictObject({ accounts: z.int().min(0), strangers: z.int().min(0) }),
  accounts: z.array(accountSeen).max(ACCOUNTS_MAX),
  strangers: z.array(z.strictObject({ network: word, why: strangerRefusal, ...times })).max(STRANGERS_MAX),
});

/** The record as data. */
export type TlsRecordData = z.output<typeof tlsRecordData>;
/** One account in it. */
export type AccountSeen = z.output<typeof accountSeen>;
/** One way in which a client behaved. */
export type Behaviour = z.output<typeof behaviour>;
/** A behaviour of the control channel. */
export type ControlBehaviour = z.output<typeof controlBehaviour>;
/** A behaviour of a data channel. */
export type DataBehaviour = z.output<typeof dataBehaviour>;
/** Why somebody who is not known yet was refused. */
export type StrangerRefusal = z.output<typeof strangerRefusal>;
/** How often something was seen, and when. */
export type Times = Pick<z.output<typeof networkSeen>, 'count' | 'firstMs' | 'lastMs'>;

interface AccountState {
  readonly name: string;
  dropped: number;
  readonly networks: Map<string, Times & { readonly network: string }>;
  readonly behaviours: Map<string, Times & { readonly behaviour: Behaviour }>;
}

/** The record while the gateway runs. In every list the one that was seen longest ago comes first. */
export class TlsRecord {
  readonly #sinceMs: number;
  readonly #dropped = { accounts: 0, strangers: 0 };
  readonly #accounts = new Map<string, AccountState>();
  readonly #strangers = new Map<string, Times & { readonly network: string; readonly why: StrangerRefusal }>();

  /** Begins a record, or goes on with one that was read. */
  constructor(nowMs: number, earlier?: TlsRecordData) {
    this.#sinceMs = earlier?.sinceMs ?? nowMs;
    if (earlier === undefined) return;
    this.#dropped = { ...earlier.dropped };
    for (const { name, dropped, networks, behaviours } of earlier.accounts) {
      this.#accounts.set(name, {
        name,
        dropped,
        networks: new Map(networks.map((seen) => [seen.network, seen])),
        behaviours: new Map(behaviours.map((seen) => [keyOf(seen.behaviour), seen])),
      });
    }
    for (const seen of earlier.strangers) this.#strangers.set(`${seen.why} ${seen.network}`, seen);
  }

  /** Notes a login: how, and from which network. */
  seeLogin(account: string, behaviour: ControlBehaviour, { network, nowMs }: { network: string; nowMs: number }): void {
    this.see(account, behaviour, nowMs);
    const { networks } = this.#stateOf(account);
    renew(networks, network, { network, ...again(networks.get(network), nowMs) }, OWN_NETWORKS_MAX);
  }

  /** Notes what an account's client did. */
  see(account: string, behaviour: Behaviour, nowMs: number): void {
    const state = this.#stateOf(account);
    const key = keyOf(behaviour);
    const seen = { behaviour, ...again(state.behaviours.get(key), nowMs) };
    state.dropped += renew(state.behaviours, key, seen, BEHAVIOURS_MAX);
  }

  /** Notes that somebody who is not known was refused. */
  refuse(network: string, why: StrangerRefusal, nowMs: number): void {
    const key = `${why} ${network}`;
    const seen = { network, why, ...again(this.#strangers.get(key), nowMs) };
    this.#dropped.strangers += renew(this.#strangers, key, seen, STRANGERS_MAX);
  }

  /** Forgets what was not seen since then; that is not counted as dropped. */
  forgetBefore(oldestMs: number): void {
    const age = (map: Map<string, Times>) => {
      for (const [key, { lastMs }] of map) if (lastMs < oldestMs) map.delete(key);
    };
    age(this.#strangers);
    for (const [name, { behaviours, networks }] of this.#accounts) {
      age(behaviours);
      age(networks);
      if (behaviours.size === 0) this.#accounts.delete(name);
    }
  }

  /** The file's text, an account a line: whoever writes it lets others have their turn between two of them. */
  *lines(savedMs: number): Generator<string> {
    const head = { format: 'sallyport-tls-inventory', version: 1, sinceMs: this.#sinceMs, savedMs };
    yield `${JSON.stringify({ ...head, dropped: this.#dropped }).slice(0, -1)},\n"accounts":[`;
    let comma = '\n';
    // A copy of the list: an account that is seen meanwhile moves to its end, and would come twice.
    for (const { name, dropped, networks, behaviours } of [...this.#accounts.values()]) {
      const account = { name, dropped, networks: [...networks.values()], behaviours: [...behaviours.values()] };
      yield `${comma}${JSON.stringify(account)}`;
      comma = ',\n';
    }
    yield `\n],\n"strangers":${JSON.stringify([...this.#strangers.values()])}}\n`;
  }

  #stateOf(name: string): AccountState {
    const state = this.#accounts.get(name) ?? { name, dropped: 0, networks: new Map(), behaviours: new Map() };
    this.#dropped.accounts += renew(this.#accounts, name, state, ACCOUNTS_MAX);
    return state;
  }
}

/** Once more, or for the first time. A clock that was set back must not make the last time older. */
function again(before: Times | undefined, nowMs: number): Times {
  const { count = 0, firstMs = nowMs, lastMs = 0 } = before ?? {};
  return { count: count + 1, firstMs, lastMs: Math.max(lastMs, nowMs) };
}

/** Sets an entry and makes it the youngest. @returns how many were pushed out by it: 0 or 1. */
function renew<Value>(map: Map<string, Value>, key: string, value: Value, entriesMax: number): 0 | 1 {
  map.delete(key);
  map.set(key, value);
  if (map.size <= entriesMax) return 0;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    break;
  }
  return 1;
}

/** One text for one behaviour, in whatever order its facts are. */
function keyOf(behaviour: Behaviour): string {
  return JSON.stringify(Object.entries(behaviour).sort(([a], [b]) => (a < b ? -1 : 1)));
}
