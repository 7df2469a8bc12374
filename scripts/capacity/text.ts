import {
  accountsNeeded,
  firstLimit,
  HUB_REQUESTS,
  type Limit,
  type Load,
  limitsOf,
  organizationsNeeded,
} from './model.ts';

/** The rates to show, in mints a second. */
export const USUAL_RATES = [10, 100, 1_000] as const;

const LIFTED_BY: Readonly<Record<Limit['liftedBy'], string>> = {
  accounts: 'more Docker Hub accounts',
  setting: 'a setting',
  AWS: 'a request to AWS',
  design: 'a change of the design',
};

/** Two Markdown tables. The command prints them, and docs/scale.md contains them. */
export function capacityText(rates: readonly number[], load: Load): string {
  return `${accountTable(rates, load)}\n\n${limitTable(rates, load)}\n`;
}

function accountTable(rates: readonly number[], load: Load): string {
  return table([
    ['', ...rates.map((rate) => `${number(rate)} mints a second`)],
    ['open leases', ...rates.map((rate) => number(rate * load.ttlSeconds))],
    ...HUB_REQUESTS.map(({ requests, when }) => [
      `Docker Hub accounts, with ${requests} requests for each lease: ${when}`,
      ...rates.map((rate) => number(accountsNeeded(rate, requests, load))),
    ]),
    ['or organizations of 100 tokens each', ...rates.map((rate) => number(organizationsNeeded(rate, load)))],
    [
      'first limit that a setting or AWS can raise',
      ...rates.map((rate) => firstText(firstLimit(rate, load, ['setting', 'AWS']))),
    ],
    [
      'first limit that needs a change of the design',
      ...rates.map((rate) => firstText(firstLimit(rate, load, ['design']))),
    ],
  ]);
}

function firstText(limit: Limit | undefined): string {
  return limit === undefined
    ? 'none'
    : `${limit.name} (${rateText(limit.mintsPerSecond)} a second for each ${limit.each})`;
}

function limitTable(rates: readonly number[], load: Load): string {
  return table([
    [
      'limit',
      'for each',
      'max mints a second',
      ...rates.map((rate) => `used at ${number(rate)}`),
      'raised by',
      'reason',
    ],
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
