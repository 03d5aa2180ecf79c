/** What a table of commands offers in a session: what is switched off stands neither in HELP nor in FEAT. */
import type { CommandContext, CommandTraits } from '../spi/command.ts';

/** The parts of a context that decide what is offered. */
type Here = Pick<CommandContext, 'session' | 'policy'>;

/** Those of the commands that can be used here, in their order. */
export function offeredOf<T extends CommandTraits>(commands: readonly T[], { session, policy }: Here): readonly T[] {
  return commands.filter(({ offered }) => offered?.(session, policy) ?? true);
}

/** The lines that the offered commands, and those behind them, have in FEAT. */
export function featuresOf(commands: readonly CommandTraits[], here: Here): readonly string[] {
  return offeredOf(commands, here).flatMap(({ feat, subcommands = [] }) => {
    const own = typeof feat === 'function' ? feat(here.session, here.policy) : (feat ?? []);
    return [own, featuresOf(subcommands, here)].flat();
  });
}
