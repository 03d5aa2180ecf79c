/** `GET /metrics` over HTTP, for Prometheus and whatever reads its form. It is bounded in all that a caller could make it hold. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { firstOf } from '../lib/first-of.ts';
import type { Counts } from '../modules/metrics-counters.ts';
import type { Log } from '../spi/log.ts';
import { boundTo } from '../transport/listener.ts';
import { Metrics, type MetricsSource } from './metrics.ts';

/** One that asks, and one beside it for the operator, would do. */
const CONNECTIONS_MAX = 16;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
/** How often those two are looked at. */
const CHECK_INTERVAL_MS = 5_000;
/** How long a connection may stand still, an answer that nobody reads included. */
const IDLE_TIMEOUT_MS = 10_000;
const HEADER_BYTES_MAX = 8_192;

/** Where it listens. */
export interface MetricsPlace {
  readonly host: string;
  readonly port: number;
}

/** The endpoint of one gateway. It counts from the beginning, and listens between `start` and `stop`. */
export class MetricsEndpoint {
  readonly #place: MetricsPlace;
  readonly #log: Log;
  readonly #metrics = new Metrics(() => this.#source);
  #source: MetricsSource | undefined;
  #server: Server | undefined;

  constructor(place: MetricsPlace, log: Log) {
    this.#place = place;
    this.#log = log;
  }

  /** Where is counted what happens. */
  get counts(): Counts {
    return this.#metrics.counts;
  }

  /** Where it listens, with the port that was really taken; undefined while it does not. */
  get address(): MetricsPlace | undefined {
    return this.#server && { host: this.#place.host, port: boundTo(this.#server).port };
  }

  /** Listens, unless it does already. @throws the system's error when the address cannot be had. */
  async start(source: MetricsSource): Promise<void> {
    this.#source = source;
    if (this.#server !== undefined) return;
    const server = createServer(
      {
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: CHECK_INTERVAL_MS,
        maxHeaderSize: HEADER_BYTES_MAX,
      },
      (request, response) => void this.#answer(request, response),
    );
    server.maxConnections = CONNECTIONS_MAX;
    server.setTimeout(IDLE_TIMEOUT_MS);
    const listening = firstOf(server, ['listening']);
    server.listen(this.#place);
    await listening;
    // An accept error must not end the process; the connection was not made, so nothing is lost.
    server.on('error', () => undefined);
    this.#server = server;
  }

  /** Listens no more, and drops whoever is asking. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  /** Never throws. */
  async #answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    // An answer a connection: none is held open between two scrapes, nor for a body that is still coming.
    response.setHeader('Connection', 'close');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    if (url.replace(/\?.*$/s, '') !== '/metrics') return end(response, 404, 'There is only /metrics here.\n');
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return end(response, 405, 'Only GET and HEAD are answered here.\n');
    }
    try {
      await this.#source?.refresh?.();
      const text = await this.#metrics.text();
      end(response, 200, text, this.#metrics.contentType);
    } catch (error) {
      this.#log.error('metrics.failed', { error });
      end(response, 500, 'The numbers cannot be had; the log says why.\n');
    }
  }
}

function end(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.statusCode = status;
  response.setHeader('Content-Type', type);
  response.end(text);
}
