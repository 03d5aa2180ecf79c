/**
 * Sallyport as a library: the same gateway that the `sallyport` command runs, inside a program or a test.
 *
 * ```ts
 * const gateway = createGateway({ listen: [{ port: 0 }], tls: { certificate, key }, users: [...] });
 * await gateway.start();
 * console.log(gateway.addresses);
 * await gateway.close();
 * ```
 */
export { hashPassword } from './auth/password-hash.ts';
export type { GatewayOptions, GatewayOptionsInput } from './config/options.ts';
export type { Clock, Timer } from './lib/clock.ts';
export { Secret } from './lib/secret.ts';
export type { Gateway, GatewayAddress, GatewayParts } from './server/gateway.ts';
export { createGateway } from './server/gateway.ts';
export type { LogOptions } from './server/logger.ts';
export { createLogger } from './server/logger.ts';
export type { Log, LogFields } from './spi/log.ts';
