/**
 * Every environment variable of the Lambda functions: its name, its form, and which function needs it. No function reads
 * `process.env` elsewhere, and the infrastructure writes the same names from here. Imports nothing, so that both can.
 */

/** A variable that is missing or has the wrong form. Names it and never quotes its value. */
export class BadEnvironment extends Error {
  readonly variable: string;

  constructor(variable: string, problem: string) {
    super(`environment variable ${variable} ${problem}`);
    this.name = 'BadEnvironment';
    this.variable = variable;
  }
}

interface Variable<T> {
  readonly name: string;
  /** Ends the sentence "expected …". */
  readonly expected: string;
  /** undefined when the text is of another form. */
  readonly parse: (text: string) => T | undefined;
}

function text(name: string, expected: string, pattern: RegExp): Variable<string> {
  return { name, expected, parse: (value) => (pattern.test(value) ? value : undefined) };
}

function wholeNumber(name: string, least: number, most: number): Variable<number> {
  return {
    name,
    expected: `a whole number from ${least} to ${most}`,
    parse: (value) => {
      const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
      return number >= least && number <= most ? number : undefined;
    },
  };
}

function arn(name: string, awsService: string): Variable<string> {
  const pattern = new RegExp(`^arn:aws[a-z-]*:${awsService}:[a-z0-9-]*:\\d{12}:[\\w+=,.@:/-]{1,600}$`);
  return text(name, `an ARN of ${awsService}`, pattern);
}

function oneOf<const T extends string>(name: string, ...words: readonly T[]): Variable<T> {
  return { name, expected: `one of ${words.join(', ')}`, parse: (value) => words.find((word) => word === value) };
}

/** What stands for an empty list: Lambda's variables may be empty, and an empty one is taken for one that was forgotten. */
const NONE = 'none';

function listOf<T>(one: Variable<T>, expected: string): Variable<readonly T[]> {
  return {
    name: one.name,
    expected: `"${NONE}", or up to 20 of: ${expected}, separated by commas`,
    parse: (value) => {
      if (value === NONE) return [];
      const items = value.split(',').map((item) => one.parse(item));
      return items.length <= 20 && items.every((item) => item !== undefined) ? items : undefined;
    },
  };
}

const TABLE_NAME = /^[\w.-]{3,255}$/;
const SECRET_PREFIX = /^[\w+=.@-](?:[\w+=.@/-]{0,126}[\w+=.@-])?$/;
/** Lambda's own deadline precision aside, EventBridge Scheduler fires within 60 s: a shorter lease would outlive its TTL. */
const MIN_TTL_SECONDS = 60;
/** Ten years, as for every duration. */
const MAX_SECONDS = 315_360_000;
const DAY_SECONDS = 86_400;

const VARIABLES = {
  leaseTable: text('HUBLEASE_LEASE_TABLE', 'the name of a DynamoDB table', TABLE_NAME),
  catalogTable: text('HUBLEASE_CATALOG_TABLE', 'the name of a DynamoDB table', TABLE_NAME),
  /** Targets' secrets are named `PREFIX/TARGET`. */
  targetSecretPrefix: text(
    'HUBLEASE_TARGET_SECRET_PREFIX',
    'up to 128 of letters, digits and _+=.@/-, without "/" at either end',
    SECRET_PREFIX,
  ),
  /** Prefixes of keys that the installation had before. */
  formerSecretPrefixes: listOf(
    text('HUBLEASE_FORMER_SECRET_PREFIXES', 'a prefix', SECRET_PREFIX),
    'prefixes of secrets',
  ),
  installationSecretArn: arn('HUBLEASE_INSTALLATION_SECRET_ARN', 'secretsmanager'),
  keyArn: arn('HUBLEASE_KEY_ARN', 'kms'),
  formerKeyArns: listOf(arn('HUBLEASE_FORMER_KEY_ARNS', 'kms'), 'ARNs of kms'),
  queueUrl: text('HUBLEASE_QUEUE_URL', 'the URL of an SQS queue', /^https:\/\/[\w.-]{1,253}\/\d{12}\/[\w.-]{1,80}$/),
  queueArn: arn('HUBLEASE_QUEUE_ARN', 'sqs'),
  scheduleGroup: text('HUBLEASE_SCHEDULE_GROUP', 'the name of a schedule group', /^[\w.-]{1,64}$/),
  scheduleRoleArn: arn('HUBLEASE_SCHEDULE_ROLE_ARN', 'iam'),
  scheduleDeadLetterArn: arn('HUBLEASE_SCHEDULE_DLQ_ARN', 'sqs'),
  auditLogGroup: text('HUBLEASE_AUDIT_LOG_GROUP', 'the name of a log group', /^[\w./#-]{1,512}$/),
  metricsNamespace: text('HUBLEASE_METRICS_NAMESPACE', 'a CloudWatch namespace', /^(?!AWS\/)[\w./#-]{1,255}$/),
  /** Least TTL of a lease. */
  minTtlSeconds: wholeNumber('HUBLEASE_MIN_TTL_SECONDS', MIN_TTL_SECONDS, DAY_SECONDS),
  /** How long a revoked lease's row is kept. */
  auditRetentionSeconds: wholeNumber('HUBLEASE_AUDIT_RETENTION_SECONDS', DAY_SECONDS, MAX_SECONDS),
  /** How often one caller may ask, over time and at once. */
  callerRatePerMinute: wholeNumber('HUBLEASE_CALLER_RATE_PER_MINUTE', 1, 600_000),
  callerBurst: wholeNumber('HUBLEASE_CALLER_BURST', 1, 100_000),
  /** Whether a token is answered only when its grant is in the audit log. */
  auditRequired: oneOf('HUBLEASE_AUDIT_REQUIRED', 'true', 'false'),
} as const satisfies Record<string, Variable<unknown>>;

type Variables = typeof VARIABLES;
export type SettingName = keyof Variables;
/** As the infrastructure gives it. */
export type SettingValue = string | number | readonly string[];
type Settings<K extends SettingName> = {
  readonly [N in K]: Variables[N] extends Variable<infer T> ? T : never;
};

/** What revoking takes, and so every function. */
const REVOKING = [
  'leaseTable',
  'catalogTable',
  'targetSecretPrefix',
  'formerSecretPrefixes',
  'installationSecretArn',
  'keyArn',
  'formerKeyArns',
  'queueUrl',
  'auditLogGroup',
  'metricsNamespace',
  'minTtlSeconds',
  'auditRetentionSeconds',
] as const satisfies readonly SettingName[];

/** The settings of each function. */
export const SETTINGS_OF = {
  broker: [
    ...REVOKING,
    'queueArn',
    'scheduleGroup',
    'scheduleRoleArn',
    'scheduleDeadLetterArn',
    'callerRatePerMinute',
    'callerBurst',
    'auditRequired',
  ],
  admin: REVOKING,
  revoker: REVOKING,
  sweeper: REVOKING,
  catalogResource: REVOKING,
} as const satisfies Record<string, readonly SettingName[]>;

export type FunctionName = keyof typeof SETTINGS_OF;
export type SettingsOf<F extends FunctionName> = Settings<(typeof SETTINGS_OF)[F][number]>;
export type BrokerSettings = SettingsOf<'broker'>;
export type AdminSettings = SettingsOf<'admin'>;
export type RevokerSettings = SettingsOf<'revoker'>;
export type SweeperSettings = SettingsOf<'sweeper'>;
export type CatalogResourceSettings = SettingsOf<'catalogResource'>;

/**
 * Reads the settings that one function needs, and no others.
 *
 * @throws BadEnvironment for the first that is missing or has the wrong form.
 */
export function readSettings<F extends FunctionName>(
  functionName: F,
  environment: Readonly<Record<string, string | undefined>>,
): SettingsOf<F> {
  const entries = SETTINGS_OF[functionName].map((setting) => [
    setting,
    readOne<unknown>(VARIABLES[setting], environment),
  ]);
  return Object.fromEntries(entries) as SettingsOf<F>;
}

function readOne<T>(variable: Variable<T>, environment: Readonly<Record<string, string | undefined>>): T {
  const value = environment[variable.name];
  if (value === undefined || value === '') throw new BadEnvironment(variable.name, 'is missing');
  const parsed = variable.parse(value);
  if (parsed === undefined) throw new BadEnvironment(variable.name, `is not as expected: ${variable.expected}`);
  return parsed;
}

/**
 * The variables of one function, for the infrastructure that deploys it. Asks for exactly the settings that the function
 * reads; numbers are written out. Values may be deploy-time tokens, so they are not checked here.
 */
export function environmentOf<F extends FunctionName>(
  functionName: F,
  settings: { readonly [N in (typeof SETTINGS_OF)[F][number]]: SettingValue },
): Record<string, string> {
  const given: Readonly<Record<string, SettingValue>> = settings;
  return Object.fromEntries(
    SETTINGS_OF[functionName].map((setting) => [VARIABLES[setting].name, written(given[setting])]),
  );
}

function written(value: SettingValue | undefined): string {
  if (typeof value !== 'object') return String(value);
  return value.length === 0 ? NONE : value.join(',');
}
