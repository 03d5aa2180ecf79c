/** The list of gates that directories may ask for by name. Each kind's keys stand in the file of its gate. */
import { z } from 'zod';
import { gateEntry } from '../intake/gates/gates-from.ts';
import { IF_LIST, refuseSameName } from './option-checks.ts';

/** The gates; none by default. */
export const gateOptions = z
  .array(gateEntry)
  .max(64)
  .superRefine(refuseSameName('is taken by another gate'), IF_LIST)
  .default([]);
