"""The front door on the stage: the template's API by the model of API Gateway, before the stage's queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs

from destination_testbench.alarms.aws_metrics import publish_request
from destination_testbench.alarms.metrics import Metrics
from destination_testbench.alarms.stage_cloud import StageCloud
from destination_testbench.aws.front_door import FromQueue, FrontDoor, ToQueue

KEY = "the-key"
TAKEN = json.dumps({"SendMessageResponse": {"SendMessageResult": {"MessageId": "an-id"}}})
DENIED = json.dumps({"Error": {"Code": "AccessDenied", "Message": "", "Type": "Sender"}})


class Gateway:
    """
    Takes requests, hands what it lets through to `put`, and publishes what API Gateway would.

    `is_denied` is SQS's side of it: then its role may no longer send, which SQS answers with 403.
    """

    def __init__(self, cloud: StageCloud, metrics: Metrics, put: Callable[[str], None]) -> None:
        (api,) = cloud.properties("AWS::ApiGateway::RestApi").values()
        (stage,) = cloud.properties("AWS::ApiGateway::Stage").values()
        self._name, self._stage = cloud.resolve(api["Name"]), cloud.resolve(stage["StageName"])
        self._metrics, self._put = metrics, put
        self._door = FrontDoor(cloud.resolve(api["Body"]), KEY, self._send)
        self.is_denied = False

    def post(self, body: str, now: float, key: str = KEY) -> int:
        """The status of the answer."""
        headers = {"x-api-key": key, "content-type": "application/json"}
        calls = len(self._door.sent)
        status = self._door.post("/profiles", body.encode(), headers).status
        publish_request(self._metrics, self._name, self._stage, now, status, len(self._door.sent) > calls)
        return status

    def _send(self, request: ToQueue) -> FromQueue:
        if self.is_denied:
            return FromQueue(403, DENIED)
        (body,) = parse_qs(request.body)["MessageBody"]
        self._put(body)
        return FromQueue(200, TAKEN)
