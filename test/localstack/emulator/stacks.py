"""CloudFormation: waits shortly, keeps what is to be retained, and knows the types that LocalStack has no provider for."""

import json
import threading
import uuid

from localstack.http import Response
from localstack.services.cloudformation.engine.v2.change_set_model_executor import ChangeSetModelExecutor
from localstack.services.cloudformation.resource_provider import (
    OperationStatus,
    ProgressEvent,
    ResourceProvider,
    ResourceProviderExecutor,
)
from localstack.services.edge import ROUTER
from localstack.utils.patch import patch

# LocalStack's own are 300 and 5 s between two looks at a resource that is not ready yet.
LONGEST_SECONDS = 60
PAUSE_SECONDS = 0.2
RESPONSE_PATH = "/hublease-test/custom-resource"


class CustomResource(ResourceProvider):
    """Asks the function that the resource names. Source: CloudFormation User Guide, "Custom resource request objects"."""

    SCHEMA = {"primaryIdentifier": ["/properties/PhysicalResourceId"]}

    def create(self, request):
        return self.ask(request, "Create")

    def update(self, request):
        old = request.previous_state
        return self.ask(request, "Update", old["PhysicalResourceId"], OldResourceProperties=given(old))

    def delete(self, request):
        return self.ask(request, "Delete", request.previous_state["PhysicalResourceId"])

    def ask(self, request, request_type, physical_id=None, **more):
        properties = given(request.desired_state)
        answered, path = threading.Event(), f"{RESPONSE_PATH}/{uuid.uuid4()}"
        answers = []

        def answer(put):
            answers.append(json.loads(put.data))
            answered.set()
            return Response(status=200)

        rule = ROUTER.add(path, answer, methods=["PUT"])
        event = {
            "RequestType": request_type,
            # Where AWS has it presigned, too.
            "ResponseURL": f"https://s3.{request.region_name}.amazonaws.com{path}",
            "StackId": request.stack_id,
            "RequestId": str(uuid.uuid4()),
            "ResourceType": request.resource_type,
            "LogicalResourceId": request.logical_resource_id,
            "ResourceProperties": properties,
            **({"PhysicalResourceId": physical_id} if physical_id else {}),
            **more,
        }
        try:
            client = request.aws_client_factory.lambda_
            client.invoke(FunctionName=properties["ServiceToken"], InvocationType="Event", Payload=json.dumps(event))
            if not answered.wait(LONGEST_SECONDS):
                return failed("the custom resource did not answer in time")
        finally:
            ROUTER.remove([rule])
        if answers[0]["Status"] != "SUCCESS":
            return failed(answers[0].get("Reason", "the custom resource failed"))
        model = {**properties, "PhysicalResourceId": answers[0]["PhysicalResourceId"]}
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


class Dashboard(ResourceProvider):
    SCHEMA = {"primaryIdentifier": ["/properties/DashboardName"]}

    def create(self, request):
        model = request.desired_state
        name = model.get("DashboardName") or f"{request.stack_name}-{request.logical_resource_id}"
        json.loads(model["DashboardBody"])
        client = request.aws_client_factory.cloudwatch
        client.put_dashboard(DashboardName=name, DashboardBody=model["DashboardBody"])
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model={**model, "DashboardName": name})

    def delete(self, request):
        request.aws_client_factory.cloudwatch.delete_dashboards(DashboardNames=[request.previous_state["DashboardName"]])
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model={})


def given(state):
    return {name: value for name, value in state.items() if name != "PhysicalResourceId"}


def failed(reason):
    return ProgressEvent(status=OperationStatus.FAILED, resource_model={}, message=reason)


def try_load_resource_provider(resource_type, load=ResourceProviderExecutor.try_load_resource_provider):
    if resource_type.startswith("Custom::"):
        return CustomResource()
    return Dashboard() if resource_type == "AWS::CloudWatch::Dashboard" else load(resource_type)


@patch(ChangeSetModelExecutor._execute_resource_action)
def execute_resource_action(fn, self, action, logical_resource_id, *args, **kwargs):
    """LocalStack deletes whatever the template says. Source: CloudFormation User Guide, "DeletionPolicy attribute"."""
    template = self._change_set.stack.processed_template or {}
    policy = template.get("Resources", {}).get(logical_resource_id, {}).get("DeletionPolicy", "Delete")
    if str(action) == "Remove" and policy.startswith("Retain"):
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model={}, message="retained")
    return fn(self, action, logical_resource_id, *args, **kwargs)


ResourceProviderExecutor.try_load_resource_provider = staticmethod(try_load_resource_provider)
ResourceProviderExecutor.deploy_loop.__defaults__ = (LONGEST_SECONDS, PAUSE_SECONDS)
