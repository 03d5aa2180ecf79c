/** What the package offers by name. A name that is missing here was taken from those who use it; a new one is a promise. */
import { expect, expectTypeOf, test } from 'vitest';
import type { Account, CertificateDemand } from '../../src/index.ts';
import * as main from '../../src/index.ts';
import * as testing from '../../src/testing.ts';

test('the names of sallyport', () => {
  expect(Object.keys(main).sort()).toEqual([
    'AuthoritiesRefused',
    'CertificatesRefused',
    'DECLINED',
    'ERROR',
    'Fault',
    'HANDLED',
    'MemoryFiles',
    'NOTHING',
    'PATH',
    'PATH_OR_CWD',
    'ROOT',
    'Secret',
    'TotpLedger',
    'UserRefused',
    'authenticatorOf',
    'baseName',
    'createGateway',
    'createLocalStorage',
    'createLogger',
    'createUserTable',
    'decorate',
    'defineCommand',
    'defineDirective',
    'defineGate',
    'defineModule',
    'defineRefusal',
    'hashPassword',
    'isPositive',
    'isWithin',
    'orFault',
    'parentOf',
    'parsePermissions',
    'reply',
    'resolvePath',
    'silentLog',
    'systemClock',
    'text',
    'twoPaths',
    'verifyPassword',
    'z',
  ]);
});

test('the names of sallyport/testing', () => {
  expect(Object.keys(testing).sort()).toEqual([
    'FakeClock',
    'MemoryFiles',
    'authenticatorConformance',
    'fileSystemConformance',
    'startTestGateway',
    'virtualPath',
  ]);
});

test('what an account of a program may demand of certificates has a name', () => {
  expectTypeOf<NonNullable<Account['clientCertificate']>>().toEqualTypeOf<CertificateDemand>();
});
