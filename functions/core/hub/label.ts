import type { LabelKeys } from '../ports/sealing.ts';

/** Docker Hub's limit on a token's label. Source: Docker Hub API reference, `token_label` 1 to 100 characters. */
export const LABEL_MAX_CHARACTERS = 100;

const MARK =
  /^hl1:(?<installation>[a-z0-9]{8}):(?<leaseId>[0-9A-HJKMNP-TV-Z]{26}):(?<keyId>[a-z0-9]{2})\.(?<mac>[A-Za-z0-9_-]{16})(?: |$)/;

/** Characters of our mark. A space and the caller's own label follow it. */
export const MARK_CHARACTERS = 'hl1:'.length + 8 + 1 + 26 + 1 + 2 + 1 + 16;

/** Longest label of a caller's own, if Docker Hub keeps labels as documented. */
export const CALLER_LABEL_MAX_CHARACTERS = callerLabelMax(LABEL_MAX_CHARACTERS);

/** Longest label of a caller's own, if Docker Hub keeps `labelMaxCharacters`; 0 if only the mark fits. */
export function callerLabelMax(labelMaxCharacters: number): number {
  return Math.max(0, labelMaxCharacters - MARK_CHARACTERS - 1);
}

/**
 * Writes the label of a lease's token on Docker Hub: `hl1:INSTALLATION:LEASE:KEY.MAC`, then the caller's own label. The MAC
 * covers the account too, so a label that is copied to a token of another account proves nothing.
 */
export function writeLabel(keys: LabelKeys, leaseId: string, hubAccount: string, callerLabel?: string): string {
  const mac = keys.mac(keys.currentKeyId, macText(keys.installation, leaseId, hubAccount));
  if (mac === undefined) throw new Error('the current label key is missing');
  const mark = `hl1:${keys.installation}:${leaseId}:${keys.currentKeyId}.${mac}`;
  return callerLabel === undefined ? mark : `${mark} ${callerLabel}`;
}

/**
 * Returns the lease that a token's label on `hubAccount` belongs to, or undefined when this installation did not write it. Text
 * after the mark does not count, because an account's owner may have edited it.
 */
export function readLabel(keys: LabelKeys, label: string, hubAccount: string): string | undefined {
  const parts = MARK.exec(label)?.groups as
    | { installation: string; leaseId: string; keyId: string; mac: string }
    | undefined;
  if (parts === undefined || parts.installation !== keys.installation) return undefined;
  const mac = keys.mac(parts.keyId, macText(parts.installation, parts.leaseId, hubAccount));
  return mac === parts.mac ? parts.leaseId : undefined;
}

function macText(installation: string, leaseId: string, hubAccount: string): string {
  return `hublease-label-1\n${installation}\n${leaseId}\n${hubAccount}`;
}
