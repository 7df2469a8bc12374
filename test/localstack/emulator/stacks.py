"""CloudFormation: adds custom resources, dashboards and metric filters, retains what the template retains, and polls more often."""

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

# LocalStack waits 5 s between two looks at a resource that is not ready yet.
POLL_SECONDS = 0.2
RESOURCE_TIMEOUT_SECONDS = 60
RESPONSE_PATH = "/hublease-test/custom-resource"


class CustomResource(ResourceProvider):
    """Calls the function that the resource names. Source: CloudFormation User Guide, "Custom resource request objects"."""

    SCHEMA = {"primaryIdentifier": ["/properties/PhysicalResourceId"]}

    def create(self, request):
        return self.call(request, "Create")

    def update(self, request):
        old = request.previous_state
        return self.call(request, "Update", old["PhysicalResourceId"], OldResourceProperties=template_properties(old))

    def delete(self, request):
        return self.call(request, "Delete", request.previous_state["PhysicalResourceId"])

    def call(self, request, request_type, physical_id=None, **more):
        properties = template_properties(request.desired_state)
        path = f"{RESPONSE_PATH}/{uuid.uuid4()}"
        event = {
            "RequestType": request_type,
            # On AWS this is a presigned URL of S3.
            "ResponseURL": f"https://s3.{request.region_name}.amazonaws.com{path}",
            "StackId": request.stack_id,
            "RequestId": str(uuid.uuid4()),
            "ResourceType": request.resource_type,
            "LogicalResourceId": request.logical_resource_id,
            "ResourceProperties": properties,
            **({"PhysicalResourceId": physical_id} if physical_id else {}),
            **more,
        }
        response = invoke(request.aws_client_factory.lambda_, event, path)
        if response is None:
            return failed("the custom resource did not respond in time")
        if response["Status"] != "SUCCESS":
            return failed(response.get("Reason", "the custom resource failed"))
        model = {**properties, "PhysicalResourceId": response["PhysicalResourceId"]}
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model=model)


class Dashboard(ResourceProvider):
    SCHEMA = {"primaryIdentifier": ["/properties/DashboardName"]}

    def create(self, request):
        model = request.desired_state
        name = model.get("DashboardName") or f"{request.stack_name}-{request.logical_resource_id}"
        # Fails unless the template's parts were joined to JSON.
        json.loads(model["DashboardBody"])
        client = request.aws_client_factory.cloudwatch
        client.put_dashboard(DashboardName=name, DashboardBody=model["DashboardBody"])
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model={**model, "DashboardName": name})

    def delete(self, request):
        name = request.previous_state["DashboardName"]
        request.aws_client_factory.cloudwatch.delete_dashboards(DashboardNames=[name])
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model={})


class MetricFilter(ResourceProvider):
    SCHEMA = {"primaryIdentifier": ["/properties/LogGroupName", "/properties/FilterName"]}

    def create(self, request):
        model = request.desired_state
        name = model.get("FilterName") or f"{request.stack_name}-{request.logical_resource_id}"
        transformations = [
            {field[0].lower() + field[1:]: value for field, value in each.items() if field != "Dimensions"}
            for each in model["MetricTransformations"]
        ]
        request.aws_client_factory.logs.put_metric_filter(
            logGroupName=model["LogGroupName"],
            filterName=name,
            filterPattern=model["FilterPattern"],
            metricTransformations=[{**each, "metricValue": str(each["metricValue"])} for each in transformations],
        )
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model={**model, "FilterName": name})

    def update(self, request):
        return self.create(request)

    def delete(self, request):
        model = request.previous_state
        request.aws_client_factory.logs.delete_metric_filter(
            logGroupName=model["LogGroupName"], filterName=model["FilterName"]
        )
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model={})


ADDED = {"AWS::CloudWatch::Dashboard": Dashboard, "AWS::Logs::MetricFilter": MetricFilter}


def invoke(client, event, path):
    """Invokes the function and waits for its PUT to the path. Returns the body, or None when there is none in time."""
    responded, bodies = threading.Event(), []

    def take(put):
        bodies.append(json.loads(put.data))
        responded.set()
        return Response(status=200)

    rule = ROUTER.add(path, take, methods=["PUT"])
    try:
        function = event["ResourceProperties"]["ServiceToken"]
        client.invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))
        return bodies[0] if responded.wait(RESOURCE_TIMEOUT_SECONDS) else None
    finally:
        ROUTER.remove([rule])


def template_properties(state):
    return {name: value for name, value in state.items() if name != "PhysicalResourceId"}


def failed(reason):
    return ProgressEvent(status=OperationStatus.FAILED, resource_model={}, message=reason)


def try_load_resource_provider(resource_type, load=ResourceProviderExecutor.try_load_resource_provider):
    if resource_type.startswith("Custom::"):
        return CustomResource()
    return ADDED[resource_type]() if resource_type in ADDED else load(resource_type)


@patch(ChangeSetModelExecutor._execute_resource_action)
def execute_resource_action(fn, self, action, logical_resource_id, *args, **kwargs):
    """LocalStack ignores deletion policies. Source: CloudFormation User Guide, "DeletionPolicy attribute"."""
    template = self._change_set.stack.processed_template or {}
    policy = template.get("Resources", {}).get(logical_resource_id, {}).get("DeletionPolicy", "Delete")
    if str(action) == "Remove" and policy.startswith("Retain"):
        return ProgressEvent(status=OperationStatus.SUCCESS, resource_model={}, message="retained")
    return fn(self, action, logical_resource_id, *args, **kwargs)


ResourceProviderExecutor.try_load_resource_provider = staticmethod(try_load_resource_provider)
ResourceProviderExecutor.deploy_loop.__defaults__ = (RESOURCE_TIMEOUT_SECONDS, POLL_SECONDS)
