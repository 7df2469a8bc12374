import { DynamoDBClient, type DynamoDBClientConfig, TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { clientConfig } from '../aws/clients.ts';

/**
 * A DynamoDB client with bounded tries and times that reads and writes plain objects. Fields that are undefined are left out.
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
        // The SDK gives up on this one, though nothing was written and the next try usually succeeds. Every write here carries
        // a condition, so trying again is safe. Source: DynamoDB Developer Guide, "Error handling with DynamoDB".
        if (error instanceof TransactionConflictException) Object.assign(error, { $retryable: {} });
        throw error;
      }
    },
    // The SDK's own retry is outermost in this step, so this runs once per try.
    { step: 'finalizeRequest', priority: 'low', name: 'retryTransactionConflict' },
  );
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}
