"""Who is let in, and what each service says to the others."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

import botocore.auth
import pytest
from awslab.signature import canonical_path, canonical_query
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::123456789012:role/lab"


def code_of(call, *arguments, **named):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def session_of(lab):
    return lab.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="test")["Credentials"]


def client_of(lab, session, service, **changes):
    return lab.client(service, **({
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    } | changes))


OPERATIONS = {
    "ssm": ("describe_instance_information", {}),
    "ec2": ("describe_instances", {}),
    "sts": ("get_caller_identity", {}),
    "s3": ("list_buckets", {}),
    "kms": ("list_keys", {}),
}


def call(client):
    name, parameters = OPERATIONS[client.meta.service_model.service_name]
    return getattr(client, name)(**parameters)


@pytest.mark.parametrize("service", OPERATIONS)
def test_root_and_role_sessions_are_let_in(lab, service):
    call(lab.client(service))
    call(client_of(lab, session_of(lab), service))


def test_keys_of_users_are_let_in_until_switched_off(lab):
    iam = lab.client("iam")
    iam.create_user(UserName="someone")
    key = iam.create_access_key(UserName="someone")["AccessKey"]
    ssm = lab.client(
        "ssm", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    call(ssm)
    iam.update_access_key(UserName="someone", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert code_of(call, ssm) == ("UnrecognizedClientException", 400)


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("ssm", ("InvalidSignatureException", 400)),
        ("ec2", ("AuthFailure", 401)),
        ("sts", ("SignatureDoesNotMatch", 403)),
        ("s3", ("SignatureDoesNotMatch", 403)),
    ],
)
def test_a_wrong_secret(lab, service, expected):
    assert code_of(call, lab.client(service, aws_secret_access_key="wrong")) == expected


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("ssm", ("UnrecognizedClientException", 400)),
        ("ec2", ("AuthFailure", 401)),
        ("sts", ("InvalidClientTokenId", 403)),
        ("s3", ("InvalidAccessKeyId", 403)),
    ],
)
def test_an_unknown_key(lab, service, expected):
    assert code_of(call, lab.client(service, aws_access_key_id="AKIANOBODY")) == expected


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("ssm", ("UnrecognizedClientException", 400)),
        ("ec2", ("AuthFailure", 401)),
        ("sts", ("InvalidClientTokenId", 403)),
        ("s3", ("InvalidToken", 400)),
    ],
)
def test_a_wrong_session_token(lab, service, expected):
    client = client_of(lab, session_of(lab), service, aws_session_token="wrong")
    assert code_of(call, client) == expected


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("ssm", ("ExpiredTokenException", 400)),
        ("ec2", ("RequestExpired", 400)),
        ("sts", ("ExpiredToken", 403)),
        ("s3", ("ExpiredToken", 400)),
    ],
)
def test_a_session_that_has_ended(lab, service, expected):
    client = client_of(lab, session_of(lab), service)
    call(client)
    lab.set(expire="all")
    assert code_of(call, client) == expected
    call(client_of(lab, session_of(lab), service))


@pytest.mark.parametrize("skew", [-310, 310])
@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("ssm", ("InvalidSignatureException", 400)),
        ("ec2", ("RequestExpired", 400)),
        ("sts", ("SignatureDoesNotMatch", 403)),
        ("s3", ("RequestTimeTooSkewed", 403)),
    ],
)
def test_a_clock_five_minutes_off(lab, service, expected, skew):
    client = lab.client(service)
    lab.set(skew=skew)
    if service == "s3":
        # botocore learns the skew of S3 and tries again by itself: only the first answer counts.
        client.meta.events.unregister("needs-retry.s3")
    assert code_of(call, client) == expected
    lab.set(skew=skew * 0.9)
    call(client)


def test_the_answer_tells_the_time_of_the_service(lab, ssm):
    lab.set(skew=250)
    answer = ssm.describe_instance_information()
    date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
    told = datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=timezone.utc)
    assert abs(told - datetime.now(timezone.utc) - timedelta(seconds=250)) < timedelta(seconds=5)


def signed(lab, body=b"{}", region="eu-central-1", service="ssm"):
    """A signed request that a test may spoil."""
    request = AWSRequest(
        "POST", f"{lab.url}/", data=body,
        headers={
            "X-Amz-Target": "AmazonSSM.ListCommands", "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest(),
        },
    )
    SigV4Auth(Credentials(lab.key, lab.secret), service, region).add_auth(request)
    return dict(request.headers.items())


def send(lab, headers, body=b"{}"):
    request = urllib.request.Request(f"{lab.url}/", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def test_signed_by_hand(lab):
    assert '"Commands"' in send(lab, signed(lab))


def test_no_signature_at_all(lab):
    headers = signed(lab)
    del headers["Authorization"]
    assert "MissingAuthenticationTokenException" in send(lab, headers)


def test_a_malformed_signature(lab):
    spoiled = signed(lab) | {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}
    assert "IncompleteSignature" in send(lab, spoiled)


def test_a_body_that_is_not_the_signed_one(lab):
    assert "InvalidSignatureException" in send(lab, signed(lab), b'{"CommandId": "other"}')


def test_an_amazon_header_that_is_not_signed(lab):
    assert "InvalidSignatureException" in send(lab, signed(lab) | {"X-Amz-Extra": "1"})


def test_a_signature_for_another_region_or_service(lab):
    assert "valid region" in send(lab, signed(lab, region="eu-west-1"))
    assert "correct service: 'ssm'" in send(lab, signed(lab, service="ec2"))


def test_presigned_links(lab):
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="links", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="links", Key="a b+c/é", Body=b"hello")
    assert s3.get_object(Bucket="links", Key="a b+c/é")["Body"].read() == b"hello"
    s3v4 = lab.client("s3", config=botocore.config.Config(signature_version="s3v4"))
    link = s3v4.generate_presigned_url("get_object", {"Bucket": "links", "Key": "a b+c/é"}, ExpiresIn=60)
    assert urllib.request.urlopen(link, timeout=10).read() == b"hello"
    for spoiled in (link[:-4] + "0000", link + "&x=1"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(spoiled, timeout=10)
        assert "SignatureDoesNotMatch" in caught.value.read().decode()
    lab.set(skew=61)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(link, timeout=10)
    assert "Request has expired" in caught.value.read().decode()


def test_paths_and_queries_are_normalised():
    assert canonical_path("/a//b/../c%20d/", "ssm") == "/a/c%2520d/"
    assert canonical_path("/a//b/../c%20d/", "s3") == "/a//b/../c%20d/"
    assert canonical_path("", "ec2") == "/"
    assert canonical_query("b=2&a=%2f&a=!&uploads") == "a=%21&a=%2F&b=2&uploads="
    assert canonical_query("x=a+b&X-Amz-Signature=1") == "x=a%2Bb"
