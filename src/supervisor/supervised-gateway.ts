/**
 * A gateway whose sessions are served by workers. This process listens, so that connections come in whatever becomes of single
 * workers, and has everything that there is once: state directory, audit log, control socket, numbers, shared state.
 */
import type { NamedModule } from '../config/load-modules.ts';
import type { GatewayOptions } from '../config/options.ts';
import { asksForRetention } from '../config/workers.ts';
import { aside } from '../lib/aside.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Answers, Correspondent } from '../lib/correspondent.ts';
import type { Counts } from '../modules/metrics-counters.ts';
import type { GatewayCertificate } from '../server/certificates.ts';
import { type ComposedHouse, composeHouse } from '../server/compose-house.ts';
import type { WorkerState } from '../server/control-acts.ts';
import type { GatewayAddress } from '../server/gateway-parts.ts';
import type { GatewaySession } from '../server/gateway-session.ts';
import { LastingParts } from '../server/lasting-parts.ts';
import type { MetricsSource } from '../server/metrics.ts';
import { startModules, stopModules } from '../server/module-life.ts';
import { type ReloadedPart, reloadAll } from '../server/reload.ts';
import { type OwnState, ownState } from '../server/shared-state.ts';
import { RateNews } from '../server/sharing/rate-desk.ts';
import { StateDesk } from '../server/sharing/state-desk.ts';
import type { SessionSummary } from '../spi/command.ts';
import type { Gate } from '../spi/gate.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import { type Listener, listen } from '../transport/listener.ts';
import { countAll } from './counted.ts';
import { Crew } from './crew.ts';
import { heldKeys } from './held-keys.ts';
import { houseNamed, TO_SUPERVISOR } from './messages.ts';
import { mergedReports } from './reload-report.ts';
import { type WorkerEnd, WorkerProcess, type WorkerTask } from './worker-process.ts';

/** What a supervised gateway is made of. */
export interface SupervisedParts {
  readonly options: GatewayOptions;
  /** The modules that the options were read with, and where workers load them from. */
  readonly modules: readonly Module[];
  readonly moduleNames: readonly NamedModule[];
  /** How many workers there are to be. */
  readonly count: number;
  /** The program that a worker runs. */
  readonly entry: URL;
  /** The file that takes the secrets of TLS. */
  readonly tlsKeylog: string | undefined;
  readonly log: Log;
  readonly clock?: Clock;
}

/** Another configuration for the same gateway. */
export type Renewal = Pick<SupervisedParts, 'options' | 'modules' | 'moduleNames' | 'count'>;

/** See the head of this file. It installs no signal handlers and never ends the process. */
export class SupervisedGateway {
  readonly #parts: SupervisedParts;
  readonly #clock: Clock;
  readonly #composed: ComposedHouse;
  readonly #own: OwnState;
  readonly #desk: StateDesk;
  readonly #crew: Crew<WorkerProcess>;
  readonly #lasting: LastingParts;
  readonly #failure = Promise.withResolvers<never>();
  /** What is done for workers that are gone. */
  readonly #aftermath = new Set<Promise<void>>();
  /** What waits for that, by worker. */
  readonly #settled = new WeakMap<WorkerProcess, PromiseWithResolvers<void>>();
  /** The options that sessions are served with. */
  #options: GatewayOptions;
  #listeners: { readonly listener: Listener; readonly address: GatewayAddress }[] = [];
  /** Modules with gates: what waits behind replies is checked here. */
  #gateModules: readonly Module[];
  /** Whether anything may be promised to be kept: workers ask before each change then. */
  #retained = false;
  #renewing: Promise<unknown> = Promise.resolve();
  #seen: { readonly sessions: readonly GatewaySession[]; readonly certificates: readonly GatewayCertificate[] };

  /** @throws as `createGateway`. */
  constructor(parts: SupervisedParts) {
    const { options, modules, log, entry } = parts;
    this.#parts = parts;
    this.#clock = parts.clock ?? systemClock;
    this.#options = options;
    this.#gateModules = withGates(modules);
    this.#failure.promise.catch(() => undefined);
    const clock = this.#clock;
    const rateNews = new RateNews();
    const limits = () => this.#options.limits;
    this.#own = ownState({
      limits,
      clock,
      log,
      ratesChanged: rateNews.changed,
      quotasMet: () => this.#desk.quotasMet(),
    });
    this.#composed = composeHouse(options, { modules, log, clock }, { kind: 'above', shared: this.#own });
    const { house, certificates } = this.#composed;
    this.#seen = { sessions: [], certificates: certificates.overview };
    this.#desk = new StateDesk({
      ...this.#own,
      ...{
        rateNews,
        clock,
        audit: house.audit,
        sightings: this.#composed.tlsRecord,
        promisesOf: () => house.intakePolicy.promises,
      },
      sessionsOf: (account, asking) => this.#sessionsOf(account, asking),
    });
    this.#lasting = new LastingParts(house, this);
    this.#crew = new Crew(
      {
        ...{ clock, log },
        startProcess: (place) =>
          new WorkerProcess({ ...place, entry, clock, log, answers: (worker) => this.#answers(worker) }),
        attach: (worker) => this.#attach(worker),
        gone: (worker, end) => this.#settleAfter(worker, end),
        failed: (error) => this.#failure.reject(error),
      },
      this.#taskOf(parts),
    );
  }

  /** Rejects when it cannot go on: no worker can be kept running. It is to be closed then. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** See `Gateway.addresses`. */
  get addresses(): readonly GatewayAddress[] {
    return this.#listeners.map(({ address }) => address);
  }

  /** See `Gateway.metricsAddress`. */
  get metricsAddress(): Pick<GatewayAddress, 'host' | 'port'> | undefined {
    return this.#composed.metrics?.address;
  }

  /** The sessions of all workers that answer. */
  get sessions(): Promise<readonly GatewaySession[]> {
    return this.#ofAll((worker) => worker.sessions());
  }

  /** The workers, those included that have been replaced and still have sessions. */
  get workers(): readonly WorkerState[] {
    const serving = new Set(this.#crew.serving);
    return this.#crew.all.map((worker) => {
      const { number, pid, sinceMs, connections } = worker;
      return { number, pid, sinceMs, connections, retiring: !serving.has(worker) };
    });
  }

  /**
   * Begins everything, the workers last, and then listens.
   *
   * @throws as `Gateway.start`; Error with what keeps a worker from serving. Nothing is listening then, and no worker is left.
   */
  async start(): Promise<void> {
    const { house, authentication, metrics } = this.#composed;
    await authentication.load();
    try {
      await startModules({ modules: this.#gateModules });
      await this.#lasting.begin();
      await this.#composed.tlsRecord?.load();
      await metrics?.start(this.#numbers());
      this.#retained = asksForRetention(this.#options, authentication.users()) || !house.intakePolicy.unused;
      if (!this.#retained) house.intakePolicy.seal();
      await this.#crew.start(this.#parts.count);
      const { tcpNoDelay: noDelay } = house.options;
      for (const { host, port, tls } of house.options.listen) {
        const listener = await listen({ host, port, noDelay }, (socket) => {
          // It is not read here; but a reset must not end the process.
          socket.on('error', () => undefined);
          this.#crew.hand({ socket, mode: tls });
        });
        this.#listeners.push({ listener, address: { host, port: listener.endpoint.port, tls } });
      }
      await this.#lasting.listening(this.addresses);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** See `Gateway.reload`; one report for all workers. */
  async reload(): Promise<readonly ReloadedPart[]> {
    const { house, authentication } = this.#composed;
    // What this process knows of accounts is for the uploads that workers leave behind.
    await reloadAll(authentication.reloadable, house.log);
    const reports = await Promise.all(this.#crew.serving.map((worker) => worker.reload()));
    const report = mergedReports(reports);
    house.audit?.reloaded(report);
    return report;
  }

  /**
   * Has new workers serve another configuration in place of those that there are. Sessions that are under way go on as they
   * began; idle ones are ended after a while. @returns the keys, as programs write them, that are in force from the next start
   * on only. @throws what `createGateway` throws, or what keeps a worker from serving: everything is then as it was.
   */
  async renew(renewal: Renewal): Promise<readonly string[]> {
    const renewing = this.#renewing.then(() => this.#renew(renewal));
    this.#renewing = renewing.catch(() => undefined);
    return renewing;
  }

  /** See `Gateway.close`. */
  async close({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
    // Nobody waits for it: Node would count connections that others have.
    for (const { listener } of this.#listeners) void listener.close();
    this.#listeners = [];
    await this.#crew.close(graceMs);
    await Promise.all(this.#aftermath);
    const { authentication, metrics, tlsRecord } = this.#composed;
    await metrics?.stop();
    await tlsRecord?.save();
    await this.#lasting.endWork();
    await stopModules({ modules: this.#gateModules, log: this.#parts.log });
    await authentication.close();
    this.#desk.end();
    await this.#lasting.end();
  }

  async #renew({ options: wanted, modules, moduleNames, count }: Renewal): Promise<readonly string[]> {
    const { options, later } = heldKeys(this.#composed.house.options, wanted);
    const { log } = this.#parts;
    // Workers that run would not ask before they change what others promise to keep.
    if (!this.#retained && asksForRetention(options)) throw new Error(`intake.retain_days is new: ${STOP}`);
    // Some mistakes show only when everything is put together.
    const { gates } = composeHouse(options, { modules, log, clock: this.#clock }, { kind: 'above', shared: this.#own });
    const gateModules = withGates(modules);
    const before = this.#options;
    this.#options = options;
    try {
      await startModules({ modules: gateModules });
      await this.#crew.renew(this.#taskOf({ ...this.#parts, options, moduleNames }), count);
    } catch (error) {
      this.#options = before;
      await stopModules({ modules: gateModules, log });
      throw error;
    }
    await this.#useGates(gates, gateModules);
    this.#composed.house.audit?.renewed(options);
    log.info('gateway.renewed', { workers: count, later });
    return later;
  }

  /** What waits behind replies is checked by these from now on. */
  async #useGates(gates: ReadonlyMap<string, Gate>, modules: readonly Module[]): Promise<void> {
    const { gates: inForce } = this.#composed;
    inForce.clear();
    for (const [name, gate] of gates) inForce.set(name, gate);
    const before = this.#gateModules;
    this.#gateModules = modules;
    await stopModules({ modules: before, log: this.#parts.log });
  }

  #taskOf({
    options,
    moduleNames,
    tlsKeylog,
  }: Pick<SupervisedParts, 'options' | 'moduleNames' | 'tlsKeylog'>): WorkerTask {
    const { house, metrics } = this.#composed;
    const { audit } = house;
    const isRetained = () => this.#retained;
    return {
      ...{ options, modules: moduleNames, tlsKeylog, counted: metrics !== undefined, audited: audit !== undefined },
      /** Known when the start has read accounts and book. */
      get retained() {
        return isRetained();
      },
    };
  }

  #answers({ folder }: WorkerProcess): Answers {
    const { house, metrics } = this.#composed;
    return {
      [houseNamed('counted')]: ({ argument }) => {
        const counts: Counts | undefined = metrics?.counts;
        if (counts !== undefined) countAll(TO_SUPERVISOR.counted.parse(argument), counts);
      },
      [houseNamed('root')]: ({ argument }) => {
        const { account, root } = TO_SUPERVISOR.root.parse(argument);
        return house.deliveries?.remember(account, root);
      },
      [houseNamed('handOver')]: ({ argument }) =>
        house.intake.takeIn(folder, TO_SUPERVISOR.handOver.parse(argument).upload),
      [houseNamed('isChecked')]: ({ argument }) => {
        const { account, path } = TO_SUPERVISOR.isChecked.parse(argument);
        return house.intake.isChecked(account, path);
      },
      [houseNamed('published')]: ({ argument }) => {
        const { root, ...newer } = TO_SUPERVISOR.published.parse(argument);
        house.intake.hearPublished(root === undefined ? newer : { ...newer, root });
      },
      [houseNamed('receipt')]: async ({ argument }) => {
        const issued = await house.intake.issueReceipt(TO_SUPERVISOR.receipt.parse(argument));
        house.intake.noteSettled();
        return issued ?? null;
      },
    };
  }

  /** For the metrics. */
  #numbers(): MetricsSource {
    const { house } = this.#composed;
    const seen = () => this.#seen;
    return {
      get sessions() {
        return seen().sessions;
      },
      get certificates() {
        return seen().certificates;
      },
      get uploads() {
        return house.intake.items();
      },
      get audit() {
        return house.audit?.numbers;
      },
      get deliveries() {
        return house.deliveries?.overview ?? [];
      },
      refresh: () => this.#look(),
    };
  }

  async #look(): Promise<void> {
    const [sessions, certificates] = await Promise.all([
      this.sessions,
      // All of them show the same, but for the moment in which files change.
      this.#crew.serving[0]?.certificates().catch(() => undefined),
      this.#ofAll((worker) => worker.flush().then(() => [])),
    ]);
    this.#seen = { sessions, certificates: certificates ?? this.#seen.certificates };
  }

  async #sessionsOf(account: string, asking: Correspondent): Promise<readonly SessionSummary[]> {
    return this.#ofAll((worker) =>
      worker.correspondent === asking ? Promise.resolve([]) : worker.sessionsOf(account),
    );
  }

  /** What all workers say; of one that does not answer nothing. */
  async #ofAll<Item>(ask: (worker: WorkerProcess) => Promise<readonly Item[]>): Promise<readonly Item[]> {
    const said = await Promise.allSettled(this.#crew.all.map(ask));
    return said.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  }

  #settleAfter(worker: WorkerProcess, end: WorkerEnd): void {
    const { log } = this.#parts;
    const settling = this.#settle(worker, end).finally(() => {
      this.#aftermath.delete(settling);
      this.#settledOf(worker).resolve();
    });
    this.#aftermath.add(settling);
    aside(
      () => settling,
      (error) => log.error('worker.not_settled', { worker: worker.number, error }),
    );
  }

  #attach(worker: WorkerProcess): void {
    this.#composed.house.intake.expectWorker(worker.folder);
    this.#desk.attach(worker.correspondent, this.#settledOf(worker).promise);
  }

  #settledOf(worker: WorkerProcess): PromiseWithResolvers<void> {
    const known = this.#settled.get(worker) ?? Promise.withResolvers<void>();
    this.#settled.set(worker, known);
    return known;
  }

  async #settle({ number, pid, folder }: WorkerProcess, end: WorkerEnd): Promise<void> {
    const { intake, audit } = this.#composed.house;
    const { exitCode, signal, sessions } = end;
    // When this is recorded, all that the worker had recorded is.
    if (!end.expected) await audit?.workerEnded({ worker: number, pid, exit_code: exitCode, signal, sessions });
    await intake.takeOver(folder);
  }
}

const STOP = 'that takes another start of the gateway';

function withGates(modules: readonly Module[]): readonly Module[] {
  return modules.filter(({ gates = [] }) => gates.length > 0);
}
