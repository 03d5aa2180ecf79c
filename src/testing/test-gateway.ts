/** A gateway for testing one's own FTPS client: on a free port, with a throwaway certificate and files in memory. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { makeAuthority, makeKey, makeServerCertificate } from '../cli/certificates.ts';
import type { GatewayOptionsInput } from '../config/options.ts';
import { systemClock } from '../lib/clock.ts';
import { createGateway } from '../server/gateway.ts';
import type { Gateway, GatewayParts } from '../server/gateway-parts.ts';
import type { Account, Authenticator } from '../spi/authenticator.ts';
import { parsePermissions } from '../spi/permissions.ts';
import { MemoryFiles } from '../storage/memory.ts';

/** What a test may want otherwise. */
export interface TestGatewayOptions {
  /** `partner` by default. */
  readonly user?: string;
  /** `secret` by default. */
  readonly password?: string;
  /** Permission letters; all of them by default. */
  readonly permissions?: string;
  /** Options of the gateway in place of those of the test: `sessionReuse`, `closeNotify`, `limits` and all others. */
  readonly options?: Partial<GatewayOptionsInput>;
  /** Modules, commands, a clock, a log. */
  readonly parts?: GatewayParts;
}

/** A gateway that runs, and what a client needs to reach it. `await using` closes it. */
export interface TestGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The authority that the client has to trust, PEM. The certificate is for `localhost`, `127.0.0.1` and `::1`. */
  readonly ca: string;
  /** What the client sees as `/`: put files there, and look at what it stored. */
  readonly files: MemoryFiles;
  close(): Promise<void>;
}

/** Starts one on 127.0.0.1. Explicit TLS, unless `options.listen` says otherwise. */
export async function startTestGateway(wanted: TestGatewayOptions = {}): Promise<TestGateway> {
  const { user = 'partner', password = 'secret', permissions = 'elradfmwMT', options = {}, parts = {} } = wanted;
  certificates ??= makeCertificates();
  const { ca, certificate, key } = await certificates;
  const files = new MemoryFiles();
  const letters = parsePermissions(permissions);
  if (letters === undefined) throw new TypeError(`'${permissions}' are no permission letters`);
  const account: Account = {
    name: user,
    files,
    permissions: letters,
    directories: [],
    existing: 'replace',
    onIncomplete: 'keep',
  };
  const gateway = createGateway(
    {
      listen: [{ host: '127.0.0.1', port: 0 }],
      tls: { certificate, key },
      passive: { portMin: 0, portMax: 0 },
      ...options,
    },
    { ...parts, authenticators: [onlyAccount(account, password), ...(parts.authenticators ?? [])] },
  );
  await gateway.start();
  const [address] = gateway.addresses;
  const close = () => gateway.close();
  return {
    gateway,
    host: address?.host ?? '127.0.0.1',
    port: address?.port ?? 0,
    user,
    password,
    ca,
    files,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Knows one account; what others say is for the next authenticator. */
function onlyAccount(account: Account, password: string): Authenticator {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return {
    name: 'test',
    async authenticate(credentials) {
      if (credentials.user !== account.name || credentials.password === undefined) return { verdict: 'declined' };
      const proven = timingSafeEqual(digest(credentials.password.reveal()), digest(password));
      return proven ? { verdict: 'accepted', account } : { verdict: 'refused', reason: 'wrong password' };
    },
  };
}

interface Certificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Made once for a process: their keys never leave its memory. */
let certificates: Promise<Certificates> | undefined;

async function makeCertificates(): Promise<Certificates> {
  const validity = { nowMs: systemClock.now(), days: 2 };
  const [authorityKey, key] = await Promise.all([makeKey(2048), makeKey(2048)]);
  const ca = makeAuthority(authorityKey, validity);
  const names = ['localhost', '127.0.0.1', '::1'];
  const certificate = makeServerCertificate(key, { cert: ca, key: authorityKey }, { ...validity, names });
  return { ca, certificate, key };
}
