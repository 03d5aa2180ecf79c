/** What runs in a worker: its part of the gateway, made and told what to do by the process above. */
import type { Socket } from 'node:net';
import { loadNamedModules } from '../config/load-modules.ts';
import type { Clock } from '../lib/clock.ts';
import { Correspondent } from '../lib/correspondent.ts';
import { deadline, within } from '../lib/deadline.ts';
import type { MessagePort } from '../lib/message-port.ts';
import { shareProcessors } from '../lib/processors.ts';
import type { LogOptions } from '../server/logger.ts';
import { crossing } from '../server/sharing/crossing.ts';
import { remoteState } from '../server/sharing/remote-state.ts';
import { WorkerGateway } from '../server/worker-gateway.ts';
import { Fault } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import { silentLog } from '../spi/log.ts';
import { GatheredCounts } from './counted.ts';
import { FROM_SUPERVISOR, handedSocket, houseNamed, TO_WORKER, unpackedOptions, workerNamed } from './messages.ts';

/** What a worker's process gives it. */
export interface WorkerParts {
  /** The channel to the process above. */
  readonly port: MessagePort;
  /** Has every message given to the listener that came with a socket. There is one listener. */
  onSocket(listener: (message: unknown, socket: Socket) => void): void;
  readonly clock: Clock;
  /** Makes the log. */
  createLog(options: LogOptions): Log;
  /** Opens the file that takes the secrets of TLS. @throws what keeps it from that. */
  openKeyLog(file: string): (line: Buffer) => void;
  /** What the whole process has to do before keys are computed with. */
  prepare(profile: string): void;
  /** Ends the process. */
  exit(code: 0 | 1): void;
}

/** News wait a little for a question to cross with: an upload's would otherwise cost as much as its questions. */
const LINGER_MS = 2;
/** How long a question to the process above waits for its answer: guards have ten seconds. */
const WAIT_MAX_MS = 8_000;
/** How long the end of sessions may take when the process above is gone. */
const ORPHAN_END_MS = 3_000;
const NEVER = new AbortController().signal;

/** Serves what comes over the channel, until it is told to end or nobody is above. */
export function runWorker(parts: WorkerParts): void {
  const worker = new Worker(parts);
  parts.onSocket((message, socket) => worker.take(message, socket));
}

class Worker {
  readonly #parts: WorkerParts;
  readonly #above: Correspondent;
  #log: Log = silentLog;
  #gateway: WorkerGateway | undefined;
  #counts: GatheredCounts | undefined;
  /** Connections that were handed over and have not ended. */
  #served = 0;
  #retiring = false;
  #ending = false;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    const { port, clock } = parts;
    this.#above = new Correspondent(port, {
      ...{ clock, waitMaxMs: WAIT_MAX_MS, failures: crossing, lingerMs: LINGER_MS },
      failed: (error) => this.#log.error('worker.channel_failed', { error }),
    });
    this.#above.serve({
      [workerNamed('make')]: ({ argument }) => this.#make(argument),
      [workerNamed('start')]: () => this.#made.start(),
      [workerNamed('sessions')]: () => this.#made.sessions,
      [workerNamed('sessionsOf')]: ({ argument }) =>
        this.#made.sessionsOf(TO_WORKER.sessionsOf.parse(argument).account),
      [workerNamed('certificates')]: () => this.#made.certificates,
      [workerNamed('flush')]: () => this.#counts?.flush(),
      [workerNamed('reload')]: () => this.#made.reload(),
      [workerNamed('disconnect')]: ({ argument }) =>
        this.#made.disconnect(TO_WORKER.disconnect.parse(argument).session),
      [workerNamed('retire')]: () => this.#retire(),
      [workerNamed('endSessions')]: ({ argument }) =>
        this.#made.endSessions(new Fault('ShuttingDown', TO_WORKER.endSessions.parse(argument))),
      [workerNamed('close')]: ({ argument }) => this.#close(TO_WORKER.close.parse(argument).graceMs),
    });
    this.#above.onGone(() => void this.#orphaned());
  }

  /** Serves a connection that was handed over. */
  take(message: unknown, socket: Socket): void {
    // Until somebody listens for errors, a reset must not end the process.
    socket.on('error', () => undefined);
    // Nothing is read before every module has let it in; Node has begun to when it made this socket.
    socket.pause();
    // A client that has sent its FIN still reads the replies to its last commands.
    socket.allowHalfOpen = true;
    const { data } = handedSocket.safeParse(message);
    const gateway = this.#gateway;
    // In front of everything that is asked about it, and so of every byte that is sent: it is never handed over twice.
    if (data !== undefined) this.#above.tell(houseNamed('taken'), { connection: data.connection });
    if (data === undefined || gateway === undefined) {
      socket.destroy();
      this.#above.tell(houseNamed('ended'), {});
      return;
    }
    this.#served += 1;
    void gateway.serve(socket, data.handed).finally(() => {
      this.#served -= 1;
      this.#above.tell(houseNamed('ended'), {});
      this.#endIfIdle();
    });
  }

  get #made(): WorkerGateway {
    if (this.#gateway === undefined) throw new Error('this worker is not made yet');
    return this.#gateway;
  }

  async #make(argument: unknown): Promise<void> {
    const {
      number,
      folder,
      options: packed,
      modules: names,
      tlsKeylog,
      counted,
      audited,
      retained,
    } = TO_WORKER.make.parse(argument);
    const { clock } = this.#parts;
    const options = unpackedOptions(packed);
    this.#parts.prepare(options.tls.profile);
    shareProcessors(options.workers);
    const log = this.#parts.createLog(options.log).with({ worker: number });
    this.#log = log;
    const modules = await loadNamedModules(names);
    const tlsKeyLog = tlsKeylog === undefined ? undefined : this.#parts.openKeyLog(tlsKeylog);
    this.#counts = counted
      ? new GatheredCounts(clock, (items) => this.#above.tell(houseNamed('counted'), items))
      : undefined;
    this.#gateway = new WorkerGateway(
      options,
      { ...{ log, clock, modules }, ...(tlsKeyLog !== undefined && { tlsKeyLog }) },
      {
        ...{ kind: 'worker', folder, counts: this.#counts?.counts },
        shared: remoteState({ above: this.#above, clock, audited, retained }),
        rememberRoot: async (account, root) => {
          try {
            await this.#above.ask(houseNamed('root'), { account, root });
          } catch (error) {
            // Accounts that are written down are found without.
            log.error('delivery.root_unwritten', { account, error });
          }
        },
        intakeAbove: {
          handOver: async (upload) => void (await this.#above.ask(houseNamed('handOver'), { upload })),
          isChecked: async (account, path) =>
            FROM_SUPERVISOR.isChecked.parse(await this.#above.ask(houseNamed('isChecked'), { account, path })),
          published: (newer) => this.#above.tell(houseNamed('published'), newer),
        },
        issueReceipt: async (order) => {
          const issued = FROM_SUPERVISOR.receipt.parse(await this.#above.ask(houseNamed('receipt'), order));
          return issued === null ? undefined : { place: issued.place, text: issued.text };
        },
      },
    );
  }

  #retire(): void {
    this.#retiring = true;
    this.#endIfIdle();
  }

  #endIfIdle(): void {
    if (this.#retiring && this.#served === 0) void this.#end(0);
  }

  /** The answer is that all is done; the process above then lets the channel go, and this one ends. */
  async #close(graceMs: number): Promise<void> {
    this.#ending = true;
    await this.#gateway?.close(graceMs);
    this.#counts?.flush();
  }

  async #end(code: 0 | 1): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    try {
      await this.#gateway?.close(0);
      this.#counts?.flush();
      // Behind the answer everything that was told in front of it has been heard.
      await this.#above.ask(houseNamed('farewell'), {});
    } catch (error) {
      this.#log.error('worker.end_failed', { error });
    }
    this.#parts.exit(code);
  }

  /** Without the process above nothing can be counted, recorded or claimed. */
  async #orphaned(): Promise<void> {
    const orderly = this.#ending;
    this.#ending = true;
    if (!orderly) {
      this.#log.error('worker.orphaned', {});
      using bounded = deadline(this.#parts.clock, ORPHAN_END_MS, NEVER);
      await within(bounded.signal, async () => this.#gateway?.close(0)).catch(() => undefined);
    }
    this.#parts.exit(orderly ? 0 : 1);
  }
}
