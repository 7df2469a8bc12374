import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Acknowledges, for cdk-nag, that a policy below `scope` names a resource with a `*` in it, and says why. cdk-nag wants the
 * exact resource, references written as it writes them; any other wildcard still fails.
 */
export function acknowledgeWildcard(scope: IConstruct, resource: string, reason: string): void {
  const written = flatten(Stack.of(scope).resolve(resource));
  Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM5[Resource::${written}]`, reason });
}

/** `Fn::Join` joined, references in angle brackets. */
function flatten(node: unknown): string {
  if (typeof node === 'string') return node;
  const reference = node as { 'Fn::Join'?: [string, unknown[]]; 'Fn::GetAtt'?: [string, string]; Ref?: string };
  if (reference['Fn::Join'] !== undefined) {
    const [delimiter, items] = reference['Fn::Join'];
    return items.map(flatten).join(delimiter);
  }
  if (reference['Fn::GetAtt'] !== undefined) return `<${reference['Fn::GetAtt'].join('.')}>`;
  return reference.Ref === undefined ? JSON.stringify(node) : `<${reference.Ref}>`;
}
