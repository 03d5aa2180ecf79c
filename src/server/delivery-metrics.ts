/** The numbers of deliveries, by the names that the configuration gives them. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { DeliveryOverview } from '../delivery/deliveries.ts';

/** Adds them: looked up when somebody asks. */
export function addDeliveries(registry: Registry, deliveries: () => readonly DeliveryOverview[]): void {
  const registers = [registry];
  const gauge = (name: string, help: string, of: (delivery: DeliveryOverview) => number) =>
    new Gauge({
      ...{ name, help, registers, labelNames: ['delivery'] },
      collect() {
        this.reset();
        for (const delivery of deliveries()) this.set({ delivery: delivery.name }, of(delivery));
      },
    });
  gauge('sallyport_deliveries_pending', 'Published files that are to be handed on.', ({ pending }) => pending);
  gauge('sallyport_deliveries_dead', 'Files that were given up and wait for an operator.', ({ dead }) => dead);
  gauge(
    'sallyport_deliveries_oldest_timestamp_seconds',
    'When the longest waiting of those that are pending was published: seconds since 1970 (UTC); 0 when none waits.',
    ({ oldestMs = 0 }) => Math.floor(oldestMs / 1_000),
  );
  new Counter({
    name: 'sallyport_delivery_attempts_total',
    help: 'Attempts to hand a file on.',
    ...{ registers, labelNames: ['delivery', 'result'] },
    collect() {
      this.reset();
      for (const { name: delivery, made, failed } of deliveries()) {
        this.inc({ delivery, result: 'ok' }, made);
        this.inc({ delivery, result: 'failed' }, failed);
      }
    },
  });
}
