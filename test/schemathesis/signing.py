"""Signs the requests that schemathesis sends, as a user's AWS SDK would, names things that exist, and judges a 5xx."""

import os

import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from requests.auth import AuthBase

ADMIN = Credentials(os.environ["ADMIN_KEY_ID"], os.environ["ADMIN_SECRET_KEY"])
CALLER = Credentials(os.environ["CALLER_KEY_ID"], os.environ["CALLER_SECRET_KEY"])
# What the test makes, so that some requests get past "there is no such thing".
SEEDED = {"/lease/{name}": "ci/release", "/admin/secrets/{name}": "ci/release", "/admin/targets/{name}": "acme-bot"}


class SigV4(AuthBase):
    """Signs as an administrator below /admin, and as a caller elsewhere."""

    def __call__(self, request):
        credentials = ADMIN if request.path_url.startswith("/v1/admin") else CALLER
        kept = {name: value for name, value in request.headers.items() if name.lower() == "content-type"}
        signed = AWSRequest(method=request.method, url=request.url, data=request.body, headers=kept)
        SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(signed)
        for name in ("Authorization", "X-Amz-Date"):
            request.headers[name] = signed.headers[name]
        return request


schemathesis.auth.set_from_requests(SigV4())


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Puts the seeded name in place of one generated name in two, told by the name itself so that runs repeat."""
    seeded = SEEDED.get(context.operation.path)
    if seeded is not None and path_parameters and len(str(path_parameters.get("name"))) % 2 == 0:
        path_parameters["name"] = seeded
    return path_parameters


@schemathesis.check
def no_server_error(context, response, case):
    """Takes no 5xx but one: a TOTP code serves one login, so the next PUT of that target may be told to wait."""
    if response.status_code < 500:
        return
    waits_for_code = case.operation.path == "/admin/targets/{name}" and response.status_code == 503
    assert waits_for_code and response.json()["code"] == "busy" and response.headers.get("retry-after"), response.text
