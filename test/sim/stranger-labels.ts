import { writeLabel } from '../../functions/core/hub/label.ts';
import type { Look } from './plan.ts';
import { installationId, labelKeys } from './ports/wired.ts';

const LEASE_ID = '0123456789ABCDEFGHJKMNPQRS';
const KEYS = labelKeys('a');
const OLD_KEYS = labelKeys('a', 'k0');
const written = new Map<string, string>();

/** The label of a token that somebody else made on an account. Each is reckoned once. */
export function strangerLabel(account: string, look: Look): string {
  const key = `${account} ${look}`;
  let label = written.get(key);
  if (label === undefined) {
    label = write(account, look);
    written.set(key, label);
  }
  return label;
}

function write(account: string, look: Look): string {
  switch (look) {
    case 'plain':
      return 'laptop';
    case 'none':
      return '';
    case 'other_account':
      return writeLabel(KEYS, LEASE_ID, `${account}-2`);
    case 'forged_mac':
      return `hl1:${installationId('a')}:${LEASE_ID}:k1.AAAAAAAAAAAAAAAA`;
    case 'other_installation':
      return writeLabel({ ...KEYS, installation: 'zzzzzzzz' }, LEASE_ID, account);
    case 'unknown_key':
      return writeLabel(OLD_KEYS, LEASE_ID, account);
    case 'longer':
      return `x${writeLabel(KEYS, LEASE_ID, account)}`;
  }
}
