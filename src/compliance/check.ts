/** What an item of a framework is: a question that the facts answer, and the answer with what was seen. */
import type { ComplianceItemId } from '../config/compliance-items.ts';
import type { Facts } from './facts.ts';

/** One thing that was seen: an option with the value that is in force, or a fact beside the configuration. */
export interface Evidence {
  /** The key as it is written in YAML, or what was looked at. */
  readonly option: string;
  readonly value: string | number | boolean;
}

/** The answer. `not_decided` is for what could not be seen, and says who has to. */
export type Outcome =
  | { readonly verdict: 'pass' | 'fail' | 'not_applicable'; readonly evidence: readonly Evidence[] }
  | { readonly verdict: 'not_decided'; readonly evidence: readonly Evidence[]; readonly who: string };

/** A question that several frameworks may ask. */
export interface Check {
  /** The options that decide it, as they are written in YAML. */
  readonly options: readonly string[];
  /** Pure: the same facts have the same answer. */
  decide(facts: Facts): Outcome;
}

/** A paragraph of a framework, as far as a check decides it. */
export interface Item {
  readonly id: ComplianceItemId;
  /** The paragraph's number, as it was remembered. */
  readonly paragraph: string;
  /** What is asked, in our own words. */
  readonly title: string;
  readonly check: Check;
}

/** What no configuration shows. */
export interface Undecided {
  readonly id: string;
  readonly paragraph: string;
  readonly title: string;
  /** Who has to decide it, and by what. */
  readonly who: string;
}

/** A framework's table. */
export interface Framework {
  readonly id: FrameworkId;
  readonly name: string;
  /** What its reader has to compare. */
  readonly caution: string;
  readonly items: readonly Item[];
  readonly undecided: readonly Undecided[];
}

/** The frameworks that there are tables for. */
export const FRAMEWORK_IDS = ['pci-dss', 'hipaa', 'nist-800-52', 'nist-800-53'] as const;

/** One of them. */
export type FrameworkId = (typeof FRAMEWORK_IDS)[number];

/** Makes an item, in one line of a table. */
export function item(id: ComplianceItemId, paragraph: string, title: string, check: Check): Item {
  return { id, paragraph, title, check };
}

/** Makes an entry of what is not decided, in one line of a table. */
export function undecided(id: string, paragraph: string, title: string, who: string): Undecided {
  return { id, paragraph, title, who };
}

/** What was seen of one option. */
export function seen(option: string, value: Evidence['value'] | undefined): Evidence {
  return { option, value: value ?? 'not set' };
}

/** Passes when `holds`, and fails otherwise. */
export function passIf(holds: boolean, ...evidence: readonly Evidence[]): Outcome {
  return { verdict: holds ? 'pass' : 'fail', evidence };
}

/** The item asks of something that there is not. */
export function notApplicable(...evidence: readonly Evidence[]): Outcome {
  return { verdict: 'not_applicable', evidence };
}

/** What was seen is not enough. */
export function notDecided(who: string, ...evidence: readonly Evidence[]): Outcome {
  return { verdict: 'not_decided', evidence, who };
}

/** More names than this are counted. A report that lists a hundred thousand accounts is read by nobody. */
const NAMES_MAX = 12;

/** Names in one line. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const shown = names.slice(0, NAMES_MAX).join(', ');
  return names.length > NAMES_MAX ? `${shown} and ${names.length - NAMES_MAX} more` : shown;
}
