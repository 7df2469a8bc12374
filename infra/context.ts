/** What `infra/app.ts` can be told, in the context of `cdk.json` or by `-c hublease:NAME=VALUE`. */
export interface Context {
  readonly stackName?: string;
  /** On the command line separated by commas. */
  readonly consumerAccounts?: readonly string[];
  readonly organizationId?: string;
  readonly defaultTtlSeconds?: number;
  readonly maxTtlSeconds?: number;
  readonly minTtlSeconds?: number;
  readonly sweepIntervalSeconds?: number;
  readonly auditRetentionDays?: number;
  readonly auditRequired?: boolean;
  readonly encryptionKeyArn?: string;
  /** On the command line separated by commas. */
  readonly formerEncryptionKeyArns?: readonly string[];
  readonly alarmTopicArn?: string;
  readonly dashboard?: boolean;
  readonly mintConcurrency?: number;
  readonly revokeConcurrency?: number;
  readonly removalPolicy?: 'retain' | 'destroy';
  readonly runbook?: string;
  /** Whether the stack also sets the account's role for API Gateway's logs. */
  readonly apiGatewayLogging?: boolean;
}

/** The command line gives text only, `cdk.json` any JSON: each reader takes both. */
const READERS: { readonly [K in keyof Required<Context>]: (value: unknown) => Required<Context>[K] | undefined } = {
  stackName: text,
  consumerAccounts: list,
  organizationId: text,
  defaultTtlSeconds: wholeNumber,
  maxTtlSeconds: wholeNumber,
  minTtlSeconds: wholeNumber,
  sweepIntervalSeconds: wholeNumber,
  auditRetentionDays: wholeNumber,
  auditRequired: yesOrNo,
  encryptionKeyArn: text,
  formerEncryptionKeyArns: list,
  alarmTopicArn: text,
  dashboard: yesOrNo,
  mintConcurrency: wholeNumber,
  revokeConcurrency: wholeNumber,
  removalPolicy: (value) => (value === 'retain' || value === 'destroy' ? value : undefined),
  runbook: text,
  apiGatewayLogging: yesOrNo,
};

/**
 * Reads the context under `hublease:`.
 *
 * @throws Error that names the key whose value is of another form.
 */
export function contextOf(get: (key: string) => unknown): Context {
  const entries = Object.entries(READERS).flatMap(([name, read]) => {
    const value = get(`hublease:${name}`);
    if (value === undefined || value === null || value === '') return [];
    const parsed = read(value);
    if (parsed === undefined) throw new Error(`context hublease:${name}: ${JSON.stringify(value)} is of another form`);
    return [[name, parsed] as const];
  });
  return Object.fromEntries(entries) as Context;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function list(value: unknown): readonly string[] | undefined {
  const items = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
  return Array.isArray(items) && items.every((item) => typeof item === 'string') ? items : undefined;
}

function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}

function yesOrNo(value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true;
  return value === false || value === 'false' ? false : undefined;
}
