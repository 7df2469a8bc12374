"""DynamoDB: the tests' own DynamoDB Local, and its streams as AWS writes them."""

from localstack.services.dynamodb.server import DynamodbServer
from localstack.services.lambda_.event_source_mapping.pollers.dynamodb_poller import DynamoDBPoller
from localstack.utils.patch import patch

# Source: DynamoDB Developer Guide, "DynamoDB Streams and Time to Live".
TIME_TO_LIVE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
# What DynamoDB Local names its own deletion, and nothing else.
UNNAMED_EVENT = "UNKNOWN_TO_SDK_VERSION"

# It is started and ended by the tests, on the port of DYNAMODB_LOCAL_PORT.
DynamodbServer.start_dynamodb = lambda self: True
DynamodbServer.stop_dynamodb = lambda self: None


@patch(DynamoDBPoller.transform_into_events)
def transform_into_events(fn, self, records, shard_id):
    """DynamoDB Local does not say that a row went by its time to live. Before filters see the record."""
    return [as_written_by_aws(event) for event in fn(self, records, shard_id)]


def as_written_by_aws(event):
    if event["eventName"] != UNNAMED_EVENT:
        return event
    return {**event, "eventName": "REMOVE", "userIdentity": TIME_TO_LIVE}
