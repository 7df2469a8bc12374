import type { Sealer } from '../../core/ports/sealing.ts';
import { failedWith } from './call.ts';

/** Begins like those of sessions, which are all that the functions' policies let them use the key for. */
const CONTEXT = 'session:#key-check';
/**
 * What KMS answers about a key that is disabled, waits for its deletion, is gone, or that the caller may not use. An outage of KMS has
 * other codes.
 */
const KEY_FAULTS = ['DisabledException', 'KMSInvalidStateException', 'NotFoundException', 'AccessDeniedException'];

/**
 * Whether KMS lets the installation's key be used. KMS has no metric for it. Never rejects: what says nothing about the key counts
 * as usable.
 */
export async function isKeyUsable(sealer: Pick<Sealer, 'seal'>): Promise<boolean> {
  try {
    await sealer.seal('key check', CONTEXT);
    return true;
  } catch (error) {
    return !failedWith(error, ...KEY_FAULTS);
  }
}
