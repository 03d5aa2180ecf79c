/** The ways in which a client can reach a gateway: every TLS version, mode and address family. */
import type { TestGateway } from '../fixtures/gateway.ts';

/** What a client must know of a gateway, in this process or another. */
export type Reachable = Pick<TestGateway, 'host' | 'port' | 'user' | 'password' | 'certificates'>;

/** One way. */
export interface Way {
  /** As it stands in the names of tests. */
  readonly name: string;
  readonly version: '1.2' | '1.3';
  readonly mode: 'passive' | 'active';
  readonly family: 'IPv4' | 'IPv6';
}

/** A way without TLS, for a client that knows none. */
export type ClearWay = Omit<Way, 'version'> & { readonly version: 'none' };

/** With TLS or without. */
export type AnyWay = Way | ClearWay;

const ALL_WAYS: readonly Way[] = (['1.2', '1.3'] as const).flatMap((version) =>
  (['passive', 'active'] as const).flatMap((mode) =>
    (['IPv4', 'IPv6'] as const).map((family) => ({
      version,
      mode,
      family,
      name: `TLS ${version}, ${mode}, ${family}`,
    })),
  ),
);

/** The ways that a client knows: all of them, or those that `knows` names. */
export function waysOf(knows: Partial<Omit<Way, 'name'>> = {}): readonly Way[] {
  return ALL_WAYS.filter(
    ({ version, mode, family }) =>
      (knows.version ?? version) === version && (knows.mode ?? mode) === mode && (knows.family ?? family) === family,
  );
}

/** TLS 1.3, passive, IPv4: for tests in which the way does not matter. */
export const PLAIN_WAY: Way = { name: 'TLS 1.3, passive, IPv4', version: '1.3', mode: 'passive', family: 'IPv4' };

/** The four ways of a client that knows no TLS. */
export const CLEAR_WAYS: readonly ClearWay[] = waysOf({ version: '1.3' }).map((way) => ({
  ...way,
  version: 'none',
  name: way.name.replace('TLS 1.3', 'no TLS'),
}));

/** The address that a gateway listens on for this way. */
export function hostOf({ family }: AnyWay): string {
  return family === 'IPv4' ? '127.0.0.1' : '::1';
}

/** The place of the gateway in a URL. */
export function authorityOf({ host, port }: Reachable): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
