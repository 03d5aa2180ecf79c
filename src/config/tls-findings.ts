/** Checks whether this process's OpenSSL can keep what the configuration asks of TLS. */
import { z } from 'zod';
import { hasHybridGroups, NO_HYBRID_GROUPS } from '../transport/tls-terms.ts';
import type { Finding } from './reality.ts';
import { tlsOptions } from './tls-options.ts';

/** Checks that post-quantum keys can be had where they are required. The value need not be valid otherwise. */
export function postQuantumFindings(value: unknown, isAvailable = hasHybridGroups): Finding[] {
  const { postQuantum, tls } = sketch.parse(value);
  if (postQuantum !== 'required' || isAvailable(tls.profile)) return [];
  return [{ path: ['postQuantum'], message: NO_HYBRID_GROUPS }];
}

const profile = tlsOptions.shape.profile.catch('intermediate');

const sketch = z
  .object({ postQuantum: z.unknown(), tls: z.object({ profile }).catch({ profile: 'intermediate' }) })
  .catch({ postQuantum: undefined, tls: { profile: 'intermediate' } });
