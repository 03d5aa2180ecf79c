/** Which handlers a command passes, phase by phase: the `*` handlers first, then the verb's own, highest priority first. */
import type { CommandDefinition, CommandTraits } from '../spi/command.ts';
import { checkModule, type HandlerOf, type Module, type Phase } from '../spi/module.ts';

/** A handler and the module it belongs to. */
export interface Placed<P extends Phase> {
  readonly module: string;
  readonly handler: HandlerOf<P>;
}

/** The commands and every module's handlers, ready to be asked. Handlers of equal priority keep the modules' order. */
export class PhaseTable {
  readonly commands: readonly CommandTraits[];
  /** The modules that are asked before anything is acknowledged, in their order. */
  readonly acknowledging: readonly Module[];
  readonly #byVerb = new Map<string, CommandDefinition>();
  readonly #phases: { readonly [P in Phase]: PhaseChains<P> };

  /**
   * @throws TypeError when two commands have one verb, when a module is not what `defineModule` takes, or when a handler
   *   waits for a verb that no command has: it would never be called.
   */
  constructor(commands: readonly CommandDefinition[], modules: readonly Module[]) {
    this.commands = commands;
    for (const command of commands) {
      for (const verb of [command.verb, ...(command.aliases ?? [])]) {
        if (this.#byVerb.has(verb)) throw new TypeError(`${verb} is a command already: overload it in the CMD phase`);
        this.#byVerb.set(verb, command);
      }
    }
    for (const module of modules) this.#check(module);
    this.acknowledging = modules.filter(({ onAcknowledge }) => onAcknowledge !== undefined);
    this.#phases = {
      PRE_CMD: new PhaseChains('PRE_CMD', modules),
      CMD: new PhaseChains('CMD', modules),
      POST_CMD: new PhaseChains('POST_CMD', modules),
      POST_CMD_ERR: new PhaseChains('POST_CMD_ERR', modules),
      LOG_CMD: new PhaseChains('LOG_CMD', modules),
      LOG_CMD_ERR: new PhaseChains('LOG_CMD_ERR', modules),
    };
  }

  /** The command with this verb or alias, in capitals. */
  find(verb: string): CommandDefinition | undefined {
    return this.#byVerb.get(verb);
  }

  /**
   * The chain of a phase for a command; aliases share the chain of their command. A verb that no command has passes the
   * handlers of `*` alone.
   */
  chain<P extends Phase>(phase: P, { verb }: CommandTraits): readonly Placed<P>[] {
    return this.#phases[phase].of(this.#byVerb.has(verb) ? verb : undefined);
  }

  #check(module: Module): void {
    checkModule(module);
    for (const { phase, verb } of module.handlers ?? []) {
      if (verb === '*') continue;
      const command = this.#byVerb.get(verb);
      if (command?.verb === verb) continue;
      const why = command === undefined ? 'there is no such command' : `that is ${command.verb} under another name`;
      throw new TypeError(`module ${module.name}: its ${phase} handler for ${verb} would never be called: ${why}`);
    }
  }
}

/** The chains of one phase, made when they are first asked for: as many as there are commands, and one for all other verbs. */
class PhaseChains<P extends Phase> {
  readonly #placed: readonly Placed<P>[];
  readonly #chains = new Map<string | undefined, readonly Placed<P>[]>();

  constructor(phase: P, modules: readonly Module[]) {
    this.#placed = modules.flatMap(({ name, handlers = [] }) =>
      handlers.flatMap((handler) => (isOf(phase, handler) ? [{ module: name, handler }] : [])),
    );
  }

  of(verb: string | undefined): readonly Placed<P>[] {
    const chain = this.#chains.get(verb) ?? [...this.#for('*'), ...(verb === undefined ? [] : this.#for(verb))];
    this.#chains.set(verb, chain);
    return chain;
  }

  #for(name: string): Placed<P>[] {
    return this.#placed
      .filter(({ handler }) => handler.verb === name)
      .sort((a, b) => (b.handler.priority ?? 0) - (a.handler.priority ?? 0));
  }
}

function isOf<P extends Phase>(phase: P, handler: { readonly phase: Phase }): handler is HandlerOf<P> {
  return handler.phase === phase;
}
