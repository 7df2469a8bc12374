import type { Sealer } from '../../core/ports/sealing.ts';
import { failedWith } from './call.ts';

/** Begins like the contexts of sessions, because the functions' policies allow the key only for these. */
const CONTEXT = 'session:#key-check';
/**
 * KMS' error codes for a key that is disabled, waits for its deletion, is gone, or may not be used by the caller. An outage of
 * KMS has other codes.
 */
const KEY_FAULTS = ['DisabledException', 'KMSInvalidStateException', 'NotFoundException', 'AccessDeniedException'];

/**
 * Whether KMS allows the use of the installation's key. KMS has no metric for this. Never rejects: after an error that shows
 * nothing about the key, the key counts as usable.
 */
export async function isKeyUsable(sealer: Pick<Sealer, 'seal'>): Promise<boolean> {
  try {
    await sealer.seal('key check', CONTEXT);
    return true;
  } catch (error) {
    return !failedWith(error, ...KEY_FAULTS);
  }
}
