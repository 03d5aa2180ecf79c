/** Classes as they are written down: names for kinds of sessions, told apart by network, TLS, host and time of day. */
import { z } from 'zod';
import { parseHostName } from '../protocol/host-name.ts';
import { parseIpNetwork } from '../protocol/ip-network.ts';
import { DAYS, parseClockTime, parseDays } from './week-time.ts';

/** What TLS on the control channel must be like; `{}` asks for TLS as such. */
export const classTlsOptions = z.strictObject({
  /** The oldest version that belongs. */
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).optional(),
  /** `true` is for clients that showed a certificate, `false` for those that showed none. */
  clientCertificate: z.boolean().optional(),
  /** The cipher suites that belong, by their IANA names. */
  suites: z
    .array(z.string().regex(/^TLS_[A-Z0-9_]{1,64}$/, { error: 'must be an IANA name, such as TLS_AES_256_GCM_SHA384' }))
    .min(1)
    .max(100)
    .optional(),
});

/** Days of the week and hours of the day, as clocks on the wall show them. */
export const classTimeOptions = z
  .strictObject({
    /** Days, and ranges of them. A window over midnight belongs to the day on which it begins. */
    days: z
      .array(
        z.string().refine((text) => parseDays(text) !== undefined, {
          error: `must be ${DAYS.join(', ')}, or a range such as mon-fri`,
        }),
      )
      .min(1)
      .max(14)
      .default(['mon-sun']),
    /** The first minute, `HH:MM`. */
    from: clockTime().default('00:00'),
    /** The first minute behind it; earlier than `from`, it is one of the next day. */
    to: clockTime().default('24:00'),
    /** The IANA time zone whose clocks are meant. UTC has no summer time, and is the same everywhere. */
    zone: z
      .string()
      .max(64)
      .refine(isZone, { error: 'must be an IANA time zone, such as UTC or Europe/Berlin' })
      .default('UTC'),
  })
  .refine(({ from, to }) => from !== to, { path: ['to'], error: 'is the same as from, which would be no time at all' });

/** One class. */
export const classOptions = z
  .strictObject({
    /** What rules call it. */
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { error: 'must be 1 to 64 letters, digits and . _ -' }),
    /** Networks of clients in CIDR notation, or single addresses. */
    networks: z
      .array(
        z.string().refine((text) => parseIpNetwork(text) !== undefined, {
          error: 'must be a network such as 192.0.2.0/24 or 2001:db8::/32, with no bits set behind its prefix',
        }),
      )
      .min(1)
      .max(10_000)
      .optional(),
    tls: classTlsOptions.optional(),
    /** Names of hosts, by HOST or SNI. */
    hosts: z
      .array(
        z
          .string()
          .toLowerCase()
          .refine((name) => parseHostName(name) === name, { error: 'must be a domain name' }),
      )
      .min(1)
      .max(1_000)
      .optional(),
    time: classTimeOptions.optional(),
    /** Whether a session must be as all of these say, or as one of them does. */
    satisfy: z.enum(['all', 'any']).default('all'),
  })
  .superRefine(refuseNoCriterion);

/** One class, checked and with its defaults. */
export type ClassOptions = z.output<typeof classOptions>;

function clockTime() {
  return z.string().refine((text) => parseClockTime(text) !== undefined, {
    error: "must be a time such as '08:30', 00:00 to 24:00",
  });
}

function isZone(zone: string): boolean {
  // An offset such as +01:00 would be taken as well, but a place knows when its clocks change.
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    // A RangeError is how Intl says that there is no such zone.
    return false;
  }
}

/** A class that says nothing was meant to say something: to take it for everybody could open what should be closed. */
function refuseNoCriterion(options: Omit<ClassOptions, 'name' | 'satisfy'>, context: z.RefinementCtx): void {
  const { networks, tls, hosts, time } = options;
  if ([networks, tls, hosts, time].some((criterion) => criterion !== undefined)) return;
  context.addIssue({ code: 'custom', message: 'needs at least one of networks, tls, hosts and time' });
}
