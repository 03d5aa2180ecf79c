/** A gateway that connects to nobody: PORT and EPRT are refused, and what lists the commands does not promise them. */
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

test.each([true, false])(
  'PORT and EPRT are listed as far as they can be used (active.enabled: %s)',
  async (enabled) => {
    const client = await RawClient.login(await startGateway({ active: { enabled } }));
    expect(/^ EPRT$/m.test(await client.send('FEAT'))).toBe(enabled);
    expect(/\bPORT\b.*\bEPRT\b/.test(await client.send('HELP'))).toBe(enabled);
    const code = enabled ? '200' : '502';
    for (const line of ['PORT 127,0,0,1,195,80', 'EPRT |1|127.0.0.1|50000|']) {
      expect((await client.send(line)).slice(0, 3)).toBe(code);
    }
    expect((await client.send('EPSV')).slice(0, 3)).toBe('229');
    client.close();
  },
);
