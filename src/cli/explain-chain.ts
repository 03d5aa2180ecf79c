/** Who handles a command: the chain of every phase, in the order in which its handlers are asked. */
import { COMMANDS } from '../commands/all.ts';
import { PhaseTable } from '../engine/phase-table.ts';
import { systemClock } from '../lib/clock.ts';
import { allModules } from '../server/built-in-modules.ts';
import { silentLog } from '../spi/log.ts';
import { PHASES } from '../spi/module.ts';
import { CommandFailure } from './command-failure.ts';
import type { Configuration } from './configuration.ts';

/** The chain as text. @throws CommandFailure (wrong use) when there is no such command. */
export function explainChain({ options, modules }: Configuration, verb: string): string {
  const all = allModules(options, {
    clock: systemClock,
    log: silentLog,
    extensions: modules,
    on: {},
    keysLogged: false,
    settings: () => {
      throw new Error('nobody is asked while handlers are only listed');
    },
    classesOf: () => [],
  });
  const table = new PhaseTable(COMMANDS, all);
  // What stands behind SITE passes the chain of SITE.
  const command = table.find(verb.split(' ')[0] ?? '');
  if (command === undefined) throw new CommandFailure('wrongUse', `There is no command ${verb}.`);
  const lines = PHASES.flatMap((phase) => {
    const handlers = table.chain(phase, command).map(({ module, handler }) => {
      const waitsFor = handler.verb === '*' ? 'every command' : handler.verb;
      return `    ${module} (${waitsFor}, priority ${handler.priority ?? 0})`;
    });
    const own = phase === 'CMD' ? [`    the command itself (${command.rfc})`] : [];
    return [`  ${phase}`, ...(handlers.length + own.length === 0 ? ['    nobody'] : [...handlers, ...own])];
  });
  return `${command.verb}\n${lines.join('\n')}\n`;
}
