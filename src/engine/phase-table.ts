/** Which handlers a command passes, phase by phase: the `*` handlers first, then the verb's own, highest priority first. */
import type { CommandDefinition, CommandTraits } from '../spi/command.ts';
import type { HandlerOf, Module, Phase } from '../spi/module.ts';

/** A handler and the module it belongs to. */
export interface Placed<P extends Phase> {
  readonly module: string;
  readonly handler: HandlerOf<P>;
}

/** The commands and every module's handlers, ready to be asked. Handlers of equal priority keep the modules' order. */
export class PhaseTable {
  readonly commands: readonly CommandTraits[];
  readonly #byVerb = new Map<string, CommandDefinition>();
  readonly #placed: readonly Placed<Phase>[];
  readonly #chains = new Map<string, readonly Placed<Phase>[]>();

  constructor(commands: readonly CommandDefinition[], modules: readonly Module[]) {
    this.commands = commands;
    for (const command of commands) {
      for (const verb of [command.verb, ...(command.aliases ?? [])]) this.#byVerb.set(verb, command);
    }
    this.#placed = modules.flatMap((module) =>
      (module.handlers ?? []).map((handler) => ({ module: module.name, handler })),
    );
  }

  /** The command with this verb or alias, in capitals. */
  find(verb: string): CommandDefinition | undefined {
    return this.#byVerb.get(verb);
  }

  /** The chain of a phase for a command; aliases share the chain of their command. */
  chain<P extends Phase>(phase: P, command: CommandTraits): readonly Placed<P>[] {
    const key = `${phase} ${command.verb}`;
    const known = this.#chains.get(key) ?? this.#build(phase, command.verb);
    this.#chains.set(key, known);
    return known.filter((placed) => isOf(phase, placed));
  }

  #build(phase: Phase, verb: string): readonly Placed<Phase>[] {
    const of = (name: string) =>
      this.#placed
        .filter((placed) => isOf(phase, placed) && placed.handler.verb === name)
        .sort((a, b) => (b.handler.priority ?? 0) - (a.handler.priority ?? 0));
    return [...of('*'), ...of(verb)];
  }
}

function isOf<P extends Phase>(phase: P, placed: Placed<Phase>): placed is Placed<P> {
  return placed.handler.phase === phase;
}
