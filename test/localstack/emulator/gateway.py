"""Addresses: only this machine can reach the gateway, and names that AWS gives out are AWS' own."""

from localstack.services.sqs.models import SqsQueue
from twisted.internet import endpoints


class LoopbackEndpoint(endpoints.TCP4ServerEndpoint):
    """LocalStack leaves out the interface and so listens on all of them."""

    def __init__(self, reactor, port):
        super().__init__(reactor, port, interface="127.0.0.1")


def url(self, context):
    """The functions insist on https. Source: SQS Developer Guide, "Queue and message identifiers"."""
    return f"https://sqs.{self.region}.amazonaws.com/{self.account_id}/{self.name}"


endpoints.TCP4ServerEndpoint = LoopbackEndpoint
SqsQueue.url = url
