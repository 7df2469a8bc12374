import { Aws } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';

/**
 * Trust for a service that acts for this account, and where given for one resource of it: without, the service could be made
 * to use the role for somebody else. Source: IAM User Guide, "The confused deputy problem".
 */
export function serviceOfThisAccount(servicePrincipal: string, sourceArn?: string): iam.ServicePrincipal {
  return new iam.ServicePrincipal(servicePrincipal, {
    conditions: {
      StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
      ...(sourceArn !== undefined && { ArnEquals: { 'aws:SourceArn': sourceArn } }),
    },
  });
}
