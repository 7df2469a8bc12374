import type { Io } from './io.ts';
import type { Minted } from './minting.ts';
import { spoken } from './output.ts';

/** Warns in one line that Docker Hub ends a token earlier than requested. */
export function warnOfClip(
  io: Pick<Io, 'err' | 'nowMs'>,
  { expiryClipped, expiresAt }: Pick<Minted['lease'], 'expiryClipped' | 'expiresAt'>,
): void {
  if (expiryClipped !== true) return;
  io.err(
    `warning: Docker Hub ends this token earlier than requested: at ${expiresAt} (${spoken(expiresAt, io.nowMs())})\n`,
  );
}
