from __future__ import annotations

from ovt.quality.inputs.payload_keys import NOTHING, PayloadKeys, normalised


def record(number: int, query: str | None, tokens: list[str] | None = None, **others: object) -> dict:
    words = query.split() if tokens is None and query is not None else tokens
    return {"id": f"r{number}", "payloads": {"query": query, "tokens": words, **others}}


def keys_of(bench, *records: dict) -> PayloadKeys:
    bench.records(*records)
    return PayloadKeys.of(bench.compiled())


def test_every_payload_is_in_the_exact_key(bench) -> None:
    entity = [{"id": "Height", "range": [0, 1]}]
    found = keys_of(
        bench, record(0, "how tall", device="phone", age=3.5, entities=entity),
        record(1, "how tall", device="phone", age=3.5, entities=entity),
        record(2, "how tall", device="desk", age=3.5, entities=entity),
        record(3, "how tall", device="phone", age=3.25, entities=entity),
        record(4, "how tall", device="phone", age=3.5, entities=[{"id": "Age", "range": [0, 1]}]),
        record(5, "tall how", device="phone", age=3.5, entities=entity),
        record(6, "how tall", device="phone", age=3.5),
        record(7, None, device="phone", age=3.5),
    ).exact.tolist()
    assert found[0] == found[1]
    assert len(set(found)) == 7


def test_the_text_key_knows_neither_case_nor_marks_nor_blanks(bench) -> None:
    found = keys_of(
        bench, record(0, "how tall is café"), record(1, "How TALL, is Cafe ?", ["How", "TALL", ",", "is", "Cafe", "?"]),
        record(2, "tall how is cafe"), record(3, "how tall is"), record(4, "!?", ["!", "?"]), record(5, None),
    ).text.tolist()
    assert found[0] == found[1] != found[2]
    assert found[3] != found[0]
    assert found[4] == found[5] == int(NOTHING)


def test_a_word_more_at_either_end_is_another_text(bench) -> None:
    found = keys_of(bench, record(0, "a b"), record(1, "a b b"), record(2, "a a b"), record(3, "ab")).text.tolist()
    assert len(set(found)) == 4


def test_normalised() -> None:
    assert [normalised(text) for text in ("Ünïted", "U.S.A", "_", "№1", "日本")] == ["united", "usa", "", "no1", "日本"]
