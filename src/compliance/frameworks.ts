/** All frameworks that there are tables for. */
import type { Framework } from './check.ts';
import { hipaa } from './hipaa.ts';
import { nist80052 } from './nist-800-52.ts';
import { nist80053 } from './nist-800-53.ts';
import { pciDss } from './pci-dss.ts';

/** In the order in which they are reported. */
export const FRAMEWORKS: readonly Framework[] = [pciDss, hipaa, nist80052, nist80053];
