// `npm run capacity` shows which limit of Docker Hub, AWS or hublease an installation reaches first, at several rates of mints. It sends
// no requests. The quotas are in quotas.ts, and the cost of a lease is in design.ts.
//
//   npm run capacity -- --mints 10,100,1000 --ttl 900 --hub-rate 600 --sweep 300
import { parseArgs } from 'node:util';
import { USUAL_LOAD } from './model.ts';
import { capacityText, USUAL_RATES } from './text.ts';

const { values } = parseArgs({
  options: {
    mints: { type: 'string', default: USUAL_RATES.join(',') },
    ttl: { type: 'string', default: String(USUAL_LOAD.ttlSeconds) },
    'hub-rate': { type: 'string', default: String(USUAL_LOAD.hubRequestsPerMinute) },
    sweep: { type: 'string', default: String(USUAL_LOAD.sweepIntervalSeconds) },
  },
});
const rates = values.mints.split(',').map(Number);
const load = {
  ttlSeconds: Number(values.ttl),
  hubRequestsPerMinute: Number(values['hub-rate']),
  sweepIntervalSeconds: Number(values.sweep),
};
const isGood = [...rates, ...Object.values(load)].every((value) => Number.isFinite(value) && value > 0);
if (!isGood || load.hubRequestsPerMinute * load.sweepIntervalSeconds <= 60) {
  console.error(
    'capacity: --mints takes positive numbers, separated by commas. --ttl and --sweep take seconds. --hub-rate takes requests a minute',
  );
  process.exit(2);
}
process.stdout.write(capacityText(rates, load));
