/** Whether files can travel in clear, and whether PROT counts in whatever order it is sent. */
import type { CheckResult, MemberCheck, MemberContext } from '../check.ts';
import { openPassive, succeeded, type Transferred, transfer } from '../data-link.ts';
import { type Finding, fine, noted, wrong } from '../finding.ts';
import type { ProbeClient } from '../probe-client.ts';

/** `data.clear` and `data.order`. */
export const dataProtectionCheck: MemberCheck = {
  id: 'data',
  needs: 'login',
  async run(context): Promise<CheckResult> {
    const plain = await listing(context, { before: ['PBSZ 0', 'PROT C'], behind: [], protection: 'clear' });
    const unsaid = await listing(context, { before: [], behind: [], protection: 'clear' });
    const lowered = await listing(context, { before: ['PBSZ 0', 'PROT P'], behind: ['PROT C'], protection: 'clear' });
    const raised = await listing(context, { before: [], behind: ['PBSZ 0', 'PROT P'], protection: 'tls' });
    return { findings: [judgeClear(plain, unsaid), judgeOrder({ plain, unsaid, lowered, raised })] };
  },
};

interface Order {
  /** What is sent before the passive port is asked for, and what behind it. */
  readonly before: readonly string[];
  readonly behind: readonly string[];
  readonly protection: 'tls' | 'clear';
}

/** A listing; undefined when something on the way to it was refused. */
async function listing(
  context: MemberContext,
  { before, behind, protection }: Order,
): Promise<Transferred | undefined> {
  const state = before.length === 0 ? 'pristine' : 'protected';
  return await context.logins.use(state, context, async (client) => {
    if (!(await allTaken(client, before))) return undefined;
    const socket = await openPassive(client, context);
    if ('code' in socket) return undefined;
    if (!(await allTaken(client, behind))) {
      socket.destroy();
      return undefined;
    }
    const session = protection === 'tls' ? await client.waitForSession() : undefined;
    return await transfer(client, socket, context, { command: 'LIST', protection, session });
  });
}

async function allTaken(client: ProbeClient, lines: readonly string[]): Promise<boolean> {
  for (const line of lines) {
    if ((await client.send(line)).code >= 400) return false;
  }
  return true;
}

function wentClear(one: Transferred | undefined): boolean {
  // Bytes in clear are enough, also of a listing that was too long to be read to its end.
  return one !== undefined && (one.clear || (succeeded(one) && one.tls === undefined));
}

function judgeClear(plain: Transferred | undefined, unsaid: Transferred | undefined): Finding {
  const advice = 'Require protected data (PROT P) for every transfer.';
  if (wentClear(plain)) {
    return wrong(
      'data.clear',
      'medium',
      'After PROT C files and listings travel in clear: everybody on the way can read and change them.',
      advice,
    );
  }
  if (wentClear(unsaid)) {
    return wrong(
      'data.clear',
      'medium',
      'A client that never sends PROT transfers in clear, though PROT C is refused.',
      advice,
    );
  }
  return fine('data.clear', 'No transfer is made in clear.');
}

interface Orders {
  readonly plain: Transferred | undefined;
  readonly unsaid: Transferred | undefined;
  readonly lowered: Transferred | undefined;
  readonly raised: Transferred | undefined;
}

function judgeOrder({ plain, unsaid, lowered, raised }: Orders): Finding {
  if (raised?.clear === true) {
    return wrong(
      'data.order',
      'high',
      'PROT P sent behind EPSV is acknowledged and not kept: the transfer goes out in clear.',
      'Update the server; until then, let clients send PROT P first.',
    );
  }
  if (wentClear(lowered) && !wentClear(plain) && !wentClear(unsaid)) {
    return wrong(
      'data.order',
      'high',
      'PROT C is refused on its own but goes through behind EPSV: the rule that data is protected can be stepped around.',
      'Update the server; the rule must be asked when the transfer starts.',
    );
  }
  if (raised !== undefined && !succeeded(raised)) {
    return noted(
      'data.order',
      'PROT P sent behind EPSV is acknowledged, and the transfer fails.',
      'Let clients send PROT P before EPSV.',
    );
  }
  return fine('data.order', 'The protection in force when a transfer starts is the one that it gets.');
}
