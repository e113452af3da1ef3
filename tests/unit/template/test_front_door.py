"""The HTTPS endpoint of the template, in a model of API Gateway, in front of an SQS that answers as told."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from typing import Any
from urllib.parse import parse_qs

import pytest
from destination_testbench.aws.front_door import DoorAnswer, FromQueue, FrontDoor, ToQueue
from destination_testbench.local.places import ROOT
from hypothesis import given
from hypothesis import strategies as st
from the_template import parts, resolved, resolver, template

ON = {"HttpEndpoint": "true"}
KEY = "a-key-that-nobody-guesses"
HEADERS = {"x-api-key": KEY, "Content-Type": "application/json"}
TAKEN = FromQueue(200, '{"SendMessageResponse": {"SendMessageResult": {"MessageId": "m-1"}}}')


def a_front_door(reply: FromQueue = TAKEN) -> FrontDoor:
    definition = resolved("AWS::ApiGateway::RestApi", **ON)["FrontDoor"]["Body"]
    return FrontDoor(definition, KEY, lambda request: reply)


def post(door: FrontDoor, body: Any, **headers: str) -> DoorAnswer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return door.post("/profiles", data, {**HEADERS, **more})


def an_error(code: str) -> str:
    return json.dumps({"Error": {"Code": code, "Message": "Jane Doe", "Type": "Sender"}, "RequestId": "r-1"})


def stage() -> Any:
    return resolved("AWS::ApiGateway::Stage", **ON)["FrontDoorStage"]


@pytest.mark.parametrize("body", [{"person": {}}, {"profiles": [{"person": {}}]}, {"profiles": [{}, {}]}])
def test_one_profile_and_a_list_of_profiles_are_taken(body: Any) -> None:
    door = a_front_door()

    answer = post(door, body)

    assert (answer.status, answer.document) == (200, {"message_id": "m-1"})
    assert len(door.sent) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"a"',
        b"null",
        b"1",
        {},
        [{"person": {}}],
        {"profiles": []},
        {"profiles": {}},
        {"profiles": [1]},
    ],
)
def test_what_holds_no_profile_is_refused_with_the_reason_and_never_sent(body: Any) -> None:
    door = a_front_door()

    answer = post(door, body)

    assert (answer.status, answer.document["message"]) == (
        400,
        "The body is no profile. Send a JSON object that is not empty: one profile, or an object in which profiles is "
        "a list of one or more objects.",
    )
    assert door.sent == []


def test_no_answer_of_the_gateways_own_repeats_what_was_sent() -> None:
    said = a_front_door().definition["x-amazon-apigateway-gateway-responses"]

    assert len(said) >= 4
    assert all("$" not in json.dumps(response) for response in said.values())


@pytest.mark.parametrize("headers", [{"x-api-key": ""}, {"x-api-key": "another"}])
def test_nobody_sends_without_the_key(headers: dict[str, str]) -> None:
    door = a_front_door()

    answer = door.post("/profiles", b'{"person": {}}', {**HEADERS, **headers})

    assert answer.status == 403
    assert door.sent == []


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "*/*"])
def test_what_could_not_be_validated_is_not_sent(media_type: str) -> None:
    door = a_front_door()

    answer = post(door, {"person": {}}, content_type=media_type)

    assert (answer.status, answer.document) == (415, {"message": "The content type must be application/json."})
    assert door.sent == []


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "response_type"),
    [
        ("/profiles", b"{}", {"x-api-key": "another"}, 403, "INVALID_API_KEY"),
        ("/profile", b'{"a": 1}', {}, 403, "MISSING_AUTHENTICATION_TOKEN"),
        ("/profiles", b"{}", {}, 400, "BAD_REQUEST_BODY"),
        ("/profiles", b'{"a": 1}', {"Content-Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("/profiles", b" " * (10 * 1024 * 1024 + 1), {}, 413, "REQUEST_TOO_LARGE"),
    ],
)
def test_the_runbook_explains_what_the_gateway_refuses_by_itself(
    path: str, body: bytes, headers: dict[str, str], status: int, response_type: str
) -> None:
    answer = a_front_door().post(path, body, {**HEADERS, **headers})

    section = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8").partition("\n## FrontDoorRefusingAlarm\n")[2]
    assert (answer.status, answer.response_type) == (status, response_type)
    assert f"`{response_type}`" in section.partition("\n## ")[0]


CHARSETS = ("; charset=utf-8", "; charset=UTF-8", ";charset=utf-8", ";charset=UTF-8")
JSON_TYPES = ("application/json", *(f"application/json{charset}" for charset in CHARSETS))


@pytest.mark.parametrize("cuts_parameters", [True, False])
@pytest.mark.parametrize("media_type", JSON_TYPES)
def test_json_may_say_its_encoding_and_is_judged_the_same(media_type: str, cuts_parameters: bool) -> None:
    door = a_front_door()
    door.cuts_parameters = cuts_parameters

    statuses = [post(door, body, content_type=media_type).status for body in (b'{"person": {}}', b"{}")]

    assert (statuses, len(door.sent)) == ([200, 400], 1)


def test_every_type_that_is_taken_has_a_model_and_the_one_template() -> None:
    method = a_front_door().definition["paths"]["/profiles"]["post"]
    templates = method["x-amazon-apigateway-integration"]["requestTemplates"]

    assert set(templates) == set(method["requestBody"]["content"]) == set(JSON_TYPES)
    assert len(set(templates.values())) == 1


def test_a_queue_that_cannot_be_reached_is_a_503_so_that_it_is_sent_again() -> None:
    def nobody_there(request: ToQueue) -> FromQueue:
        raise ConnectionRefusedError

    door = a_front_door()
    door.send = nobody_there

    answer = post(door, {"person": {}})

    assert (answer.status, answer.response_type) == (503, "INTEGRATION_FAILURE")
    assert answer.document == {"message": "The queue did not take it. Send it again."}


def test_the_queue_gets_the_message_by_its_own_protocol() -> None:
    door = a_front_door()

    post(door, {"person": {"name": "Jane & Joe = 100 %"}})

    (request,) = door.sent
    assert request.path == "/123456789012/Queue"
    assert request.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    assert parse_qs(request.body, strict_parsing=True) == {
        "Action": ["SendMessage"],
        "Version": ["2012-11-05"],
        "MessageBody": ['{"person": {"name": "Jane & Joe = 100 %"}}'],
    }


@given(
    st.dictionaries(st.text(), st.text() | st.lists(st.text()) | st.integers(), min_size=1),
    st.sampled_from([" ", "\n", ""]),
)
def test_the_body_arrives_byte_for_byte(profile: dict[str, Any], space: str) -> None:
    profile.pop("profiles", None)
    body = (space + json.dumps({"a": 1, **profile}, ensure_ascii=False) + space).encode("utf-8", "surrogatepass")
    try:
        body.decode()
    except UnicodeDecodeError:
        return
    door = a_front_door()

    post(door, body)

    (message,) = parse_qs(door.sent[0].body)["MessageBody"]
    assert message.encode() == body


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, an_error("AWS.SimpleQueueService.NonExistentQueue")),
        (400, an_error("KMS.ThrottlingException")),
        (400, an_error("KmsDisabled")),
        (400, an_error("RequestThrottled")),
        (400, an_error("InvalidSecurity")),
        (400, "<ErrorResponse><Error><Code>InvalidParameterValue</Code></Error></ErrorResponse>"),
        (400, ""),
        (403, an_error("AccessDenied")),
        (403, an_error("InvalidClientTokenId")),
        (404, an_error("QueueDoesNotExist")),
        (429, ""),
        (301, ""),
        (500, an_error("InternalFailure")),
        (503, an_error("ServiceUnavailable")),
        (504, "<html>"),
    ],
)
def test_whatever_is_not_the_bodys_fault_is_a_503_so_that_it_is_sent_again(status: int, body: str) -> None:
    answer = post(a_front_door(FromQueue(status, body)), {"person": {}})

    assert answer.status == 503
    assert answer.document == {"message": "The queue did not take it. Send it again."}


@pytest.mark.parametrize(("code", "status"), [("InvalidParameterValue", 413), ("InvalidMessageContents", 400)])
def test_a_body_that_the_queue_never_takes_is_a_4xx_so_that_it_is_not_sent_again(code: str, status: int) -> None:
    answer = post(a_front_door(FromQueue(400, an_error(code))), {"person": {}})

    assert answer.status == status
    assert "Jane Doe" not in answer.body


def test_the_answer_names_the_limit_of_the_queue() -> None:
    answer = post(a_front_door(FromQueue(400, an_error("InvalidParameterValue"))), {"person": {}})

    limit = resolved("AWS::SQS::Queue")["Queue"]["MaximumMessageSize"]
    assert str(limit) in answer.document["message"]


def test_every_status_of_the_integration_is_one_that_the_method_declares() -> None:
    method = a_front_door().definition["paths"]["/profiles"]["post"]
    responses = method["x-amazon-apigateway-integration"]["responses"]

    given_back = {response["statusCode"] for response in responses.values()}
    given_back |= {status for it in responses.values() for status in re.findall(r"status = (\d+)", str(it))}

    assert given_back == set(method["responses"])


def test_the_message_is_put_on_the_queue_by_the_role_that_may_do_nothing_else() -> None:
    method = a_front_door().definition["paths"]["/profiles"]["post"]

    assert method["x-amazon-apigateway-integration"]["credentials"] == "FrontDoorRole"


def test_the_access_log_tells_neither_who_nor_what() -> None:
    line = stage()["AccessLogSetting"]["Format"]

    variables = set(re.findall(r"\$context\.([\w.]+)", line))
    assert json.loads(line)["requestId"] == "$context.requestId"
    assert variables == {
        "requestId",
        "extendedRequestId",
        "requestTime",
        "httpMethod",
        "resourcePath",
        "status",
        "integration.status",
        "integration.latency",
        "responseLatency",
        "error.responseType",
        "identity.apiKeyId",
    }
    assert "\n" not in line


def test_bodies_are_never_logged() -> None:
    (settings,) = stage()["MethodSettings"]

    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert settings["LoggingLevel"] == "OFF"
    assert settings["DataTraceEnabled"] is False


def test_there_are_metrics_by_method_only_where_something_looks_at_them() -> None:
    (settings,) = stage()["MethodSettings"]
    looked_at = json.dumps([part.resources for part in parts().values()])

    assert settings["MetricsEnabled"] is ('"Name": "Method"' in looked_at)


def test_requests_are_throttled_for_the_stage_and_for_the_key() -> None:
    (settings,) = resolved("AWS::ApiGateway::Stage", **ON, HttpRequestsPerSecond="7")["FrontDoorStage"][
        "MethodSettings"
    ]
    plan = resolved("AWS::ApiGateway::UsagePlan", **ON, HttpRequestsPerSecond="7")["HttpUsagePlan"]

    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == ("7", "7")
    assert plan["Throttle"] == {"RateLimit": "7", "BurstLimit": "7"}
    assert plan["ApiStages"] == [{"ApiId": "FrontDoor", "Stage": "FrontDoorStage"}]


def keys_with(choice: str) -> dict[str, str]:
    """The usage plan of each enabled key that there is."""
    on = {**ON, "HttpApiKeys": choice}
    keys = resolved("AWS::ApiGateway::ApiKey", **on)
    assert all(key["Enabled"] is True for key in keys.values())
    plans = resolved("AWS::ApiGateway::UsagePlanKey", **on).values()
    assert {plan["KeyType"] for plan in plans} == {"API_KEY"}
    assert {plan["KeyId"] for plan in plans} == set(keys)
    return {plan["KeyId"]: plan["UsagePlanId"] for plan in plans}


def test_a_key_is_changed_by_two_deployments_with_both_taken_between_them() -> None:
    first, second = {"HttpApiKey": "HttpUsagePlan"}, {"SecondHttpApiKey": "HttpUsagePlan"}

    assert keys_with("first") == first
    assert keys_with("both") == first | second
    assert keys_with("second") == second


@pytest.mark.parametrize(
    ("choice", "named"),
    [
        ("first", {"HttpApiKeyId": "HttpApiKey"}),
        ("both", {"HttpApiKeyId": "HttpApiKey", "SecondHttpApiKeyId": "SecondHttpApiKey"}),
        ("second", {"HttpApiKeyId": "SecondHttpApiKey"}),
    ],
)
def test_the_outputs_name_the_keys_that_there_are(choice: str, named: dict[str, str]) -> None:
    says = resolver(**ON, HttpApiKeys=choice)
    outputs = {name: it for name, it in template().outputs.items() if name.endswith("HttpApiKeyId")}

    found = {name: says.resolve(it["Value"]) for name, it in outputs.items() if says.holds(it["Condition"])}

    assert found == named


def test_only_tls_1_2_and_later_is_spoken() -> None:
    api = resolved("AWS::ApiGateway::RestApi", **ON)["FrontDoor"]

    assert api["SecurityPolicy"] == "SecurityPolicy_TLS13_1_2_2021_06"
    assert api["EndpointAccessMode"] == "STRICT"
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_a_harmless_warning_stops_no_deployment() -> None:
    assert not resolved("AWS::ApiGateway::RestApi", **ON)["FrontDoor"].get("FailOnWarnings")


def test_the_accounts_log_role_is_set_after_the_first_api_and_before_the_stage() -> None:
    variables = {
        choice: resolved("AWS::ApiGateway::Stage", **ON, SetGatewayLogRole=choice)["FrontDoorStage"]["Variables"]
        for choice in ("true", "false")
    }

    assert parts()["HttpFrontDoor"].resources["GatewayAccount"]["DependsOn"] == "FrontDoor"
    assert resolved("AWS::ApiGateway::RestApi", **ON).keys() == {"FrontDoor"}
    assert variables == {"true": {"logRole": "GatewayAccount"}, "false": {"logRole": "set-elsewhere"}}


def deployed(ranges: str) -> tuple[str, Any]:
    """The deployment that the stage has, which is all that there are, and the statement of the policy in it."""
    on = {**ON, "HttpSourceRanges": ranges}
    (only,) = resolved("AWS::ApiGateway::Deployment", **on)
    policy = resolved("AWS::ApiGateway::RestApi", **on)["FrontDoor"]["Body"]["x-amazon-apigateway-policy"]
    (statement,) = policy["Statement"]
    assert resolved("AWS::ApiGateway::Stage", **on)["FrontDoorStage"]["DeploymentId"] == only
    return only, statement


def test_anybody_may_ask_unless_addresses_are_named() -> None:
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}

    (_, open_to_all), (_, limited) = (deployed(ranges) for ranges in ("", "a:203.0.113.0/24,198.51.100.7/32"))

    assert open_to_all == everybody
    assert limited == {**everybody, "Condition": {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "198.51.100.7/32"]}}}


def test_other_addresses_come_with_another_letter_and_so_with_another_deployment() -> None:
    pattern = template().parameters["HttpSourceRanges"]["AllowedPattern"]
    steps = ["", "a:203.0.113.0/24", "b:203.0.113.0/24,198.51.100.7/32", "a:198.51.100.7/32", ""]

    deployments = [deployed(ranges)[0] for ranges in steps]

    assert all(before != after for before, after in itertools.pairwise(deployments))
    assert all(re.fullmatch(pattern, ranges) for ranges in steps)
    for wrong in ("203.0.113.0/24", "c:203.0.113.0/24", "a:", "a:203.0.113.0", "a:203.0.113.0/24, 198.51.100.7/32"):
        assert not re.fullmatch(pattern, wrong)


def test_a_changed_definition_is_a_new_deployment() -> None:
    resources = parts()["HttpFrontDoor"].resources
    text = json.dumps(resources["FrontDoor"]["Properties"], sort_keys=True)

    wanted = f"FrontDoorDeployment{hashlib.sha256(text.encode()).hexdigest()[:10]}"

    deployments = [name for name, it in resources.items() if it["Type"] == "AWS::ApiGateway::Deployment"]
    assert deployments == [wanted, f"{wanted}A", f"{wanted}B"], (
        f"Call them {wanted}, A and B in stacks/front-door.yaml."
    )
