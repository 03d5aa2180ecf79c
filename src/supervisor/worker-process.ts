/** A worker as the process above sees it: a process of its own, what it is asked, and how many connections it has. */
import { type ChildProcess, fork } from 'node:child_process';
import type { NamedModule } from '../config/load-modules.ts';
import type { GatewayOptions } from '../config/options.ts';
import type { Clock } from '../lib/clock.ts';
import { type Answers, Correspondent } from '../lib/correspondent.ts';
import type { MessagePort } from '../lib/message-port.ts';
import type { GatewayCertificate } from '../server/certificates.ts';
import type { GatewaySession } from '../server/gateway-session.ts';
import type { ReloadedPart } from '../server/reload.ts';
import { crossing } from '../server/sharing/crossing.ts';
import { processPort } from '../server/sharing/process-port.ts';
import type { SessionSummary } from '../spi/command.ts';
import type { Log } from '../spi/log.ts';
import type { Arrival } from './arrival.ts';
import { FROM_WORKER, houseNamed, packedOptions, TO_SUPERVISOR, workerNamed } from './messages.ts';

/** What a worker is made for. */
export interface WorkerTask {
  readonly options: GatewayOptions;
  readonly modules: readonly NamedModule[];
  readonly tlsKeylog: string | undefined;
  readonly counted: boolean;
  readonly audited: boolean;
  readonly retained: boolean;
}

/** What a worker's process is started with. */
export interface WorkerProcessParts {
  /** The program that it runs. */
  readonly entry: URL;
  readonly number: number;
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Answers what it asks and hears what it tells, besides what it says of its connections. */
  answers(worker: WorkerProcess): Answers;
}

/** How a process ended. */
export interface WorkerEnd {
  /** Whether it had said that it would. */
  readonly expected: boolean;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly sessions: number;
}

/** How long a worker's answer about itself is waited for: an operator waits behind it. */
const ANSWER_MAX_MS = 5_000;
/** How long it may take to load everything and to read its files. */
const START_MAX_MS = 60_000;
/** What a close may take beyond its grace before the process is killed. */
const CLOSE_EXTRA_MS = 15_000;

/** One worker. */
export class WorkerProcess {
  readonly number: number;
  /** The name of its folder among the notes of uploads. */
  readonly folder: string;
  readonly sinceMs: number;
  /** Resolves when the process is gone and all that it had said was heard. */
  readonly ended: Promise<WorkerEnd>;
  readonly correspondent: Correspondent;
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  /** Connections that were handed over and have not ended, and all that ever were. */
  #connections = 0;
  #handed = 0;
  /** Those that it has not said to have. */
  readonly #untaken = new Map<number, Arrival>();
  #expected = false;

  constructor(parts: WorkerProcessParts) {
    const { entry, number, folder, clock, log } = parts;
    this.number = number;
    this.folder = folder;
    this.#clock = clock;
    this.sinceMs = clock.now();
    this.#child = fork(entry, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    // One that could not be started at all has an `error` and no `exit`.
    this.#child.on('error', (error) => log.error('worker.failed', { worker: number, error }));
    this.correspondent = new Correspondent(channelTo(this.#child, clock), {
      ...{ clock, waitMaxMs: ANSWER_MAX_MS, failures: crossing },
      failed: (error) => log.error('worker.channel_failed', { worker: number, error }),
    });
    this.correspondent.serve({
      [houseNamed('taken')]: ({ argument }) => this.#taken(TO_SUPERVISOR.taken.parse(argument).connection),
      [houseNamed('ended')]: () => {
        this.#connections -= 1;
      },
      [houseNamed('farewell')]: () => {
        this.#expected = true;
      },
      ...parts.answers(this),
    });
    this.ended = this.#end();
  }

  /** Its process; 0 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Connections that it has. */
  get connections(): number {
    return this.#connections;
  }

  /** All that it was ever handed. */
  get handed(): number {
    return this.#handed;
  }

  /** Whether it can be handed anything. */
  get reachable(): boolean {
    return this.#child.connected && this.correspondent.gone === undefined;
  }

  /** Has it make its part of the gateway. @throws Error with what keeps it from that. */
  async make({ options, modules, tlsKeylog, counted, audited, retained }: WorkerTask): Promise<void> {
    const { number, folder } = this;
    const task = { number, folder, options: packedOptions(options), modules, counted, audited, retained };
    await this.#ask('make', tlsKeylog === undefined ? task : { ...task, tlsKeylog }, START_MAX_MS);
  }

  /** Has it begin. @throws Error with what keeps it from that. */
  async start(): Promise<void> {
    await this.#ask('start', {}, START_MAX_MS);
  }

  /**
   * Hands a connection over, of which nothing has been read. It is kept here as well until the worker has it: one that dies
   * before has said nothing to the client, and another may serve it (`untaken`).
   */
  hand(arrival: Arrival): void {
    this.#connections += 1;
    this.#handed += 1;
    const connection = this.#handed;
    this.#untaken.set(connection, arrival);
    // What cannot be sent is lost with the channel, and stays untaken.
    this.#child.send({ handed: arrival.mode, connection }, arrival.socket, { keepOpen: true }, () => undefined);
  }

  /** Connections that were handed over and did not arrive. To be asked once it has ended. */
  get untaken(): readonly Arrival[] {
    return [...this.#untaken.values()];
  }

  /** Its sessions. @throws Unanswered. */
  async sessions(): Promise<readonly GatewaySession[]> {
    return FROM_WORKER.sessions.parse(await this.#ask('sessions', {}));
  }

  /** Those of an account that are logged in. @throws Unanswered. */
  async sessionsOf(account: string): Promise<readonly SessionSummary[]> {
    return FROM_WORKER.sessionsOf.parse(await this.#ask('sessionsOf', { account }));
  }

  /** The certificates that it shows. @throws Unanswered. */
  async certificates(): Promise<readonly GatewayCertificate[]> {
    return FROM_WORKER.certificates.parse(await this.#ask('certificates', {}));
  }

  /** Has it hand on what it has counted: behind the answer that has been heard. @throws Unanswered. */
  async flush(): Promise<void> {
    await this.#ask('flush', {});
  }

  /** See `Gateway.reload`. @throws Unanswered. */
  async reload(): Promise<readonly ReloadedPart[]> {
    return FROM_WORKER.reload.parse(await this.#ask('reload', {}, START_MAX_MS));
  }

  /** See `Gateway.disconnect`. @throws Unanswered. */
  async disconnect(session: string): Promise<boolean> {
    return FROM_WORKER.disconnect.parse(await this.#ask('disconnect', { session }));
  }

  /** Has it end with its last session. */
  retire(): void {
    this.correspondent.tell(workerNamed('retire'), {});
  }

  /** Has it end the sessions that it still has, with 421 and this text: idle ones at once, others behind what they do. */
  endSessions(text: string): void {
    this.correspondent.tell(workerNamed('endSessions'), { text });
  }

  /** Has it end as `Gateway.close` does. Resolves when the process is gone; one that hangs is killed. */
  async close(graceMs: number): Promise<void> {
    this.#expected = true;
    await this.#ask('close', { graceMs }, graceMs + CLOSE_EXTRA_MS).catch(() => this.kill());
    if (this.#child.connected) this.#child.disconnect();
    const late = this.#clock.after(CLOSE_EXTRA_MS, () => this.kill());
    await this.ended;
    late.cancel();
  }

  /** SIGKILL. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #taken(connection: number): void {
    // The other process has it: this closes nothing but what was kept here.
    this.#untaken.get(connection)?.socket.destroy();
    this.#untaken.delete(connection);
  }

  #ask(name: Parameters<typeof workerNamed>[0], argument: object, waitMaxMs = ANSWER_MAX_MS): Promise<unknown> {
    return this.correspondent.ask(workerNamed(name), argument, { waitMaxMs });
  }

  async #end(): Promise<WorkerEnd> {
    const gone = new Promise<void>((resolve) => this.correspondent.onGone(resolve));
    const exited = new Promise<void>((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => {
        if (this.#child.pid === undefined) resolve();
      });
    });
    await exited;
    await gone;
    const { exitCode, signalCode } = this.#child;
    return { expected: this.#expected, exitCode, signal: signalCode, sessions: this.#connections };
  }
}

/** How long what a process said last may still be on its way when it has ended. */
const LAST_WORDS_MS = 1_000;

/**
 * The channel to a process. While a socket is on its way over it, Node does not tell of its end (26.10): so that of the process
 * is listened for as well.
 */
function channelTo(child: ChildProcess, clock: Clock): MessagePort {
  const port = processPort(child);
  return {
    ...port,
    onEnd(listener) {
      let ended = false;
      const end = (reason: Error) => {
        if (!ended) listener(reason);
        ended = true;
      };
      port.onEnd(end);
      child.once('exit', () => {
        clock.after(child.connected ? LAST_WORDS_MS : 0, () => end(new Error('the process has ended')));
      });
    },
  };
}
