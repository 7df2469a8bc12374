/**
 * How long API Gateway lets a resource policy be. AWS can raise it for an account. Source: API Gateway Developer Guide, "Quotas
 * for configuring and running a REST API".
 */
export const FAIL_ABOVE_CHARACTERS = 8_192;
/** Leaves room for what API Gateway adds to the resources: its region, account and id, about 45 characters each. */
export const WARN_ABOVE_CHARACTERS = 6_000;

/** The longest values of what is only known at deployment. */
const LONGEST: Readonly<Record<string, string>> = {
  'AWS::AccountId': '111122223333',
  'AWS::Partition': 'aws-us-gov',
  'AWS::Region': 'ap-southeast-1',
};
/** Of a value of the same template or another one: the longest name that a role can have. */
const UNKNOWN = 'x'.repeat(64);

/** The characters of a policy as API Gateway gets it. @param resolved as `Stack.resolve` gives it. */
export function charactersOf(resolved: unknown): number {
  return JSON.stringify(filledIn(resolved)).length;
}

/** Puts a value of full length in the place of each reference. */
function filledIn(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(filledIn);
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    const [key, value] = only;
    if (key === 'Ref') return LONGEST[value as string] ?? UNKNOWN;
    if (key === 'Fn::Join') {
      const [delimiter, parts] = value as [string, unknown[]];
      return parts.map(filledIn).join(delimiter);
    }
    if (key.startsWith('Fn::')) return UNKNOWN;
  }
  return Object.fromEntries(entries.map(([key, value]) => [key, filledIn(value)]));
}
