"""What schemathesis is told of this run: the names that its tenant has, and what each operation answered."""

import json
import os
import re
import time
import urllib.request
from collections import Counter
from itertools import count

import schemathesis
from hypothesis import strategies as st

RUN = json.loads(os.environ["WARDKEY_API_RUN"])
KNOWN = {
    "AudienceName": ["api"],
    "ScopeName": ["reports:read", "reports:write", "reports:export", "reports:purge"],
    "RoleName": ["reporter"],
    "Network": ["192.0.2.0/24", "2001:db8::/32"],
}
REQUESTS = ["KeyRequest", "RotateRequest", "VerifyRequest", "Selector", "KeyConstraints", "BootstrapRequest", "UsageReport"]

schemathesis.openapi.format("ip", st.ip_addresses().map(str))
# No key: what is wrong with a key in a body is told in the answer, and those of schemathesis are wrong anyway.
schemathesis.openapi.format("password", st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=64))


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """The description is of every tenant; what is sent to this one can only be accepted with this one's names."""
    schemas = raw_schema["components"]["schemas"]
    for name, words in KNOWN.items():
        schemas[f"Known{name}"] = {**schemas[name], "enum": words}
    for name in REQUESTS:
        schemas[name] = known(schemas[name])
    for item in raw_schema["paths"].values():
        for operation in item.values():
            operation["parameters"] = [lenient(one) for one in known(operation.get("parameters", []))]
    # Bounds that are what 65,536 bytes can hold: tests/odd_input/ tries that limit itself, once.
    for name in REQUESTS:
        for schema in schemas[name].get("properties", {}).values():
            if schema.get("maxItems", 0) > 10_000:
                del schema["maxItems"]
    # Only administration keys are for audiences, and none is asked for; that scopes or roles must be named is told in
    # words.
    request = schemas["KeyRequest"]
    del request["properties"]["for_audiences"]
    request["properties"]["scopes"]["minItems"] = 1
    request["required"].append("scopes")


def lenient(parameter):
    """What of these headers is no address, or no entity tag, counts as none (RFC 9110 section 13.1.2), and is not refused."""
    if parameter.get("name") in {"Wardkey-Client-Address", "If-None-Match"}:
        return {**parameter, "schema": {"type": "string"}}
    return parameter


def known(schema):
    if isinstance(schema, list):
        return [known(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name in KNOWN:
        return {**schema, "$ref": f"#/components/schemas/Known{name}"}
    return {key: known(value) for key, value in schema.items()}


def possible(value, name=None):
    """What no schema can say, since it depends on the time or on what there is: values in their range come to lie in what is possible."""
    if isinstance(value, dict):
        value = {key: possible(one, key) for key, one in value.items()}
        if value.get("compromised") is True:
            # It is for planned rotations, as the description says.
            value.pop("mint_from_in_s", None)
        return value
    if isinstance(value, list):
        return [possible(one) for one in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        # To JSON Schema 3600.0 is an integer; it is none to the API, and is that to no client.
        value = int(value)
    if name in MOST and isinstance(value, int) and MOST[name] < value < 2**32:
        return MOST[name]
    return value


def timely(report, turn):
    """Of a report that is one: times in their range come to be a minute ago, and a name is given once."""
    second = int(time.time()) - 60
    for times in [report.get("period"), *(report.get("entries") or [])]:
        if isinstance(times, dict):
            for name in {"from", "until", "first", "last"} & times.keys():
                if isinstance(times[name], int) and not isinstance(times[name], bool) and 0 <= times[name] < 2**32:
                    times[name] = second
    if re.fullmatch("[A-Za-z0-9_-]{16,64}", str(report.get("report_id"))):
        report["report_id"] = f"{report['report_id'][:50]}-{turn}"


# A key has one generation; seconds in the past; a lifetime that ends before the year 2106.
MOST = {"generation": 1, "not_before": 1_700_000_000, "second": 1_700_000_000, "expires_in": 2**31 - 1}
calls = count()
tally = {}


def operation_of(case):
    return case.operation.definition.raw.get("operationId")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives a call what only this run can know: ids of living keys, and credentials that may do what is asked."""
    operation, turn = operation_of(case), next(calls)
    # Where all others go on with the credential, none may end it.
    if not RUN["may_force"] and isinstance(case.body, dict) and case.body.get("force") is True:
        case.body["force"] = False
    if isinstance(case.body, dict):
        case.body = possible(case.body)
        if operation == "reportUsage":
            timely(case.body, turn)
        if operation == "bootstrap" and "policy" in case.body and case.body["policy"] is None:
            # Only a tenant that lives is recovered without one, and this one is to be made.
            case.body["policy"] = RUN["policy"]
    query = case.query or {}
    if operation == "replacePolicy" and query.get("dry_run") is not True:
        query.pop("after", None)
    # Where else the key may be is tried by tests/forward_auth/: schemathesis sends it in one place.
    if re.fullmatch("[A-Za-z0-9-]{1,64}", str(query.get("header", ""))):
        del query["header"]
    headers = case.headers
    if headers is not None and "Authorization" in headers:
        # Several headers of a name arrive joined by commas, and two credentials are a 400, however one of them is made up.
        headers["Authorization"] = headers["Authorization"].replace(",", ";")
    if headers is not None and re.fullmatch("[!-~]([ -~]{0,200}[!-~])?", str(headers.get("Idempotency-Key", ""))):
        headers["Idempotency-Key"] = f"{headers['Idempotency-Key']}-{turn}"
    path = case.path_parameters or {}
    if turn % 2 == 0 and re.fullmatch("key_[0-9a-f]{16}", str(path.get("id"))):
        path["id"] = create()["key_id"]
    elif turn % 2 == 0 and re.fullmatch("rev_[0-9a-f]{16}", str(path.get("id"))):
        path["id"] = RUN["revocation"]
    elif turn % 2 == 0 and re.fullmatch("[0-9]+-[0-9a-f]{64}", str(path.get("name"))):
        path["name"], path["tenant"] = RUN["state"], 1
    if headers is None or headers.get("Authorization") not in {f"Bearer {RUN['admin']}", f"Bearer {RUN['caller']}"}:
        return
    if operation == "revokeSelf":
        headers["Authorization"] = f"Bearer {create()['key']}"
    elif operation in RUN["credentials"]:
        headers["Authorization"] = f"Bearer {RUN['credentials'][operation]}"


@schemathesis.hook
def after_call(context, case, response):
    tally.setdefault(operation_of(case), Counter())[str(response.status_code)] += 1
    with open(RUN["tally"], "w", encoding="utf-8") as file:
        json.dump(tally, file)


def create():
    body = {"subject": "svc:found", "audience": "api", "scopes": ["reports:read"], "expires_in": 3600}
    request = urllib.request.Request(f"{RUN['url']}/v1/keys", json.dumps(body).encode(), method="POST")
    request.add_header("Authorization", f"Bearer {RUN['admin']}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
        return json.load(answer)
