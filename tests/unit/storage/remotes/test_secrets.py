"""Secrets stay out of messages: those that are known, and those that look like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ovt.storage.remotes.secrets import is_secret, redacted, secret_in_url


@pytest.mark.parametrize("text", [
    "https://me:hunter22@example.org/x", "fatal: 'https://hunter22@github.com/a/b.git' not found",
    "GET https://b.s3.amazonaws.com/k?X-Amz-Signature=hunter22&X-Amz-Date=1", "https://a.blob.core/x?sv=1&sig=hunter22",
    "secret_access_key=hunter22", "{'password': 'hunter22'}", 'token: "hunter22"', "Authorization: hunter22",
])
def test_shapes(text: str) -> None:
    assert "hunter22" not in redacted(text)
    assert "***" in redacted(text)


@pytest.mark.parametrize("text", [
    "s3://bucket/prefix is not there", "git@github.com:me/x.git", "record q-17, source token_words: `height` here",
    "https://example.org/a?page=2",
])
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


def test_known_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "from-the-environment")
    assert redacted("it was from-the-environment or local-one", ["local-one"]) == "it was *** or ***"


@given(st.text("abcdef0123456789/+", min_size=6, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_a_known_secret_is_never_told(secret: str, before: str, after: str) -> None:
    assert secret not in redacted(f"{before}{secret}{after}", [secret]).replace("***", "")


@pytest.mark.parametrize(("url", "found"), [
    ("https://me:pw@example.org", "a password in the URL"), ("https://token@example.org", "an account in the URL"),
    ("azure://x?sig=abcdef", "a key in the URL"), ("s3://KEY:SECRET@bucket/x", "a password in the URL"),
    ("ssh://me@host/x", None), ("s3://bucket/x", None), ("/a/folder", None), ("../folder", None),
])
def test_addresses(url: str, found: str | None) -> None:
    assert secret_in_url(url) == found


def test_names() -> None:
    assert [is_secret(name) for name in ("secret_access_key", "sas_token", "password", "access_key_id", "url", "profile", "endpointurl")] == [
        True, True, True, True, False, False, False]
