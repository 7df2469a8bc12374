"""Addresses: the gateway listens on 127.0.0.1 only, and queues have the URLs that AWS gives them."""

from localstack.services.sqs.models import SqsQueue
from twisted.internet import endpoints


class LoopbackEndpoint(endpoints.TCP4ServerEndpoint):
    """LocalStack passes no interface, which means all of them."""

    def __init__(self, reactor, port):
        super().__init__(reactor, port, interface="127.0.0.1")


def url(self, context):
    """hublease refuses a URL that is not https. Source: SQS Developer Guide, "Queue and message identifiers"."""
    return f"https://sqs.{self.region}.amazonaws.com/{self.account_id}/{self.name}"


endpoints.TCP4ServerEndpoint = LoopbackEndpoint
SqsQueue.url = url
