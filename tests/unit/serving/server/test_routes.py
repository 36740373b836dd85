"""What clients get: answers like those in process, errors that help, counters, the protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ovt.serving.loading import load

from .conftest import RECORD, Running


@pytest.fixture(scope="module")
def asked(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records of every kind, as a client would send them."""
    return [{"id": record["id"], "payloads": record["payloads"]} for record in records[-40:]]


def test_answers_are_those_of_the_model_in_process(running: Running, bundle: Path, asked) -> None:
    expected = load(bundle).predict(asked)
    reply = running.asks("POST", "/predict", asked)
    assert (reply.status, reply.json) == (200, json.loads(json.dumps(expected)))
    one = running.asks("POST", "/predict", asked[0])
    assert set(one.json["tasks"]) == set(expected[0]["tasks"])


def test_a_bad_record_is_named_and_nothing_is_answered(running: Running) -> None:
    reply = running.asks("POST", "/predict", [RECORD, {"payloads": {"qery": "x"}}, RECORD, {"payloads": 3}])
    assert reply.status == 422
    error = reply.json["error"]
    assert error["at"].startswith("[1].payloads")
    assert "qery" in error["why"]
    assert error["more"] == "[3]"


@pytest.mark.parametrize(("body", "status"), [
    (b"", 400), (b"{", 400), (b"[", 400), (b"\xff\xfe", 400), (b"[1,", 400), (b"nonsense", 400), (b"[" * 5000, 400),
    (b"3", 422), (b"null", 422), (b'"text"', 422), (b"[[]]", 422), (b"{}", 422),
])
def test_what_is_no_record(running: Running, body: bytes, status: int) -> None:
    reply = running.asks("POST", "/predict", body)
    assert reply.status == status
    assert {"what", "why"} <= set(reply.json["error"])


def test_an_empty_list_has_an_empty_answer(running: Running) -> None:
    reply = running.asks("POST", "/predict", [])
    assert (reply.status, reply.json) == (200, [])


def test_limits(bundle: Path, start) -> None:
    from ovt.serving.server.limits import Limits

    small = start(lambda: bundle, limits=Limits(body_bytes=500, records=3))
    assert small.asks("POST", "/predict", [RECORD] * 4).status == 413
    assert small.asks("POST", "/predict", b'{"id": "' + b"x" * 600 + b'"}').status == 413
    # Announced as short, sent in pieces.
    import http.client

    connection = http.client.HTTPConnection(*small.place, timeout=10)
    connection.request("POST", "/predict", iter([b"x" * 300, b"y" * 300]), {"Transfer-Encoding": "chunked"},
                       encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()
    assert small.asks("POST", "/predict", RECORD).status == 200


def test_elsewhere(running: Running) -> None:
    for method, path, status in (("GET", "/nowhere", 404), ("GET", "/predict", 405), ("POST", "/metrics", 405),
                                 ("GET", "/v2/models/other", 404), ("GET", "/v2/models/model/versions/7", 404)):
        reply = running.asks(method, path)
        assert reply.status == status, path
        assert reply.json["error"]


def test_health_signature_and_docs(running: Running, bundle: Path) -> None:
    assert running.asks("GET", "/v2/health/live").json == {"live": True}
    assert running.asks("GET", "/v2/health/ready").json == {"ready": True}
    assert running.asks("GET", "/v2/models/model/ready").status == 200
    assert running.asks("GET", "/signature").json == json.loads((bundle / "signature.json").read_text())
    assert "/predict" in running.asks("GET", "/openapi.json").json["paths"]


def test_counters(bundle: Path, start) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    fresh = start(lambda: bundle)
    fresh.asks("POST", "/predict", [RECORD, RECORD])
    fresh.asks("POST", "/predict", {"payloads": {"x": 1}})
    fresh.asks("GET", "/some/secret/path")
    text = fresh.asks("GET", "/metrics").content.decode()
    samples = {(sample.name, sample.labels.get("route"), sample.labels.get("status")): sample.value
               for family in text_string_to_metric_families(text) for sample in family.samples}
    assert samples["ovt_records_total", None, None] == 2
    assert samples["ovt_bad_records_total", None, None] == 1
    assert samples["ovt_requests_total", "/predict", "200"] == 1
    assert samples["ovt_requests_total", "/predict", "422"] == 1
    assert samples["ovt_requests_total", "none", "404"] == 1
    assert "secret" not in text
    assert f'key="{"0" * 64}"' in text


def test_the_protocol_says_the_same(running: Running, bundle: Path, asked) -> None:
    expected = load(bundle).predict(asked)
    about = running.asks("GET", "/v2/models/model").json
    assert about["parameters"]["signature"] == running.asks("GET", "/signature").json
    rows = [json.dumps(record) for record in asked]
    body = {"id": "7", "inputs": [{"name": "record", "shape": [len(rows)], "datatype": "BYTES", "data": rows}]}
    reply = running.asks("POST", f"/v2/models/model/versions/{about['versions'][0]}/infer", body)
    assert reply.status == 200, reply.json
    assert reply.json["id"] == "7"
    outputs = {output["name"]: output for output in reply.json["outputs"]}
    kinds = {output["name"]: output["datatype"] for output in about["outputs"]}
    assert {name: output["datatype"] for name, output in outputs.items()} == kinds
    for task in expected[0]["tasks"]:
        for part, name in (("label", task), ("confidence", f"{task}.confidence")):
            wanted = [answer["tasks"][task][part] for answer in expected]
            assert [_read(kinds[name], value) for value in outputs[name]["data"]] == [
                _empty(kinds[name], value) for value in wanted], name


def _read(kind: str, value: Any) -> Any:
    if kind != "BYTES" or not value.startswith(("[", "{")):
        return value
    return json.loads(value)


def _empty(kind: str, value: Any) -> Any:
    return value if value is not None else {"BYTES": "", "INT64": -1}.get(kind, 0.0)


def test_payloads_as_tensors(running: Running) -> None:
    body = {"inputs": [
        {"name": "query", "shape": [2, 1], "datatype": "BYTES", "data": [["how tall"], ["how old"]]},
        {"name": "tokens", "shape": [2], "datatype": "BYTES", "data": ['["how", "tall"]', "null"]},
    ], "outputs": [{"name": "Intent"}]}
    reply = running.asks("POST", "/v2/models/model/infer", body)
    assert reply.status == 200, reply.json
    assert [output["name"] for output in reply.json["outputs"]] == ["Intent"]
    assert reply.json["outputs"][0]["shape"] == [2]


@pytest.mark.parametrize("body", [
    b"", b"{}", b'{"inputs": 3}', b'{"inputs": []}',
    b'{"inputs": [{"name": "nobody", "shape": [1], "datatype": "BYTES", "data": ["x"]}]}',
    b'{"inputs": [{"name": "query", "shape": [2], "datatype": "BYTES", "data": ["x"]}]}',
    b'{"inputs": [{"name": "query", "shape": [-1], "datatype": "BYTES", "data": ["x"]}]}',
    b'{"inputs": [{"name": "query", "shape": [], "datatype": "BYTES", "data": []}]}',
    b'{"inputs": [{"name": "query", "shape": [1], "datatype": "BYTES", "data": [7]}]}',
    b'{"inputs": [{"name": "tokens", "shape": [1], "datatype": "BYTES", "data": ["[1,"]}]}',
    b'{"inputs": [{"name": "query", "shape": [2], "datatype": "BYTES", "data": [["x"], "y"]}]}',
    b'{"inputs": [{"name": "query", "shape": [1], "datatype": "BYTES", "data": ["x"]}], "outputs": [{"name": "No"}]}',
    (b'{"inputs": [{"name": "query", "shape": [1], "datatype": "BYTES", "data": ["x"]},'
     b' {"name": "query", "shape": [1], "datatype": "BYTES", "data": ["x"]}]}'),
    (b'{"inputs": [{"name": "record", "shape": [1], "datatype": "BYTES", "data": ["{}"]},'
     b' {"name": "query", "shape": [1], "datatype": "BYTES", "data": ["x"]}]}'),
])
def test_tensors_that_are_none(running: Running, body: bytes) -> None:
    reply = running.asks("POST", "/v2/models/model/infer", body)
    assert reply.status == 400
    assert isinstance(reply.json["error"], str)
