import {
  accountsNeeded,
  firstLimit,
  HUB_REQUESTS,
  type Limit,
  type Load,
  limitsOf,
  organizationsNeeded,
} from './model.ts';

/** Rates of mints that are shown, all a second. */
export const USUAL_RATES = [10, 100, 1_000] as const;

const LIFTED_BY: Readonly<Record<Limit['liftedBy'], string>> = {
  accounts: 'more Docker Hub accounts',
  setting: 'a setting',
  AWS: 'AWS, on request',
  design: 'a change of the design',
};

/** What the command prints, and docs/scale.md holds: two tables in Markdown. */
export function capacityText(rates: readonly number[], load: Load): string {
  return `${accountTable(rates, load)}\n\n${limitTable(rates, load)}\n`;
}

function accountTable(rates: readonly number[], load: Load): string {
  return table([
    ['', ...rates.map((rate) => `${number(rate)} mints a second`)],
    ['open leases', ...rates.map((rate) => number(rate * load.ttlSeconds))],
    ...HUB_REQUESTS.map(({ requests, when }) => [
      `Docker Hub accounts, ${requests} requests a lease: ${when}`,
      ...rates.map((rate) => number(accountsNeeded(rate, requests, load))),
    ]),
    ['organizations of 100 tokens, in place of them', ...rates.map((rate) => number(organizationsNeeded(rate, load)))],
    [
      'first limit that a setting or AWS lifts',
      ...rates.map((rate) => firstText(firstLimit(rate, load, ['setting', 'AWS']))),
    ],
    ['first limit of the design', ...rates.map((rate) => firstText(firstLimit(rate, load, ['design'])))],
  ]);
}

function firstText(limit: Limit | undefined): string {
  return limit === undefined ? 'none' : `${limit.name}, from ${rateText(limit.mintsPerSecond)} for each ${limit.each}`;
}

function limitTable(rates: readonly number[], load: Load): string {
  return table([
    ['limit', 'of each', 'mints a second', ...rates.map((rate) => `at ${number(rate)}`), 'lifted by', 'because of'],
    ...limitsOf(load).map(({ name, each, mintsPerSecond, liftedBy, because }) => [
      name,
      each,
      rateText(mintsPerSecond),
      ...rates.map((rate) => percentText(rate / mintsPerSecond)),
      LIFTED_BY[liftedBy],
      because,
    ]),
  ]);
}

function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  return [head, head.map(() => '---'), ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}

function rateText(perSecond: number): string {
  return number(perSecond < 10 ? Number(perSecond.toPrecision(2)) : Math.floor(perSecond));
}

function percentText(share: number): string {
  const percent = share * 100;
  return percent < 1 ? '<1 %' : `${number(Math.round(percent))} %`;
}
