#!/usr/bin/env python3
"""Writes signatures.json: awkward requests and what botocore's signers make of them at one instant.

Needs botocore of Tests/requirements.txt. Without an argument it prints, with a path it writes there.
"""

import datetime
import json
import sys
from urllib.parse import quote
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

INSTANT = datetime.datetime(2015, 8, 30, 12, 36, 0)
KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEJv//////////wEaDGV1LWNlbnRyYWwtMSJHMEUCIQD+/=="
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/x-amz-json-1.1")


def case(name, method="GET", url="https://example.amazonaws.com/", service="service", **more):
    """One request; `query` are pairs that are not encoded yet."""
    return {"name": name, "method": method, "url": url, "service": service, "query": [], "headers": [], "body": "",
            "token": None, "payload": None} | more


S3 = {"service": "s3", "url": "https://bucket.s3.amazonaws.com/"}


def s3(name, key="", **more):
    """A request for an object, whose key is encoded as a client must."""
    return case(name, **{**S3, "url": S3["url"] + quote(key, safe="/-._~"), **more})


CASES = [
    # Those of AWS's own suite.
    case("get-vanilla"),
    case("get-vanilla-empty-query-key", query=[["Param1", "value1"]]),
    case("get-vanilla-query-order-key-case", query=[["Param2", "value2"], ["Param1", "value1"]]),
    case("get-vanilla-query-order-key", query=[["Param1", "value2"], ["Param1", "Value1"]]),
    case("get-vanilla-query-unreserved",
         query=[[text, text] for text in ["-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"]]),
    case("get-vanilla-utf8-query", query=[["ሴ", "bar"]]),
    case("get-header-value-trim", headers=[["My-Header1", " value1"], ["My-Header2", ' "a   b   c"']]),
    case("get-header-value-order",
         headers=[["My-Header1", "value4"], ["My-Header1", "value1"], ["My-Header1", "value3"]]),
    case("get-unreserved", url="https://example.amazonaws.com/"
         "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    case("get-slash", url="https://example.amazonaws.com//"),
    case("get-slashes", url="https://example.amazonaws.com//example//"),
    case("get-slash-dot-slash", url="https://example.amazonaws.com/./"),
    case("get-slash-pointless-dot", url="https://example.amazonaws.com/./example"),
    case("get-relative", url="https://example.amazonaws.com/example/.."),
    case("get-relative-relative", url="https://example.amazonaws.com/example1/example2/../.."),
    case("post-vanilla", "POST"),
    case("post-vanilla-query", "POST", query=[["Param1", "value1"]]),
    case("post-header-key-sort", "POST", headers=[["My-Header1", "value1"]]),
    case("post-header-key-case", "POST"),
    case("post-x-www-form-urlencoded", "POST", headers=[FORM], body="Param1=value1"),
    case("post-x-www-form-urlencoded-parameters", "POST",
         headers=[["Content-Type", "application/x-www-form-urlencoded; charset=utf8"]], body="Param1=value1"),
    # Queries to sort and to encode.
    case("query: no value", query=[["uploads", ""]]),
    case("query: a name that begins another", query=[["ab", "2"], ["a", "1"], ["a-b", "3"], ["a.b", "4"], ["A", "5"]]),
    case("query: same name, values to sort as they are encoded",
         query=[["k", "ü"], ["k", "z"], ["k", "~"], ["k", "%"], ["k", ""], ["k", "A"]]),
    case("query: names to sort as they are encoded", query=[["ü", "1"], ["z", "2"], ["[", "3"], ["_", "4"], ["-", "5"]]),
    case("query: reserved characters", query=[["a b", "c+d"], ["e/f", "g:h"], ["i=j", "k&l"], ["m?n", "o#p"], ["q%", "%20"]]),
    case("query: beyond the basic plane", query=[["smile", "\U0001F600"], ["e", "e\u0301"]]),
    # Paths of services other than S3.
    case("path: an ARN in it", url="https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/"
         "arn%3Aaws%3Alambda%3Aeu-central-1%3A123456789012%3Afunction%3Aname/invocations", service="lambda"),
    case("path: UTF-8", url="https://example.amazonaws.com/ሴ"),
    case("path: a blank", url="https://example.amazonaws.com/example space/"),
    case("path: an encoded slash", url="https://example.amazonaws.com/a%2Fb//c"),
    case("path: double slashes and dots", url="https://example.amazonaws.com//a/./b/../../c//d/"),
    case("path: dots above the root", url="https://example.amazonaws.com/../../a"),
    case("path: three dots are a name", url="https://example.amazonaws.com/.../a"),
    case("path: ends in a dot", url="https://example.amazonaws.com/a/."),
    case("path: ends in two dots", url="https://example.amazonaws.com/a/b/.."),
    # Headers.
    case("header: one name begins another",
         headers=[["x-amz-server-side-encryption-aws-kms-key-id", "k"], ["x-amz-server-side-encryption", "aws:kms"]]),
    case("header: not signed",
         headers=[["User-Agent", "a"], ["Expect", "100-continue"], ["Connection", "close"], ["TE", "trailers"],
                  ["X-Amzn-Trace-Id", "b"], ["Transfer-Encoding", "chunked"]]),
    case("header: blanks and tabs", headers=[["X-Test", "\ta  b\t\tc "]]),
    case("header: empty", headers=[["X-Test", ""]]),
    case("header: same name in other letters", headers=[["X-Test", "1"], ["x-test", "2"]]),
    case("header: a port that is not the scheme's own", url="http://127.0.0.1:5200/"),
    case("header: the scheme's own port", url="https://example.amazonaws.com:443/"),
    case("header: an IPv6 address", url="http://[::1]:5200/"),
    # Real calls.
    case("a session token", "POST", token=TOKEN),
    case("ec2 DescribeInstances", "POST", "https://ec2.eu-central-1.amazonaws.com/", "ec2",
         headers=[["Content-Type", "application/x-www-form-urlencoded; charset=utf-8"]],
         body="Action=DescribeInstances&Filter.1.Name=tag%3APool&Filter.1.Value.1=communal&Version=2016-11-15"),
    case("ssm SendCommand with a session", "POST", "https://ssm.eu-central-1.amazonaws.com/", "ssm",
         headers=[JSON, ["X-Amz-Target", "AmazonSSM.SendCommand"]],
         body='{"DocumentName":"AWS-RunShellScript","Parameters":{"commands":["echo é"]}}', token=TOKEN),
    case("ssm with a body of 100,000 bytes", "POST", "https://ssm.eu-central-1.amazonaws.com/", "ssm",
         headers=[JSON], body="0123456789" * 10_000, token=TOKEN),
    case("a digest that is known", "PUT", headers=[["X-Amz-Content-SHA256", "ab" * 32]], payload="ab" * 32),
    # S3, where a path is a key and encoded once.
    s3("s3: the bucket"),
    s3("s3: a key with everything in it", "a b+c/é/ሴ/~(x)'!*,;:@&=$.txt"),
    s3("s3: double slashes", "a//b///c"),
    s3("s3: dots are names", "a/./b/../c"),
    s3("s3: percent signs", "100%/%2F"),
    s3("s3: beyond the basic plane", "\U0001F600/e\u0301"),
    s3("s3: a query without a value", query=[["uploads", ""]], method="POST"),
    s3("s3: a query with everything in it", "k",
       query=[["prefix", "a/b c+d"], ["delimiter", "/"], ["list-type", "2"], ["start-after", "é"]]),
    s3("s3: a body", "k", method="PUT", body="hello", token=TOKEN),
    s3("s3: a streamed body of known digest", "k", method="PUT", payload="cd" * 32, token=TOKEN),
    s3("s3: an unsigned body", "k", method="PUT", body="hello", payload="UNSIGNED-PAYLOAD"),
    s3("s3: metadata", "k", method="PUT", body="x",
       headers=[["x-amz-meta-b", "2"], ["x-amz-meta-a-b", "1"], ["x-amz-meta-a", " 0  1 "]]),
]


class GivenDigest(botocore.auth.S3SigV4Auth):
    """S3's signer for a body whose digest is known, or that is not signed."""

    digest = None

    def payload(self, request):
        return self.digest or super().payload(request)


def wire_path(url):
    """The path as it is sent, beginning with what follows the host."""
    scheme, rest = url.split("://", 1)
    host, _, path = rest.partition("/")
    return f"{scheme}://{host}/" + quote(path, safe="/-._~%")


def sign(entry):
    """The case with botocore's answer."""
    region = "us-east-1" if entry["service"] in ("service", "s3") else "eu-central-1"
    credentials = Credentials(KEY, SECRET, entry["token"])
    url = wire_path(entry["url"])
    pairs = [f"{quote(name, safe='-._~')}={quote(value, safe='-._~')}" for name, value in entry["query"]]
    request = AWSRequest(method=entry["method"], url=url + ("?" + "&".join(pairs) if pairs else ""),
                         data=entry["body"].encode())
    for name, value in entry["headers"]:
        request.headers.add_header(name, value)
    signer = botocore.auth.SigV4Auth
    if entry["service"] == "s3":
        signer = type("Signer", (GivenDigest,), {"digest": entry["payload"]})
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=INSTANT):
        signer(credentials, entry["service"], region).add_auth(request)
    headers = [pair for pair in entry["headers"] if pair[0].lower() != "x-amz-content-sha256"]
    return entry | {"url": url, "region": region, "headers": headers, "authorization": request.headers["Authorization"]}


def document():
    """The whole file."""
    head = {"time": INSTANT.strftime("%Y-%m-%dT%H:%M:%SZ"), "accessKeyID": KEY, "secretAccessKey": SECRET}
    cases = ",\n".join("  " + json.dumps(sign(entry), sort_keys=True) for entry in CASES)
    return json.dumps(head, indent=1)[:-2] + ',\n "cases": [\n' + cases + "\n ]\n}\n"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w", encoding="ascii") as file:
            file.write(document())
    else:
        sys.stdout.write(document())
