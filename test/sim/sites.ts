import type { Site } from './actor.ts';
import { SLOWEST_CREATE_MS } from './bounds.ts';
import {
  AUDIT_FAULTS,
  CREATE_FAULTS,
  type FaultKind,
  HUB_FAULTS,
  LOGIN_FAULTS,
  type Spans,
  STORE_FAULTS,
} from './faults.ts';
import type { OutagePort } from './plan.ts';

function store(name: string, outage: OutagePort, faults: readonly FaultKind[] = STORE_FAULTS): Site {
  return { name, outage, faults, takesMs: [2, 20] };
}

function hubSite(name: string, faults: readonly FaultKind[]): Site {
  return { name: `hub.${name}`, outage: 'hub', faults, takesMs: [40, 400] };
}

const LATEST_CREATE_MS = SLOWEST_CREATE_MS - 1_000;
const CREATE_SPANS: Spans = { late: [8_000, LATEST_CREATE_MS], stall: [200, LATEST_CREATE_MS] };

/** Every way in which core calls a port, with what can go wrong there. */
export const SITES = {
  create: store('leases.create', 'leases'),
  update: store('leases.update', 'leases'),
  get: store('leases.get', 'leases'),
  due: store('leases.due', 'leases'),
  list: store('leases.list', 'leases'),
  listOpen: store('leases.listOpen', 'leases'),
  findByToken: store('leases.findByToken', 'leases'),
  readReplay: store('leases.readReplay', 'leases'),
  readCounter: store('leases.readCounter', 'leases'),
  correctCounter: store('leases.correctCounter', 'leases'),
  countOpen: store('leases.countOpen', 'leases'),
  getSecret: store('catalog.getSecret', 'catalog'),
  putSecret: store('catalog.putSecret', 'catalog'),
  deleteSecret: store('catalog.deleteSecret', 'catalog'),
  listSecrets: store('catalog.listSecrets', 'catalog'),
  getTarget: store('catalog.getTarget', 'catalog'),
  putTarget: store('catalog.putTarget', 'catalog'),
  deleteTarget: store('catalog.deleteTarget', 'catalog'),
  listTargets: store('catalog.listTargets', 'catalog'),
  readSession: store('sessions.read', 'sessions'),
  writeSession: store('sessions.write', 'sessions'),
  removeSession: store('sessions.remove', 'sessions'),
  readCredential: store('credentials.read', 'credentials'),
  stage: store('credentials.stage', 'credentials'),
  promote: store('credentials.promote', 'credentials'),
  removeCredential: store('credentials.remove', 'credentials'),
  seal: store('sealer.seal', 'sealer'),
  open: store('sealer.open', 'sealer'),
  send: store('queue.send', 'queue'),
  arm: store('backstop.arm', 'backstop'),
  armTimer: store('timer.arm', 'leases'),
  login: hubSite('login', LOGIN_FAULTS),
  listTokens: hubSite('listTokens', HUB_FAULTS),
  getToken: hubSite('getToken', HUB_FAULTS),
  deleteToken: hubSite('deleteToken', HUB_FAULTS),
  readDate: hubSite('readDate', HUB_FAULTS),
  // The request may be long on its way, but lands within what the quiet period covers.
  createToken: { ...hubSite('createToken', CREATE_FAULTS), spans: CREATE_SPANS },
  audit: { name: 'audit.record', outage: undefined, faults: AUDIT_FAULTS, takesMs: [1, 5] },
} satisfies Record<string, Site>;
