/**
 * Compensating controls: what an organisation does in place of what an item of `sallyport compliance report` asks, with who
 * said so and when. The gateway itself does nothing with them.
 */
import { z } from 'zod';
import { COMPLIANCE_ITEM_IDS } from './compliance-items.ts';
import { closest } from './key-names.ts';
import { IF_LIST } from './option-checks.ts';
import type { Finding } from './reality.ts';

/** A day of the calendar. */
const day = z.string().refine(isDay, { error: 'must be a day, such as 2026-03-01' });

/** One control. */
const controlOptions = z
  .strictObject({
    /** The id of the item, as the report shows it. Whether there is one is a warning: a later version may have other ones. */
    item: z
      .string()
      .max(100)
      .regex(/^[a-z0-9][a-z0-9.-]*$/, { error: 'must be the id of an item, as the report shows it' }),
    /** What is done in its place. */
    control: z
      .string()
      .trim()
      .min(1)
      .max(4_000)
      .regex(/^[^\p{Cf}\p{Zl}\p{Zp}]*$/u, { error: 'must not hold invisible characters' }),
    /** Who answers for it. */
    author: z
      .string()
      .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,200}$/u, { error: 'must be one line of 1 to 200 characters' }),
    /** The day on which that was decided (UTC). */
    date: day,
    /** The last day on which it counts (UTC); without it, until somebody takes it away. */
    expires: day.optional(),
  })
  .superRefine(({ date, expires }, context) => {
    if (expires === undefined || expires >= date) return;
    context.addIssue({ code: 'custom', path: ['expires'], message: 'is before date' });
  });

/** All of them; at most one for each item. */
export const complianceOptions = z.array(controlOptions).max(1_000).superRefine(refuseSameItem, IF_LIST).default([]);

/** One control, checked. */
export type CompensatingControl = z.output<typeof controlOptions>;

/** A warning for each control whose item there is not. The value need not be valid otherwise. */
export function complianceWarnings(value: unknown): Finding[] {
  const { compliance = [] } = sketch.parse(value);
  return compliance.flatMap(({ item }, index) => {
    if (item === undefined || isItem(item)) return [];
    const meant = closest(item, COMPLIANCE_ITEM_IDS);
    const message = `warning: there is no item ${item}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
    return [{ path: ['compliance', index, 'item'], message }];
  });
}

function isItem(text: string): boolean {
  return COMPLIANCE_ITEM_IDS.some((id) => id === text);
}

const entry = z.object({ item: z.string().optional().catch(undefined) }).catch({});
const sketch = z.object({ compliance: z.array(entry).optional().catch(undefined) }).catch({});

/** Two controls for one item leave open which of them is meant. */
function refuseSameItem(controls: readonly unknown[], context: z.RefinementCtx): void {
  const items = controls.map((control) => entry.parse(control).item);
  items.forEach((item, index) => {
    if (item === undefined || items.indexOf(item) === index) return;
    context.addIssue({ code: 'custom', path: [index, 'item'], message: 'has a control already' });
  });
}

function isDay(text: string): boolean {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  // The 31st of June would become the 1st of July.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
