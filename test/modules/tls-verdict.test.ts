/** What a stricter policy would do, judged on records that are made up. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Behaviour, type TlsRecordData, tlsRecordData } from '../../src/modules/tls-record.ts';
import {
  type Asked,
  type TriedPolicy,
  tryPolicy,
  VERDICTS,
  type Verdict,
  worstVerdicts,
} from '../../src/modules/tls-verdict.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 5, 1);
const ASKED: Asked = { accounts: [], sinceMs: NOW_MS - 90 * DAY_MS, hybridsOffered: true };

const AES_1_3 = 'TLS_AES_256_GCM_SHA384';
const CHACHA_1_3 = 'TLS_CHACHA20_POLY1305_SHA256';
const AES_1_2 = 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384';

const LOGIN: Behaviour & { channel: 'control' } = {
  channel: 'control',
  version: 'TLSv1.3',
  suite: AES_1_3,
  serverName: true,
  certificate: 'not_asked',
};
const login = (facts: Partial<typeof LOGIN> = {}): Behaviour => ({ ...LOGIN, ...facts });
const OLD = login({ version: 'TLSv1.2', suite: AES_1_2, group: 'x25519' });
const CLEAR: Behaviour = { channel: 'control', version: 'none', serverName: false, certificate: 'not_asked' };
const data = (facts: Partial<Behaviour & { channel: 'data' }> = {}): Behaviour => ({
  channel: 'data',
  use: 'upload',
  version: 'TLSv1.3',
  suite: AES_1_3,
  resumed: true,
  closeNotify: true,
  ...facts,
});
const CLEAR_DATA: Behaviour = { channel: 'data', use: 'upload', version: 'none' };

describe('one option and what was seen of one account', () => {
  const table: readonly (readonly [string, TriedPolicy, readonly Behaviour[], Verdict])[] = [
    ['TLS 1.2 alone', { minVersion: 'TLSv1.3' }, [OLD], 'breaks'],
    ['TLS 1.2 and 1.3', { minVersion: 'TLSv1.3' }, [OLD, login()], 'might'],
    ['TLS 1.3 alone', { minVersion: 'TLSv1.3' }, [login()], 'fine'],
    ['TLS 1.2 where it stays', { minVersion: 'TLSv1.2' }, [OLD], 'fine'],
    ['a data channel of TLS 1.2', { minVersion: 'TLSv1.3' }, [login(), data({ version: 'TLSv1.2' })], 'breaks'],
    ['a login in clear, which it does not touch', { minVersion: 'TLSv1.3' }, [CLEAR], 'fine'],
    ['a data channel alone, in clear', { minVersion: 'TLSv1.3' }, [CLEAR_DATA], 'unknown'],
    ['nothing', { minVersion: 'TLSv1.3' }, [], 'unknown'],

    ['a suite that is left', { suites: [AES_1_3] }, [login()], 'fine'],
    ['another suite of the same version', { suites: [CHACHA_1_3] }, [login()], 'might'],
    ['TLS 1.2 where suites of 1.3 alone are left', { suites: [AES_1_3] }, [OLD], 'breaks'],
    ['TLS 1.3 where suites of 1.2 alone are left', { suites: [AES_1_2] }, [login()], 'might'],
    ['no suite left', { suites: [] }, [login()], 'breaks'],

    ['a group that is left', { groups: ['X25519'] }, [OLD], 'fine'],
    ['another group', { groups: ['secp256r1'] }, [OLD], 'might'],
    ['a group that nobody knows', { groups: ['secp256r1'] }, [login()], 'unknown'],

    ['a hybrid group', { postQuantum: 'required' }, [login({ group: 'X25519MLKEM768' })], 'fine'],
    ['no hybrid group', { postQuantum: 'required' }, [login({ group: 'x25519' })], 'breaks'],
    ['a group that is not known', { postQuantum: 'required' }, [login()], 'unknown'],
    ['TLS 1.2, which has none', { postQuantum: 'required' }, [OLD], 'breaks'],
    ['a login that it refused', { postQuantum: 'required' }, [login({ refused: 'post_quantum' })], 'breaks'],
    ['a login in clear, which has no keys at all', { postQuantum: 'required' }, [CLEAR], 'breaks'],
    [
      'a hybrid group, and a transfer in clear',
      { postQuantum: 'required' },
      [login({ group: 'X25519MLKEM768' }), CLEAR_DATA],
      'breaks',
    ],
    [
      'a hybrid group, and now and then another one on the data channel',
      { postQuantum: 'required' },
      [login({ group: 'X25519MLKEM768' }), data({ group: 'x25519' }), data({ group: 'X25519MLKEM768' })],
      'might',
    ],
    [
      'data that it refused, of whose group nothing else is known',
      { postQuantum: 'required' },
      [login({ group: 'X25519MLKEM768' }), { channel: 'data', use: 'upload', refused: 'post_quantum' }],
      'breaks',
    ],
    ['no hybrid group where it is only preferred', { postQuantum: 'preferred' }, [OLD], 'fine'],

    ['a certificate', { clientCertificate: 'required' }, [login({ certificate: 'trusted' })], 'fine'],
    ['no certificate', { clientCertificate: 'required' }, [login({ certificate: 'none' })], 'breaks'],
    [
      'not the one that the account demands',
      { clientCertificate: 'required' },
      [login({ certificate: 'trusted', refused: 'certificate' })],
      'breaks',
    ],
    [
      'an account that demands one where nobody is asked',
      { clientCertificate: 'required' },
      [login({ refused: 'certificate' })],
      'unknown',
    ],
    [
      'data without the certificate of the login',
      { clientCertificate: 'required' },
      [login({ certificate: 'trusted' }), { channel: 'data', use: 'upload', refused: 'certificate' }],
      'breaks',
    ],
    [
      'data without it now and then',
      { clientCertificate: 'required' },
      [
        login({ certificate: 'trusted' }),
        { channel: 'data', use: 'upload', refused: 'certificate' },
        data({ certificate: 'same' }),
      ],
      'might',
    ],
    [
      'data where no login showed one',
      { clientCertificate: 'required' },
      [login({ certificate: 'none' }), login({ certificate: 'trusted' }), data()],
      'might',
    ],
    [
      'data without the certificate, where none is required',
      { clientCertificate: 'optional' },
      [{ channel: 'data', use: 'upload', refused: 'certificate' }],
      'fine',
    ],
    ['nobody asked for one', { clientCertificate: 'required' }, [login()], 'unknown'],
    ['clear, where none can be shown', { clientCertificate: 'required' }, [CLEAR], 'breaks'],
    [
      'a certificate once and none once',
      { clientCertificate: 'required' },
      [login({ certificate: 'trusted' }), login({ certificate: 'none' })],
      'might',
    ],

    ['a login in clear', { tlsControlRequired: true }, [CLEAR], 'breaks'],
    ['a login in clear where that is allowed', { tlsControlRequired: false }, [CLEAR], 'fine'],
    ['a login over TLS', { tlsControlRequired: true }, [OLD], 'fine'],
    ['transfers alone', { tlsControlRequired: true }, [data()], 'unknown'],

    ['a transfer in clear', { tlsDataRequired: true }, [login(), CLEAR_DATA], 'breaks'],
    ['one in clear and one not', { tlsDataRequired: true }, [data(), CLEAR_DATA], 'might'],
    [
      'PASV that was answered 521',
      { tlsDataRequired: true },
      [{ channel: 'data', version: 'none', refused: 'protection' }],
      'breaks',
    ],
    ['no transfer', { tlsDataRequired: true }, [login()], 'unknown'],

    ['resumed', { sessionReuse: 'required' }, [data()], 'fine'],
    ['not resumed', { sessionReuse: 'required' }, [data({ resumed: false })], 'breaks'],
    [
      'refused with 522',
      { sessionReuse: 'required' },
      [{ channel: 'data', use: 'download', refused: 'session_reuse' }],
      'breaks',
    ],
    [
      'refused in its handshake',
      { sessionReuse: 'required' },
      [{ channel: 'data', use: 'download', refused: 'handshake' }],
      'unknown',
    ],
    [
      'refused with 522 for its certificate, which a resumed session has in it',
      { sessionReuse: 'required' },
      [{ channel: 'data', use: 'download', refused: 'certificate' }],
      'breaks',
    ],
    [
      'resumed, and refused for the group of its keys',
      { sessionReuse: 'required' },
      [data({ resumed: true, refused: 'post_quantum' })],
      'fine',
    ],
    ['resumed now and then', { sessionReuse: 'required' }, [data(), data({ resumed: false })], 'might'],
    ['not resumed where it is preferred', { sessionReuse: 'preferred' }, [data({ resumed: false })], 'fine'],
    [
      'refused with 521 before that was asked',
      { sessionReuse: 'required' },
      [{ channel: 'data', use: 'upload', version: 'none', refused: 'protection' }],
      'unknown',
    ],
    ['data in clear, which has nothing to resume', { sessionReuse: 'required' }, [CLEAR_DATA], 'fine'],

    ['ended well', { closeNotify: 'required' }, [data()], 'fine'],
    ['ended without', { closeNotify: 'required' }, [data({ closeNotify: false })], 'breaks'],
    [
      'refused with 426',
      { closeNotify: 'required' },
      [data({ closeNotify: false, refused: 'close_notify' })],
      'breaks',
    ],
    [
      'downloads alone',
      { closeNotify: 'required' },
      [{ channel: 'data', use: 'download', version: 'TLSv1.3', resumed: true }],
      'unknown',
    ],
    [
      'an upload that was refused with 521 before it began',
      { closeNotify: 'required' },
      [{ channel: 'data', use: 'upload', version: 'none', refused: 'protection' }],
      'unknown',
    ],
    ['ended without where nobody looks', { closeNotify: 'off' }, [data({ closeNotify: false })], 'fine'],
  ];

  test.each(table)('%s under %j', (_, policy, behaviours, verdict) => {
    const [outcome, ...others] = tryPolicy(recordOf({ acme: behaviours }), policy, { ...ASKED, accounts: ['acme'] });
    expect(others).toEqual([]);
    expect(outcome?.findings.map((finding) => finding.verdict)).toEqual([verdict]);
  });
});

test('who came without a hybrid group where none is offered may know one', () => {
  const record = recordOf({ acme: [login({ group: 'x25519' })] });
  const outcomes = tryPolicy(record, { postQuantum: 'required' }, { ...ASKED, hybridsOffered: false });
  expect(worstVerdicts(outcomes).get('acme')).toBe('unknown');
});

test('what was last seen before the days that count says nothing, and when that was is told', () => {
  const record = recordOf({ acme: [OLD] }, ASKED.sinceMs - 1);
  const [outcome] = tryPolicy(record, { minVersion: 'TLSv1.3' }, ASKED);
  expect(outcome?.findings).toMatchObject([{ verdict: 'unknown', evidence: [], lastMs: ASKED.sinceMs - 1 }]);
});

test('accounts that were never seen are unknown, and all come in the order of their names', () => {
  const record = recordOf({ zoe: [login()], bob: [OLD] });
  const outcomes = tryPolicy(record, { minVersion: 'TLSv1.3' }, { ...ASKED, accounts: ['zoe', 'carol'] });
  expect([...worstVerdicts(outcomes)]).toEqual([
    ['bob', 'breaks'],
    ['carol', 'unknown'],
    ['zoe', 'fine'],
  ]);
});

test('the evidence adds up over suites, tells programs apart, and begins with what would be refused', () => {
  const record = recordOf({
    acme: [login({ client: 'new' }), OLD, { ...OLD, suite: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256' }],
  });
  const [outcome] = tryPolicy(record, { minVersion: 'TLSv1.3' }, ASKED);
  expect(outcome?.findings[0]?.evidence).toMatchObject([
    { fate: 'refused', what: 'TLSv1.2', unit: 'login', count: 2, client: undefined },
    { fate: 'let_in', what: 'TLSv1.3', unit: 'login', count: 1, client: 'new' },
  ]);
});

describe('whatever was seen', () => {
  const behaviours = fc.array(fc.oneof(controls(), datas()), { maxLength: 6 });
  const records = fc.dictionary(fc.constantFrom('a', 'b', 'c'), behaviours).map((accounts) => recordOf(accounts));

  test('to tighten a policy makes no verdict better', () => {
    const pairs = policies().chain((loose) => tightened(loose).map((tight) => ({ loose, tight })));
    fc.assert(
      fc.property(records, pairs, fc.boolean(), (record, { loose, tight }, hybridsOffered) => {
        const asked = { ...ASKED, accounts: ['a', 'd'], hybridsOffered };
        const before = worstVerdicts(tryPolicy(record, loose, asked));
        const after = worstVerdicts(tryPolicy(record, tight, asked));
        for (const [account, verdict] of before) {
          expect(VERDICTS.indexOf(after.get(account) ?? 'fine')).toBeGreaterThanOrEqual(VERDICTS.indexOf(verdict));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('who breaks was let in nowhere on one of the channels; who is fine was refused on none', () => {
    fc.assert(
      fc.property(records, policies(), (record, policy) => {
        for (const { verdict, evidence } of tryPolicy(record, policy, ASKED).flatMap(({ findings }) => findings)) {
          const fates = new Set(evidence.map(({ fate }) => fate));
          const logins = evidence.filter(({ unit }) => unit === 'login');
          const data = evidence.filter(({ unit }) => unit !== 'login');
          const isLost = [logins, data].some((all) => all.length > 0 && all.every(({ fate }) => fate === 'refused'));
          expect(verdict === 'breaks').toBe(isLost);
          expect(verdict === 'unknown').toBe(evidence.length === 0);
          expect(verdict === 'fine').toBe(fates.size === 1 && fates.has('let_in'));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('who was seen only as the strictest policy wants it is fine', () => {
    const group = 'X25519MLKEM768';
    const good = fc.array(fc.constantFrom(login({ group, certificate: 'trusted' }), data({ group })), {
      minLength: 1,
      maxLength: 5,
    });
    const strictest: TriedPolicy = {
      minVersion: 'TLSv1.3',
      suites: [AES_1_3],
      groups: ['X25519MLKEM768'],
      tlsControlRequired: true,
      tlsDataRequired: true,
      sessionReuse: 'required',
      closeNotify: 'required',
      postQuantum: 'required',
      clientCertificate: 'required',
    };
    fc.assert(
      fc.property(good, (behavioursSeen) => {
        const outcomes = tryPolicy(recordOf({ a: behavioursSeen }), strictest, ASKED);
        expect(outcomes).toHaveLength(Object.keys(strictest).length);
        for (const { findings } of outcomes) expect(['fine', 'unknown']).toContain(findings[0]?.verdict);
      }),
    );
  });
});

/** A record of these accounts, each behaviour seen once; it has to pass the schema that files do. */
function recordOf(accounts: Readonly<Record<string, readonly Behaviour[]>>, atMs = NOW_MS - DAY_MS): TlsRecordData {
  return tlsRecordData.parse({
    format: 'sallyport-tls-inventory',
    version: 1,
    sinceMs: 0,
    savedMs: NOW_MS,
    dropped: { accounts: 0, strangers: 0 },
    accounts: Object.entries(accounts).map(([name, behaviours]) => ({
      name,
      dropped: 0,
      networks: [],
      behaviours: behaviours.map((behaviour) => ({ behaviour, count: 1, firstMs: atMs, lastMs: atMs })),
    })),
    strangers: [],
  });
}

function controls(): fc.Arbitrary<Behaviour> {
  return fc
    .record({
      version: fc.constantFrom('TLSv1.2', 'TLSv1.3', 'none'),
      suite: fc.constantFrom(AES_1_2, AES_1_3, CHACHA_1_3),
      group: fc.constantFrom('x25519', 'secp256r1', 'X25519MLKEM768', undefined),
      certificate: fc.constantFrom('trusted', 'none', 'not_asked'),
      refused: fc.constantFrom('post_quantum', 'certificate', undefined),
      client: fc.constantFrom('one', 'two', undefined),
    })
    .map((facts) => (facts.version === 'none' ? CLEAR : { ...LOGIN, ...facts }));
}

function datas() {
  return fc
    .record({
      use: fc.constantFrom('upload', 'download', 'listing', undefined),
      version: fc.constantFrom('TLSv1.2', 'TLSv1.3', 'none', undefined),
      suite: fc.constantFrom(AES_1_2, AES_1_3, undefined),
      group: fc.constantFrom('x25519', 'X25519MLKEM768', undefined),
      resumed: fc.constantFrom(true, false, undefined),
      closeNotify: fc.constantFrom(true, false, undefined),
      certificate: fc.constantFrom('same', undefined),
      refused: fc.constantFrom(
        ...(['protection', 'session_reuse', 'certificate', 'post_quantum', 'close_notify', 'handshake'] as const),
        undefined,
      ),
    })
    .map((facts): Behaviour => ({ channel: 'data', ...facts }));
}

const SUITES = [AES_1_2, AES_1_3, CHACHA_1_3];
const GROUPS = ['x25519', 'secp256r1', 'X25519MLKEM768'];
const LEVELS = {
  minVersion: ['TLSv1.2', 'TLSv1.3'],
  tlsControlRequired: [false, true],
  tlsDataRequired: [false, true],
  sessionReuse: ['off', 'preferred', 'required'],
  closeNotify: ['off', 'preferred', 'required'],
  postQuantum: ['off', 'preferred', 'required'],
  clientCertificate: ['off', 'optional', 'required'],
} as const;

function policies(): fc.Arbitrary<TriedPolicy> {
  return fc.record(
    {
      minVersion: fc.constantFrom(...LEVELS.minVersion),
      suites: fc.subarray(SUITES),
      groups: fc.subarray(GROUPS),
      tlsControlRequired: fc.boolean(),
      tlsDataRequired: fc.boolean(),
      sessionReuse: fc.constantFrom(...LEVELS.sessionReuse),
      closeNotify: fc.constantFrom(...LEVELS.closeNotify),
      postQuantum: fc.constantFrom(...LEVELS.postQuantum),
      clientCertificate: fc.constantFrom(...LEVELS.clientCertificate),
    },
    { requiredKeys: [] },
  );
}

/** Policies that refuse whatever this one does, and perhaps more. */
function tightened(loose: TriedPolicy): fc.Arbitrary<TriedPolicy> {
  return policies().map((other) => ({
    ...other,
    ...Object.fromEntries(Object.entries(loose).map(([option, value]) => [option, stricter(option, value, other)])),
  }));
}

function stricter(option: string, value: unknown, other: TriedPolicy): unknown {
  const wanted: unknown = Reflect.get(other, option) ?? value;
  if (Array.isArray(value)) return value.filter((name) => Array.isArray(wanted) && wanted.includes(name));
  const levels: readonly unknown[] = Reflect.get(LEVELS, option);
  return levels[Math.max(levels.indexOf(value), levels.indexOf(wanted))];
}
