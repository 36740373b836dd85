from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

from ovt.errors import MissingError, OvtError, ProjectError
from ovt.training.embeddings.alignment import Alignment, align
from ovt.training.embeddings.names import check_embedding, locked_paths, parts_of, pretrained_paths
from ovt.training.embeddings.vectors import Vectors, read_vectors

if TYPE_CHECKING:
    from pathlib import Path

GLOVE = "the 1 2\n. . . 9 9\nred 3 4\nBlue 5 6\nred 7 8\n"
NAMES = frozenset({"red", "Blue", "never"})


@pytest.mark.parametrize("header", ["", "4 2\n"])
def test_text_with_and_without_word2vec_s_first_line(header: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(header + GLOVE)
    found = read_vectors(tmp_path / "v.txt", NAMES)
    assert found.names == ("Blue", "red")  # the first of two lines, nothing that nobody asked for
    assert found.matrix.tolist() == [[5, 6], [3, 4]]
    assert read_vectors(tmp_path / "v.txt", NAMES, first=1 + bool(header)).names == ("Blue", "red", "the")


def test_safetensors_with_its_vocabulary(tmp_path: Path) -> None:
    save_file({"vectors": np.arange(6, dtype=np.float16).reshape(3, 2)}, tmp_path / "v.safetensors")
    with pytest.raises(MissingError, match="no vocabulary"):
        read_vectors(tmp_path / "v.safetensors", NAMES)
    (tmp_path / "v.vocab.txt").write_text("the\nred\nblue\n")
    found = read_vectors(tmp_path / "v.safetensors", NAMES)
    assert (found.names, found.matrix.tolist(), found.matrix.dtype) == (("red",), [[2, 3]], np.float32)


@pytest.mark.parametrize(("text", "said"), [
    ("red 1 2\nblue 1 x\n", "v.txt:2"), ("red 1 2\nblue 1\n", "found 1 numbers"), ("", "empty"),
])
def test_what_is_no_file_of_vectors_is_named_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text(text)
    with pytest.raises(ProjectError, match=said):
        read_vectors(tmp_path / "v.txt", frozenset({"red", "blue"}))
    with pytest.raises(MissingError):
        read_vectors(tmp_path / "w.txt", NAMES)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("red 1 2\n")
    assert read_vectors(path, NAMES).names == ("red",)
    path.write_text("Blue 1 2 3\n")
    assert read_vectors(path, NAMES).names == ("Blue",)


def test_a_word_is_found_as_written_then_in_lower_case() -> None:
    assert Vectors(("Red", "red")).encode(["Red", "RED", "red", "blue"]).tolist() == [1, 2, 2, 0]


def test_the_mean_length_of_vectors_becomes_one(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("red 3 4\nBlue 0 15\n")
    assert np.linalg.norm(read_vectors(tmp_path / "v.txt", NAMES).scaled().matrix, axis=1).mean() == pytest.approx(1)


@pytest.mark.parametrize("good", ["learned", "learned+glove.txt", "a/b/bert", "./bert", "characters + subwords", "x.vec"])
def test_embeddings_that_are_understood(good: str) -> None:
    check_embedding(good)


@pytest.mark.parametrize(("bad", "said"), [
    ("leaned", "learned"), ("bert", r"\./bert"), ("learned+learned", "twice"), ("../glove.txt", "outside"),
    ("/data/glove.txt", "outside"),
])
def test_embeddings_that_are_not(bad: str, said: str) -> None:
    with pytest.raises(OvtError, match=said):
        check_embedding(bad)


def test_the_files_that_values_name() -> None:
    payloads = {"a": {"embedding": ["learned", "learned+g.txt"]}, "b": {"embedding": "./bert", "ids": "e.vec"}, "c": {}}
    assert pretrained_paths(payloads) == ["bert", "e.vec", "g.txt"]
    assert parts_of("learned + g.txt") == ("learned", "g.txt")
    lock = "values:\n  payloads: {t: {embedding: g.txt}}\nvariants:\n- name: s\n  values: {payloads: {t: {embedding: m/b}}}\n"
    assert locked_paths(lock) == ["g.txt", "m/b"]
    assert locked_paths("values: {payloads: {t: {embedding: learned}}}") == []
    assert locked_paths("values: [g.txt") == []


def test_pieces_of_a_row_and_whose_they_are() -> None:
    # Word 1 has pieces 5 6, word 2 has 7, word 0 is padding.
    arrays = {"t/words": np.asarray([[1, 2], [2, 0]]), "words/p": np.asarray([[0, 0], [5, 6], [7, 0]])}
    align(arrays, "t", Alignment("p", start=1, end=2, longest=9, first_only=False))
    assert arrays["t/pieces"].tolist() == [[1, 5, 6, 7, 2], [1, 7, 2, 0, 0]]
    assert arrays["t/owner"].tolist() == [[0, 1, 1, 2, 0], [0, 1, 0, 0, 0]]
    align(arrays, "t", Alignment("p", start=1, end=2, longest=4, first_only=True))
    assert arrays["t/pieces"].tolist() == [[1, 5, 6, 2], [1, 7, 2, 0]]
    assert arrays["t/owner"].tolist() == [[0, 1, 0, 0], [0, 1, 0, 0]]
