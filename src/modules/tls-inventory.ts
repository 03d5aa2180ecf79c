/**
 * Watches with what TLS each account's clients come and what policy refused them, and keeps the record over restarts, so
 * that the policy can be tightened without breaking a partner: `sallyport tls inventory` and `tls simulate` read it.
 */
import { z } from 'zod';
import type { Clock, Timer } from '../lib/clock.ts';
import { errorCode } from '../lib/error-code.ts';
import { networkOf } from '../protocol/ip-address.ts';
import { Fault, type FaultKind } from '../spi/fault.ts';
import type { Module, Request, Result } from '../spi/module.ts';
import { defineModule } from '../spi/module.ts';
import type { Session } from '../spi/session.ts';
import type { ControlBehaviour, DataBehaviour, StrangerRefusal } from './tls-record.ts';
import type { TlsRecordKeeper, TlsSightings } from './tls-record-keeper.ts';

/** How long a login waits for its client's name: a crash loses it meanwhile. */
const SETTLE_MS = 10_000;
/** The longest name of an account that is recorded, and of a client; both are chosen by others. */
const NAME_LENGTH_MAX = 256;
const CLIENT_LENGTH_MAX = 64;

/** What the inventory is kept with. */
export interface InventoryParts {
  /** Takes what was seen. */
  readonly sightings: TlsSightings;
  /** Whether the control channel asked this client for a certificate: who was not asked has shown nothing by showing none. */
  readonly asksForCertificate: (session: Session) => boolean;
  readonly clock: Clock;
  /** Keeps the record, where this process does; it begins and ends with the module. */
  readonly keeper?: Pick<TlsRecordKeeper, 'load' | 'save'> | undefined;
}

/** Makes the module. It refuses nothing and changes no reply. */
export function tlsInventory(parts: InventoryParts): Module {
  const inventory = new Inventory(parts);
  return defineModule({
    name: 'tls-inventory',
    async onStart() {
      await parts.keeper?.load();
    },
    async onStop() {
      inventory.settleAll();
      await parts.keeper?.save();
    },
    onTlsFailed: (session, cause) => inventory.refuse(session, whyTlsFailed(cause)),
    onDisconnect: (session) => inventory.settle(session.id),
    handlers: [
      { phase: 'LOG_CMD', verb: '*', handle: (request, result) => inventory.see(request, result) },
      { phase: 'LOG_CMD_ERR', verb: '*', handle: (request, result) => inventory.see(request, result) },
    ],
  });
}

/** A login that may still get its client's name, which some clients tell only behind it. */
interface OpenLogin {
  readonly account: string;
  readonly network: string;
  behaviour: ControlBehaviour;
}

class Inventory {
  readonly #parts: InventoryParts;
  readonly #logins = new Map<string, OpenLogin>();
  #timer: Timer | undefined;

  constructor(parts: InventoryParts) {
    this.#parts = parts;
  }

  /** Looks at a command behind its end. */
  see(request: Request, result: Result): void {
    const { session } = request.context;
    const { change } = result;
    if (change?.kind === 'LogIn') this.#open(session, change.account.name);
    if (change?.kind === 'SetClientName') this.#name(session.id, change.name);
    if (session.login.state === 'LoggedIn') this.#member(session.login.account.name, request, result);
    else {
      const why = whyTurnedAway(result);
      if (why === undefined) this.#stranger(request, result);
      else this.#turnedAway(request, why);
    }
  }

  /** Notes a refusal of somebody who is not known: by network, for whatever name was given may be another's, or a password. */
  refuse({ peer }: Session, why: StrangerRefusal): void {
    this.#parts.sightings.refuse(networkOf(peer.address), why, this.#now());
  }

  /** Notes a login whose client will say no more about itself. */
  settle(sessionId: string): void {
    const login = this.#logins.get(sessionId);
    if (login === undefined) return;
    this.#logins.delete(sessionId);
    const { account, behaviour, network } = login;
    this.#see(account, (sightings, name) => sightings.seeLogin(name, behaviour, { network, nowMs: this.#now() }));
  }

  /** Notes all logins that there are. */
  settleAll(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const id of [...this.#logins.keys()]) this.settle(id);
  }

  #open(session: Session, account: string): void {
    this.settle(session.id);
    const asked = this.#parts.asksForCertificate(session);
    this.#logins.set(session.id, {
      account,
      network: networkOf(session.peer.address),
      behaviour: controlBehaviour(session, asked),
    });
    this.#timer ??= this.#parts.clock.after(SETTLE_MS, () => this.settleAll());
  }

  #name(sessionId: string, name: string): void {
    const login = this.#logins.get(sessionId);
    if (login !== undefined) login.behaviour = { ...login.behaviour, ...clientOf(name) };
  }

  #member(account: string, request: Request, result: Result): void {
    const behaviour = dataBehaviour(request, result);
    if (behaviour === undefined) return;
    // Its client may have named itself behind the login, but hardly does any more.
    this.settle(request.context.session.id);
    this.#see(account, (sightings, name) => sightings.see(name, behaviour, this.#now()));
  }

  /** Modules that refuse a login are asked behind its proof: the name is the client's own. */
  #turnedAway({ argument, traits, context: { session } }: Request, refused: LoginRefusal): void {
    // Proven by the certificate alone at USER, or else by PASS.
    const { login } = session;
    const user = traits.verb === 'USER' ? argument : login.state === 'ExpectPass' ? login.user : undefined;
    if (user === undefined) {
      this.refuse(session, refused);
      return;
    }
    const asked = this.#parts.asksForCertificate(session);
    const behaviour = { ...controlBehaviour(session, asked), refused };
    const place = { network: networkOf(session.peer.address), nowMs: this.#now() };
    this.#see(user, (sightings, name) => sightings.seeLogin(name, behaviour, place));
  }

  #stranger({ traits, context: { session, policy } }: Request, { reply }: Result): void {
    // Once for each try: who was refused at USER mostly goes on with PASS.
    if (traits.verb !== 'USER' || reply.code !== new Fault('TlsFirst').code) return;
    if (session.controlTls === undefined) this.refuse(session, 'clear_login');
    else if (policy.clientCertificateRequired && !session.controlTls.clientCertificate) {
      this.refuse(session, 'certificate');
    }
  }

  #see(account: string, note: (sightings: TlsSightings, name: string) => void): void {
    if (account.length > NAME_LENGTH_MAX) return;
    note(this.#parts.sightings, account);
  }

  #now(): number {
    return Math.max(0, Math.round(this.#parts.clock.now()));
  }
}

type LoginRefusal = NonNullable<ControlBehaviour['refused']>;

/** The policy that refused a login behind its proof; undefined when it was something else, or nothing. */
function whyTurnedAway({ cause, notes }: Result): LoginRefusal | undefined {
  // A login that failed to the client's eyes is an outcome, not a fault: its kind is in the notes.
  if (notes.fault === ('AccountCertificateRequired' satisfies FaultKind)) return 'certificate';
  return cause instanceof Fault && cause.kind === 'PostQuantumRequired' ? 'post_quantum' : undefined;
}

/** What is read of `TlsFacts`, which come as notes of the log as well. */
const tlsFacts = z.object({
  version: z.string(),
  suite: z.string(),
  group: z.string().optional(),
  resumed: z.boolean(),
});

function controlBehaviour({ controlTls, clientName }: Session, asked: boolean): ControlBehaviour {
  const { version, suite, group } = tlsFacts.safeParse(controlTls).data ?? { version: 'none' };
  return {
    channel: 'control',
    version,
    ...(suite !== undefined && { suite }),
    ...(group !== undefined && { group }),
    serverName: controlTls?.serverName !== undefined,
    certificate: certificateOf(controlTls?.clientCertificate !== undefined, asked && controlTls !== undefined),
    ...clientOf(clientName),
  };
}

function certificateOf(trusted: boolean, asked: boolean): ControlBehaviour['certificate'] {
  if (trusted) return 'trusted';
  return asked ? 'none' : 'not_asked';
}

/** What was seen of a data channel; undefined when the command had none, or nothing was learnt of it. */
function dataBehaviour({ traits, context }: Request, result: Result): DataBehaviour | undefined {
  const { session } = context;
  if (traits.data === undefined || traits.data === 'none') return undefined;
  const refused = refusalOf(result);
  const tls = tlsFacts.safeParse(result.notes.dataTls).data;
  const { dataBytes } = result.notes;
  const moved = result.reply.code < 400 || (typeof dataBytes === 'number' && dataBytes > 0);
  const clear = session.protection === 'C' && (refused === 'protection' || (traits.data === 'transfers' && moved));
  if (refused === undefined && tls === undefined && !clear) return undefined;
  const { version, suite, group, resumed } = tls ?? { version: clear ? 'none' : undefined };
  const use = traits.data === 'transfers' ? (USES[traits.class] ?? 'listing') : undefined;
  const closeNotify = use === 'upload' && tls !== undefined ? closeNotifyOf(result, refused) : undefined;
  return {
    channel: 'data',
    ...(use !== undefined && { use }),
    ...(version !== undefined && { version }),
    ...(suite !== undefined && { suite }),
    ...(group !== undefined && { group }),
    ...(resumed !== undefined && { resumed }),
    ...(closeNotify !== undefined && { closeNotify }),
    // The facts of a connection are noted when its certificate has been looked at.
    ...(tls !== undefined && session.controlTls?.clientCertificate !== undefined && { certificate: 'same' as const }),
    ...(refused !== undefined && { refused }),
    ...clientOf(session.clientName),
  };
}

const USES: Readonly<Record<string, DataBehaviour['use']>> = { write: 'upload', read: 'download' };

/** The policy that ended the command; undefined when it was something else, or nothing. */
function refusalOf({ reply, cause }: Result): DataBehaviour['refused'] {
  // Guards answer in place of the command, so that there is no cause; no other reply has this code.
  if (reply.code === new Fault('ProtectionRequired').code) return 'protection';
  return cause instanceof Fault ? REFUSALS[cause.kind] : undefined;
}

const REFUSALS: { readonly [Kind in FaultKind]?: DataBehaviour['refused'] } = {
  ReuseRequired: 'session_reuse',
  DataCertificateRequired: 'certificate',
  DataPostQuantumRequired: 'post_quantum',
  Truncated: 'close_notify',
  DataTlsFailed: 'handshake',
};

/** How an upload ended, as far as it came to its end. */
function closeNotifyOf({ notes }: Result, refused: DataBehaviour['refused']): boolean | undefined {
  if (refused === 'close_notify') return false;
  return notes.end === undefined ? undefined : notes.end === 'authenticated';
}

function clientOf(name: string | undefined): { readonly client?: string } {
  if (name === undefined) return {};
  return { client: name.slice(0, CLIENT_LENGTH_MAX).toWellFormed() };
}

/** What OpenSSL's words for a handshake that failed mean for a policy. */
const TLS_FAILURES: readonly (readonly [RegExp, StrangerRefusal])[] = [
  [/UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|PROTOCOL_VERSION/, 'version'],
  [/NO_SHARED_CIPHER/, 'suite'],
  [/NO_SUITABLE_(?:KEY_SHARE|GROUPS)|NO_SHARED_GROUPS?|MISSING_SUPPORTED_GROUPS/, 'group'],
  [/ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_(?:EXPIRED|UNKNOWN|REVOKED))/, 'our_certificate'],
];

function whyTlsFailed(error: unknown): StrangerRefusal {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = errorCode(cause) ?? '';
  return TLS_FAILURES.find(([pattern]) => pattern.test(code))?.[1] ?? 'other';
}
