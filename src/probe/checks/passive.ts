/** What the server says about its passive ports: where they are, and whether the next one can be guessed. */
import { parseIpv4 } from '../../protocol/ip-address.ts';
import { isPrivateAddress } from '../address-kind.ts';
import type { CheckResult, MemberCheck } from '../check.ts';
import { passivePort } from '../data-link.ts';
import { type Finding, fine, noted, wrong } from '../finding.ts';
import type { ProbeClient, ProbeReply } from '../probe-client.ts';

/** How many ports are asked for to see a row in them. */
const PORTS_COUNT = 4;
const PORT_MIN = 1_024;

/** `passive.extended`, `passive.address` and `passive.ports`. */
export const passiveCheck: MemberCheck = {
  id: 'passive',
  needs: 'login',
  run: (context) => context.logins.use('protected', context, (client) => askPorts(client)),
};

async function askPorts(client: ProbeClient): Promise<CheckResult> {
  const replies: ProbeReply[] = [];
  for (let count = 0; count < PORTS_COUNT; count++) replies.push(await client.send('PASV'));
  const [first] = replies;
  const address = first === undefined ? undefined : passiveAddress(first);
  const ports: number[] = [];
  const extended = await client.send('EPSV');
  for (const reply of [...replies, extended]) ports.push(...[passivePort(reply)].filter((port) => port !== undefined));
  return {
    findings: [judgeExtended(extended), judgeAddress(address, client.target.address, first), judgePorts(ports)],
    ...(address !== undefined && { facts: { passiveAddress: address } }),
  };
}

/** The address that 227 names; undefined when it names none. */
function passiveAddress({ code, text }: ProbeReply): string | undefined {
  const numbers =
    code === 227 ? /([0-9]+),([0-9]+),([0-9]+),([0-9]+),[0-9]+,[0-9]+/.exec(text)?.slice(1, 5) : undefined;
  return numbers === undefined ? undefined : parseIpv4(numbers.join('.'));
}

function judgeExtended({ code }: ProbeReply): Finding {
  if (code === 229)
    return fine('passive.extended', 'EPSV is answered, which names no address and so works through NAT.');
  return wrong(
    'passive.extended',
    'low',
    `EPSV is refused (${code}): clients over IPv6 or NAT have trouble.`,
    'Switch EPSV on (RFC 2428).',
  );
}

function judgeAddress(named: string | undefined, control: string, reply: ProbeReply | undefined): Finding {
  const advice = 'Set the address that PASV tells clients to the one they come to.';
  if (named === undefined) {
    return noted(
      'passive.address',
      `PASV names no address (${reply?.code ?? 'no reply'}).`,
      'Clients have to use EPSV.',
    );
  }
  if (named === control) return fine('passive.address', 'PASV names the address that the client came to.');
  if (isPrivateAddress(named) && !isPrivateAddress(control)) {
    return wrong('passive.address', 'medium', `PASV names ${named}, which nobody outside can reach.`, advice);
  }
  return wrong(
    'passive.address',
    'medium',
    `PASV names ${named}, another machine than ${control}: clients that believe it connect there.`,
    advice,
  );
}

function judgePorts(ports: readonly number[]): Finding {
  const low = ports.find((port) => port < PORT_MIN);
  if (low !== undefined) {
    return wrong('passive.ports', 'low', `A passive port is below 1024 (${low}).`, 'Use ports from 1024 on.');
  }
  const steps = ports.slice(1).map((port, index) => port - (ports[index] ?? 0));
  if (ports.length >= PORTS_COUNT && steps.every((step) => step === 1)) {
    return wrong(
      'passive.ports',
      'low',
      'Passive ports follow each other, so the next one can be guessed and taken.',
      'Let the server choose them at random.',
    );
  }
  return fine('passive.ports', 'The next passive port cannot be guessed from the last.');
}
