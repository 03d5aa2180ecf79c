import { expect, test } from 'vitest';
import type { ActivePolicy } from '../../src/transport/data-peers.ts';
import { isAllowedPeer, refuseTarget } from '../../src/transport/data-peers.ts';

const PEER = { address: '192.0.2.1', port: 50_000 };
const CLOSED: ActivePolicy = { enabled: true, foreignAddresses: [], privilegedPorts: false };
const OPEN: ActivePolicy = { ...CLOSED, foreignAddresses: ['0.0.0.0/0', '::/0'] };

/** Address, port, policy, and the words of the refusal. */
const REFUSED: readonly (readonly [string, number, ActivePolicy, string])[] = [
  ['192.0.2.1', 50_000, { ...CLOSED, enabled: false }, 'Active mode is switched off here: use PASV or EPSV.'],
  ['192.0.2.9', 50_000, CLOSED, 'Data connections go to the address of the control connection only.'],
  ['2001:db8::9', 50_000, CLOSED, 'Data connections go to the address of the control connection only.'],
  ['192.0.2.1', 1_023, CLOSED, 'Ports below 1024 are refused.'],
  ['198.51.100.7', 25, OPEN, 'Ports below 1024 are refused.'],
  ['198.51.100.7', 50_000, { ...CLOSED, foreignAddresses: ['198.51.100.8'] }, 'Data connections go to'],
  // Who lets in everything has not thought of what trusts this machine alone.
  ['127.0.0.1', 6_379, OPEN, 'Data connections go to'],
  ['169.254.169.254', 8_080, OPEN, 'Data connections go to'],
  ['0.0.0.0', 6_379, OPEN, 'Data connections go to'],
  ['224.0.0.1', 50_000, OPEN, 'Data connections go to'],
  ['::1', 6_379, OPEN, 'Data connections go to'],
  ['fe80::1', 6_379, OPEN, 'Data connections go to'],
];

test.each(REFUSED)('a client cannot have the gateway connect to %s port %i', (address, port, policy, words) => {
  expect(() => refuseTarget({ address, port }, PEER, policy)).toThrow(
    expect.objectContaining({ text: expect.stringContaining(words) }),
  );
});

test('the client’s own address is good, and so is what was let in', () => {
  refuseTarget({ address: '192.0.2.1', port: 50_000 }, PEER, CLOSED);
  refuseTarget({ address: '198.51.100.7', port: 50_000 }, PEER, OPEN);
  refuseTarget({ address: '2001:db8::7', port: 50_000 }, PEER, OPEN);
  refuseTarget({ address: '192.0.2.1', port: 20 }, PEER, { ...CLOSED, privilegedPorts: true });
  expect(isAllowedPeer('127.0.0.2', PEER, ['127.0.0.2'])).toBe(true);
  expect(isAllowedPeer('10.1.2.3', PEER, ['10.0.0.0/8'])).toBe(true);
  expect(isAllowedPeer('11.1.2.3', PEER, ['10.0.0.0/8'])).toBe(false);
});
