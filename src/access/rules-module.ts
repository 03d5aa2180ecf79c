/**
 * The module behind `rules`: it asks them about logins, and about commands that touch no file. What touches files is
 * asked about path by path, in front of storage (`access/ruled-files.ts`).
 */
import { loggedInAs } from '../engine/apply-change.ts';
import { ROOT, type VirtualPath } from '../protocol/virtual-path.ts';
import type { Account } from '../spi/authenticator.ts';
import type { CommandTraits } from '../spi/command.ts';
import type { DirectorySection } from '../spi/directive.ts';
import { Fault } from '../spi/fault.ts';
import type { EffectSink } from '../spi/file-effect.ts';
import type { FileSystem } from '../spi/file-system.ts';
import { DECLINED, defineModule, type Module } from '../spi/module.ts';
import { accountIn, type Session } from '../spi/session.ts';
import type { Settings } from '../spi/settings.ts';
import {
  type Decision,
  decide,
  kindsOfCommand,
  kindsOfEffect,
  LOGIN_KINDS,
  type Question,
  type Subject,
} from './rule-decision.ts';
import { ruledFiles } from './ruled-files.ts';
import { formatRule, rulesDirective } from './rules.ts';

/** What rules are looked up and judged with. */
export interface RuleSources {
  /** What directives amount to; known only once the modules are. */
  settings(): Settings;
  /** The names of the classes that a session belongs to now. */
  classesOf(session: Session): readonly string[];
}

/** The command that works on files: what rules may be about, and where its notes for the log go. */
export interface FileUse {
  readonly session: Session;
  readonly command: CommandTraits;
  /** The text behind the verb. */
  readonly argument: string;
  note(fields: Readonly<Record<string, unknown>>): void;
  /** Told of what is done to files; absent where nothing is done, as in explaining. */
  readonly effects?: EffectSink;
  /** Told of every decision of the rules as it is made. */
  asked?(decision: Decision, path: VirtualPath): void;
}

/** Makes the module. */
export function rules(sources: RuleSources): Module {
  return defineModule({
    name: 'rules',
    directives: [rulesDirective],
    handlers: [
      {
        phase: 'PRE_CMD',
        verb: '*',
        handle({ traits, argument, context }) {
          if (worksOnFiles(traits)) return DECLINED;
          const decision = decideCommand(sources, context.session, traits, argument);
          if (decision.verdict !== 'deny') return DECLINED;
          context.note(refusalNote(decision));
          throw new Fault('PermissionDenied');
        },
      },
    ],
    onLogin(account, session) {
      const decision = decideLogin(sources, session, account);
      // The words of a wrong password: who may not come in here learns nothing of whether the password was right.
      if (decision.verdict === 'deny') {
        throw new Fault('LoginIncorrect', { cause: new Error(`refused by the rule: ${decidingRule(decision)}`) });
      }
    },
  });
}

/** Whether rules are asked at each path that a command touches; otherwise they are asked about the command as such. */
export function worksOnFiles({ class: kind, who, files }: CommandTraits): boolean {
  return files ?? (who === 'members' && kind !== 'auth' && kind !== 'security' && kind !== 'misc');
}

/** What the rules say of a command that touches no file. */
export function decideCommand(
  sources: RuleSources,
  session: Session,
  command: CommandTraits,
  argument: string,
): Decision {
  const asked = { ...subjectOf(sources, session), kinds: kindsOfCommand(command, argument), path: undefined };
  return decide(sources.settings().inSession(rulesDirective, session), asked);
}

/** What the rules say of a login: they are those of the session as it would be then. */
export function decideLogin(sources: RuleSources, session: Session, account: Account): Decision {
  const inside = loggedInAs(session, account);
  const asked = { ...subjectOf(sources, inside), kinds: LOGIN_KINDS, path: undefined };
  return decide(sources.settings().inSession(rulesDirective, inside), asked);
}

/** An account's files as the rules leave them to one command. */
export function filesUnderRules(
  sources: RuleSources,
  files: FileSystem,
  use: FileUse,
  sections: readonly Pick<DirectorySection, 'path'>[],
): FileSystem {
  const { session, command, argument, note } = use;
  return ruledFiles(files, {
    rulesAt: (directory) => sources.settings().atDirectory(rulesDirective, session, directory),
    questions: (path, effect) => {
      const subject = subjectOf(sources, session);
      return kindsOfEffect(command, argument, effect).map((kinds): Question => ({ ...subject, kinds, path }));
    },
    // The root stays where it is in any case.
    named: sections.map(({ path }) => path).filter((path) => path !== ROOT),
    asked: (decision: Decision, path: VirtualPath) => use.asked?.(decision, path),
    refused: (decision: Decision, path: VirtualPath) => note({ ...refusalNote(decision), path }),
  });
}

/** Who a session is to rules. */
function subjectOf({ classesOf }: RuleSources, session: Session): Subject {
  const account = accountIn(session);
  return { user: account?.name, groups: account?.groups ?? [], classes: classesOf(session) };
}

/** For the log: which rule it was. */
function refusalNote(decision: Decision): Readonly<Record<string, unknown>> {
  return { rule: decidingRule(decision) };
}

function decidingRule({ asked }: Decision): string {
  const last = asked.at(-1);
  return last === undefined ? '' : formatRule(last.rule);
}
