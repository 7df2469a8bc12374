// Leases a token as whoever the AWS SDK finds in the environment (a profile, SSO, a web identity, ECS, an instance role),
// shows the lease, and ends it.
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { hubleaseClient } from '../client/client.ts';

const client = hubleaseClient({
  endpoint: process.env.HUBLEASE_ENDPOINT ?? 'http://127.0.0.1:8787/v1',
  region: process.env.HUBLEASE_REGION ?? 'us-east-1',
  credentials: defaultProvider(),
});

const { lease, credential } = (await client.call('mintLease', { name: 'demo/pull', body: { ttl: '5m' } })).body;
console.log(`leased ${lease.id} as ${lease.caller}, until ${lease.expiresAt}`);
// A secret with a protection key answers a sealed token, which only the owner of that key can open.
const token = 'sealed' in credential ? 'a sealed token' : `a token of ${credential.password.length} characters`;
console.log(`docker login --username ${credential.username} would take ${token}`);

const ended = (await client.call('revokeLease', { name: lease.id })).body.lease;
console.log(`${ended.status}: ${ended.evidence?.kind}`);
