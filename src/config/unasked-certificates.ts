/**
 * Finds accounts, and ways to log in, that need a client certificate where nobody is asked for one: the mistake would
 * otherwise show only when somebody is refused.
 */
import { z } from 'zod';
import type { KeyPath } from './key-names.ts';
import type { Finding } from './reality.ts';

/** Who needs a certificate that is never asked for. The value need not be valid otherwise. */
export function unaskedCertificates(value: unknown): Finding[] {
  const { authentication = [] } = sketch.parse(value);
  if (askingPlaces(value).length > 0) return unaskedAccounts(value);
  return [
    ...authentication.flatMap(({ type, account }, index) => [
      ...(type === 'certificate' ? [{ path: ['authentication', index, 'type'], message: NOBODY_ASKED }] : []),
      ...demandIn(account).map((key) => ({ path: ['authentication', index, 'account', key], message: NOBODY_ASKED })),
    ]),
    ...unaskedAccounts(value),
  ];
}

/**
 * The same for `accounts` of another file, at the places that they have there; without them for those of the value. An
 * account may log in at the gateway itself, and at each host that has no list of users or has it in there.
 */
export function unaskedAccounts(value: unknown, accounts: unknown = sketch.parse(value).users): Finding[] {
  const asking = askingPlaces(value);
  const message = asking.length > 0 ? NOT_ASKED_THERE : NOBODY_ASKED;
  return accountList.parse(accounts).flatMap((account, index): Finding[] => {
    const asked = asking.some(({ users }) => users === undefined || users.includes(account.name));
    return asked ? [] : demandIn(account).map((key) => ({ path: ['users', index, key] satisfies KeyPath, message }));
  });
}

const NOBODY_ASKED = 'needs tls.client_certificate: optional or required';
const NOT_ASKED_THERE = 'needs client_certificate: optional or required where this account may log in';

/** The gateway and the hosts that ask, with those who may log in there; undefined for everybody. */
function askingPlaces(value: unknown): { readonly users: readonly unknown[] | undefined }[] {
  const { tls = {}, hosts = [] } = sketch.parse(value);
  const places = [
    { mode: tls.clientCertificate, users: undefined },
    ...hosts.map(({ clientCertificate = tls.clientCertificate, users }) => ({ mode: clientCertificate, users })),
  ];
  return places.filter(({ mode }) => mode === 'optional' || mode === 'required');
}

/** The first key by which an account demands a certificate, as a list of one; an empty list demands nothing. */
function demandIn(account: Demand | undefined): string[] {
  const key = DEMANDING.find((one) => {
    const written = account?.[one];
    return written === 'required' || (Array.isArray(written) && written.length > 0);
  });
  return key === undefined ? [] : [key];
}

const DEMANDING = ['clientCertificate', 'certificateFingerprints', 'certificatePublicKeys'] as const;

const text = z.string().optional().catch(undefined);

const account = z
  .object({
    name: z.unknown(),
    clientCertificate: z.unknown(),
    certificateFingerprints: z.unknown(),
    certificatePublicKeys: z.unknown(),
  })
  .partial()
  .catch({});

type Demand = z.output<typeof account>;

const accountList = z.array(account).catch([]);

/** The parts that are looked at; what has another form than expected counts as absent, for the schema reports it. */
const sketch = z
  .object({
    tls: z.object({ clientCertificate: text }).optional().catch(undefined),
    hosts: z
      .array(z.object({ clientCertificate: text, users: z.array(z.unknown()).optional().catch(undefined) }).catch({}))
      .optional()
      .catch(undefined),
    users: z.unknown(),
    authentication: z
      .array(z.object({ type: text, account: account.optional() }).catch({}))
      .optional()
      .catch(undefined),
  })
  .partial()
  .catch({});
