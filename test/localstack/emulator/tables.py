"""DynamoDB: uses the DynamoDB Local that the tests started, and completes the stream records of expired rows."""

from localstack.services.dynamodb.server import DynamodbServer
from localstack.services.lambda_.event_source_mapping.pollers.dynamodb_poller import DynamoDBPoller
from localstack.utils.patch import patch

# Source: DynamoDB Developer Guide, "DynamoDB Streams and Time to Live".
BY_TIME_TO_LIVE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}

# The tests start it and end it. Its port is DYNAMODB_LOCAL_PORT.
DynamodbServer.start_dynamodb = lambda self: True
DynamodbServer.stop_dynamodb = lambda self: None


@patch(DynamoDBPoller.transform_into_events)
def transform_into_events(fn, self, records, shard_id):
    """
    LocalStack deletes expired rows by a request, and DynamoDB Local's record of it has no `userIdentity`. No function may
    delete a row of a table with a stream, so every REMOVE here comes from an expired row. The mapping's filter runs later.
    """
    events = fn(self, records, shard_id)
    return [{**event, "userIdentity": BY_TIME_TO_LIVE} if event["eventName"] == "REMOVE" else event for event in events]
