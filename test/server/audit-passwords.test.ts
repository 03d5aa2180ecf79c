/** No password, right, wrong or in the wrong place, ever stands in the audit log: random dialogues, with passwords everywhere. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { memoryAuditLog } from '../fixtures/memory-audit-log.ts';

/** No other text has it, so that whatever of it is found was typed. */
const secret = fc.stringMatching(/^Zq[a-z0-9!+=]{6,20}Zq$/);

/** Lines of those who log in, who do it wrongly, and who mistake this server for another one. */
const line = fc.oneof(
  secret.map((text) => `PASS ${text}`),
  secret.map((text) => `ACCT ${text}`),
  secret.map((text) => `pass  ${text}`),
  secret.map((text) => `PASS -${text}`),
  secret.map((text) => `LOGIN partner ${text}`),
  secret.map((text) => `SITE PSWD ${text} ${text}`),
  secret.map((text) => `SITE ${text}`),
  secret.map((text) => `XPWD ${text}`),
  secret.map((text) => `REIN ${text}`),
  secret.map((text) => `QUOTE PASS ${text}`),
  fc.tuple(secret, fc.constantFrom('USER partner', 'USER nobody')).map(([text, user]) => `${user}\r\nPASS ${text}`),
  fc.constantFrom(
    'USER partner',
    'NOOP',
    'PWD',
    'REIN',
    'PBSZ 0',
    'PROT P',
    'EPSV',
    'LIST',
    'MKD sub',
    'RMD sub',
    'DELE none',
  ),
);

test('whatever is said before a login, in clear and over TLS', async () => {
  const audit = memoryAuditLog();
  const limits = { loginFailuresPerAddressMax: 10_000, loginAttemptsMax: 100, badCommandsMax: 1_000 };
  const gateway = await startGateway({ limits, tlsControlRequired: false }, {}, { audit });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 12 }), fc.boolean(), async (lines, overTls) => {
      const client = await RawClient.connect(gateway);
      if (overTls) {
        await client.send('AUTH TLS');
        await client.startTls();
      }
      for (const text of lines.flatMap((one) => one.split('\r\n'))) await client.send(text);
      client.close();
      expect(JSON.stringify(audit.records)).not.toMatch(/Zq/i);
    }),
    { numRuns: 40 },
  );
  expect(audit.events).toContain('login.failed');
  expect(audit.events).toContain('access.refused');
}, 120_000);

test('the right password does not either, nor what is typed behind the login', async () => {
  const audit = memoryAuditLog();
  const gateway = await startGateway({}, {}, { audit });
  const client = await RawClient.login(gateway);
  for (const text of [`PASS ${gateway.password}`, `ACCT ${gateway.password}`, `SITE PSWD ${gateway.password}`]) {
    await client.send(text);
  }
  client.close();
  expect(audit.events).toContain('login.succeeded');
  expect(JSON.stringify(audit.records)).not.toContain(gateway.password);
});
