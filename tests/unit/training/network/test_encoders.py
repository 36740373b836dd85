from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence

from ovt.errors import ProjectError
from ovt.training import extensions
from ovt.training.network.encoders import ENCODERS, Bag, Lstm, build_encoder, reversal
from ovt.training.tuning.values import ENCODER_NAMES


def test_every_named_encoder_is_built_in() -> None:
    assert tuple(sorted({*ENCODERS, "pretrained"})) == ENCODER_NAMES  # a folder brings that one


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_padding_changes_nothing(name: str) -> None:
    torch.manual_seed(0)
    encoder = build_encoder(name, 6, 8, 0.0).eval()
    x = torch.randn(3, 5, 6)
    lengths = torch.tensor([5, 3, 1])
    padded = torch.cat([x, torch.randn(3, 4, 6)], dim=1)
    near, far = encoder(x, lengths), encoder(padded, lengths)
    assert near.shape == (3, 5, 8)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(near[row, :length], far[row, :length])


@pytest.mark.parametrize("name", ["cnn", "lstm", "transformer"])
def test_an_element_knows_what_comes_after_it(name: str) -> None:
    torch.manual_seed(0)
    encoder = build_encoder(name, 6, 8, 0.0).eval()
    x = torch.randn(1, 5, 6)
    other = x.clone()
    other[0, 4] += 1
    lengths = torch.tensor([5])
    assert (encoder(x, lengths)[0, 2] - encoder(other, lengths)[0, 2]).abs().max() > 1e-6


def test_the_lstm_is_torchs_bidirectional_one_on_packed_sequences_and_their_surroundings() -> None:
    torch.manual_seed(0)
    ours = Lstm(6, 8, 0.0).eval()
    oracle = nn.LSTM(6 + 8, 4, batch_first=True, bidirectional=True)
    for name, parameter in ours.ahead.named_parameters():
        getattr(oracle, name).data = parameter.data
    for name, parameter in ours.back.named_parameters():
        getattr(oracle, f"{name}_reverse").data = parameter.data
    x, lengths = torch.randn(4, 7, 6), torch.tensor([7, 4, 2, 1])
    rows = [row[:length] for row, length in zip(x, lengths.tolist(), strict=True)]
    around = [torch.relu(ours.near(row.T.unsqueeze(0)))[0].T for row in rows]  # each row by itself: nothing to mask
    read = [torch.cat(pair, dim=1) for pair in zip(rows, around, strict=True)]
    expected, _ = pad_packed_sequence(oracle(pack_sequence(read))[0], batch_first=True)
    found = ours(x, lengths)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(found[row, :length], expected[row, :length])


def test_reversal_leaves_padding_in_place() -> None:
    assert reversal(torch.tensor([3, 0, 1]), 4).tolist() == [[2, 1, 0, 3], [0, 1, 2, 3], [0, 1, 2, 3]]


def test_an_installed_package_brings_an_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    found = EntryPoint("mine", "ovt.training.network.encoders:Bag", "ovt.encoders")
    monkeypatch.setattr(extensions, "entry_points", lambda group: EntryPoints([found]).select(group=group))
    assert isinstance(build_encoder("mine", 6, 8, 0.0), Bag)
    with pytest.raises(ProjectError, match="`main` is not installed") as error:
        build_encoder("main", 6, 8, 0.0)
    assert error.value.fix == "did you mean `mine`?"
