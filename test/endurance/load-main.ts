// Leases for a while from many clients at once, and proves from the records of the fake Docker Hub that nothing went wrong:
//
//   npm run load -- --seconds 60 --clients 64
//
// The embedded edition runs in a process of its own; the fake, whose one account has two-factor authentication, and the clients
// run in this one.
import { parseArgs } from 'node:util';
import { runLoad } from './run-load.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, clients: { type: 'string', default: '64' } },
});
const load = { seconds: Number(values.seconds), clients: Number(values.clients) };
if (!(load.seconds > 0 && Number.isInteger(load.clients) && load.clients > 0)) {
  console.error('load: --seconds and --clients take positive numbers');
  process.exit(2);
}
const { counts, faults } = await runLoad(load);
for (const [what, number] of Object.entries(counts)) console.log(`${String(number).padStart(8)}  ${what}`);
for (const fault of faults) console.error(`load: ${fault}`);
console.log(faults.length === 0 ? 'All promises kept.' : `${faults.length} faults.`);
process.exitCode = faults.length === 0 ? 0 : 1;
