// Orders leases at a steady rate for a while, with Docker Hub failing in every way, and watches the embedded edition:
//
//   npm run soak -- --minutes 10 --rate 50
//
// The edition runs in a process of its own, the fake Docker Hub and the clients in this one. It fails on an answer that the faults
// do not explain (test/endurance/soak-faults.ts says which they do), on a broken promise, on what grows from the second third of the
// run to the last, and where the machine is too busy with other things to tell.
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { watched } from './flatness.ts';
import { runSoak, SOAK_MAX_ORDERS, type SoakReport } from './run-soak.ts';

/** Faults in words are cut off here: the same went wrong a thousand times then. */
const MAX_FAULTS = 20;
/** No colours: it is to be copied into a page. */
const PLAIN = { head: [], border: [], compact: true };

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
  },
});
const [minutes, rate, seed] = [Number(values.minutes), Number(values.rate), Number(values.seed)];
const seconds = Math.round(minutes * 60);
if (!(seconds >= 1 && Number.isInteger(rate) && rate >= 1 && Number.isInteger(seed))) {
  console.error('soak: --minutes takes a positive number, --rate and --seed whole ones');
  process.exit(2);
}
if (seconds * rate > SOAK_MAX_ORDERS) {
  console.error(`soak: at most ${SOAK_MAX_ORDERS} leases in one run`);
  process.exit(2);
}

const load = () =>
  loadavg()
    .map((average) => average.toFixed(1))
    .join(' ');
console.log(`${rate} leases a second for ${minutes} min, seed ${seed}; Node ${process.version}`);
console.log(`${availableParallelism()} cores, load average before it ${load()}`);
const report = await runSoak({
  rate,
  seconds,
  seed,
  tell: (second, leases) => second > 0 && console.log(`${second / 60} min: ${leases} leases`),
});
console.log(`load average after it ${load()}\n`);

printAnswers(report);
const trends = watched(report.samples);
printTrends(trends);
printRest(report);
for (const fault of report.faults.slice(0, MAX_FAULTS)) console.error(`soak: ${fault}`);

const unexpected = report.answers.filter(({ expected }) => !expected).reduce((sum, { count }) => sum + count, 0);
const named = (verdict: string) => trends.filter((each) => each.verdict === verdict).map(({ what }) => what);
const [growing, unknown] = [named('grows'), named('busy')];
console.log(
  [
    `${report.leases} leases`,
    `${unexpected} unexpected`,
    growing.length === 0 ? 'flat' : `not flat: ${growing.join('; ')}`,
    ...(unknown.length === 0 ? [] : ['but for delays, which a busy machine made']),
    ...(report.faults.length === 0 ? [] : [`${report.faults.length} faults`]),
  ].join(', '),
);
process.exitCode = unexpected === 0 && growing.length + unknown.length === 0 && report.faults.length === 0 ? 0 : 1;

function printAnswers({ answers }: SoakReport): void {
  const table = new Table({
    head: ['asked', 'answered', 'times', ''],
    colAligns: ['left', 'left', 'right', 'left'],
    style: PLAIN,
  });
  for (const { doing, answer, count, expected } of answers)
    table.push([doing, answer, count, expected ? '' : 'unexpected']);
  console.log(table.toString());
}

function printTrends(all: typeof trends): void {
  const head = ['', 'first third', 'second', 'last', 'may be', 'slope an hour', ''];
  const table = new Table({ head, colAligns: ['left', ...Array(5).fill('right'), 'left'], style: PLAIN });
  for (const { what, trend, verdict } of all) {
    const { medians, allowed, slopePerHour } = trend;
    const figures = [...medians, medians[1] + allowed, slopePerHour];
    table.push([what, ...figures.map((figure) => (Number.isFinite(figure) ? figure.toFixed(1) : '')), verdict]);
  }
  console.log(table.toString());
  if (!all.some(({ what }) => what === 'file handles')) console.log('File handles are not known on this system.');
}

function printRest({ samples, grownBytes, leases, lateMs, sentLateMs, counts }: SoakReport): void {
  const perLease = (bytes: number) => Math.round(bytes / Math.max(1, leases));
  const most = (pick: (sample: (typeof samples)[number]) => number) =>
    samples.reduce((top, sample) => Math.max(top, pick(sample)), 0);
  const lines = {
    'memory at most, MiB': Math.round(most(({ rssBytes }) => rssBytes) / 2 ** 20),
    'event loop held up at most, ms': Math.round(most(({ delayMaxMs }) => delayMaxMs)),
    'database, bytes a lease (30 days)': perLease(grownBytes.database),
    'audit log, bytes a lease (32 MiB in all)': perLease(grownBytes.audit),
    'tokens past their lease, ms: median': Math.round(lateMs.median),
    'tokens past their lease, ms: most': Math.round(lateMs.most),
    'orders sent late by this process, ms: median': Math.round(sentLateMs.median),
    'orders sent late by this process, ms: most': Math.round(sentLateMs.most),
    ...counts,
  };
  for (const [what, number] of Object.entries(lines)) console.log(`${String(number).padStart(8)}  ${what}`);
  console.log();
}
