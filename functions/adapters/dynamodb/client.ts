import { DynamoDBClient, type DynamoDBClientConfig, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { clientConfig } from '../aws/clients.ts';

/**
 * A DynamoDB client with limited retries and timeouts that reads and writes plain objects. Undefined fields are left out.
 *
 * @param config overrides, such as an endpoint.
 */
export function dynamodbClient(config: DynamoDBClientConfig = {}): DynamoDBDocumentClient {
  const client = new DynamoDBClient({ ...clientConfig(), ...config });
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        // The SDK does not retry this error, although nothing was written and the next try usually succeeds. Every write here has
        // a condition, so a retry is safe. Source: DynamoDB Developer Guide, "Error handling with DynamoDB".
        if (error instanceof TransactionConflictException) Object.assign(error, { $retryable: {} });
        throw error;
      }
    },
    // The SDK's own retry is outermost in this step, so this runs once per try.
    { step: 'finalizeRequest', priority: 'low', name: 'retryTransactionConflict' },
  );
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}
