"""Event source mappings in the local AWS, so that `destination pause` works there as it does on a deployed stack."""

from __future__ import annotations

import io
import json
import zipfile

from destination_testbench.aws.process import LocalAws
from destination_testbench.aws_lambda.event_source import EventSourceMapping

ROLE = "local-functions"


class Switch:
    """One event source mapping, and the function that it names, without its code, since the poller runs it.

    The poller asks before each batch whether it is on.
    """

    def __init__(self, aws: LocalAws, mapping: EventSourceMapping) -> None:
        self._lambda = aws.client("lambda")
        self._lambda.create_function(
            FunctionName=mapping.function_name,
            Runtime="python3.13",
            Role=_role(aws),
            Handler="app.lambda_handler",
            Code={"ZipFile": _no_code()},
        )
        self._id = self._lambda.create_event_source_mapping(
            EventSourceArn=mapping.queue_arn, FunctionName=mapping.function_name, BatchSize=mapping.batch_size
        )["UUID"]

    def is_on(self) -> bool:
        """Whether messages may be taken from the queue now."""
        return str(self._lambda.get_event_source_mapping(UUID=self._id)["State"]) == "Enabled"


def _role(aws: LocalAws) -> str:
    iam = aws.client("iam")
    roles = {role["RoleName"]: role["Arn"] for role in iam.list_roles()["Roles"]}
    if ROLE in roles:
        return str(roles[ROLE])
    return str(iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps({}))["Role"]["Arn"])


def _no_code() -> bytes:
    """An archive with nothing in it that runs."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", "")
    return content.getvalue()
