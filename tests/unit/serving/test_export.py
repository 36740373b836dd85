"""The exported network says what the network in torch says, whatever it is built of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import numpy as np
import pytest

from ovt.schema.spec import SPLITS
from ovt.serving.bundle import model_in_memory
from ovt.serving.cost import exported_cost, record_line
from ovt.serving.export import example_arrays, largest_difference, to_onnx, traced
from ovt.training.embeddings.names import BUILT_IN
from ovt.training.inference import infer
from ovt.training.optimisation.fit import Fitted, Material
from ovt.training.optimisation.outcome import Outcome
from ovt.training.reader import Reader
from ovt.training.tuning.values import AGGREGATION_NAMES, ENCODER_NAMES, SliceValues
from tests.unit.serving.conftest import Choices, random_network

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ovt.serving.model import Model
    from ovt.training.lexicon import Lexicon
    from ovt.training.network.network import Network
    from ovt.training.predictions import TaskPredictions

FORMS = get_args(get_type_hints(SliceValues)["form"])
WITHOUT_FOLDER = [name for name in ENCODER_NAMES if name != "pretrained"]
NAMES = (WITHOUT_FOLDER, AGGREGATION_NAMES, (*BUILT_IN, "+".join(BUILT_IN)), FORMS)
"""Every name that a tuning file may hold for an encoder, an aggregation, an embedding, the slices."""
IN_TURN = [Choices(*(names[place % len(names)] for names in NAMES), chains=place % 2 == 0)  # type: ignore[arg-type]
           for place in range(max(map(len, NAMES)))]
"""So few that each name comes once."""
EACH = [replace(Choices(), **{key: name}) for key, names in zip(("encoder", "aggregation", "embedding", "form"), NAMES,
                                                              strict=True) for name in names]
"""Each name by itself, beside the defaults."""
NEAR = 1e-4


def rows_of_test(material: Material) -> NDArray[np.int64]:
    return np.flatnonzero(material.store.splits == SPLITS.index("test"))


def flat(answers: list[dict[str, Any]], task: str, what: str, *, per_item: bool) -> list[Any]:
    """`label` or `confidence` of all items of all records, in order."""
    found = [answer["tasks"][task][what] for answer in answers]
    return [item for items in found for item in items] if per_item else found


def assert_near(one: Any, other: Any) -> None:
    """Equal, numbers nearly."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert_near(value, other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for value, value_too in zip(one, other, strict=True):
            assert_near(value, value_too)
    else:
        assert one == (pytest.approx(other, abs=1e-5) if isinstance(one, float) else other)


def labels_of(predicted: TaskPredictions, classes: tuple[str, ...]) -> list[Any]:
    """Decoded labels by name, as answers have them."""
    if predicted.offsets is not None:
        return [place if place >= 0 else None for place in predicted.decoded.tolist()]
    if predicted.decoded.ndim == 2:
        return [[name for name, holds in zip(classes, row, strict=True) if holds] for row in predicted.decoded.tolist()]
    return [classes[place] for place in predicted.decoded.tolist()]


def assert_same_answers(model: Model, wanted: dict[str, TaskPredictions], lines: list[bytes]) -> None:
    """In one batch, and one by one."""
    answers = [json.loads(found) for found in model.predict_json(lines)]
    some = [*range(5), *range(len(lines) - 4, len(lines))]
    assert_near([json.loads(model.predict_json([lines[place]])[0]) for place in some], [answers[at] for at in some])
    for task, predicted in wanted.items():
        per_item = model.schema.granularity(task) != "record"
        gap = np.abs(np.asarray(flat(answers, task, "confidence", per_item=per_item)) - predicted.confidence())
        assert gap.max() < NEAR, task
        assert flat(answers, task, "label", per_item=per_item) == labels_of(predicted, model.parts.classes.get(task, ()))


def named(choices: Choices) -> str:
    return "-".join(map(str, vars(choices).values()))


@pytest.mark.parametrize("choices", [
    *(pytest.param(found, id=named(found)) for found in IN_TURN),
    *(pytest.param(found, id=f"alone-{named(found)}", marks=pytest.mark.slow) for found in dict.fromkeys(EACH)),
])
def test_every_part_is_exported_as_it_is_in_torch(material: Material, choices: Choices) -> None:
    network, lexicon = random_network(material, choices)
    rows = rows_of_test(material)
    wanted = infer(network, Reader(material.store, lexicon), rows)
    model = model_in_memory(network, lexicon, to_onnx(network, lexicon))
    lines = [record_line(material.store, row) for row in rows.tolist()]
    assert_same_answers(model, wanted, lines)


def test_raw_outputs_agree_on_all_test_records(plain: tuple[Network, Lexicon], material: Material, content: bytes) -> None:
    network, lexicon = plain
    model = model_in_memory(network, lexicon, content)
    module = traced(network, lexicon).module
    rows = rows_of_test(material)
    reader = Reader(material.store, lexicon)
    for size in (1, 2, 7, len(rows)):
        inputs = reader.read(rows[:size])
        assert largest_difference(module, model.session(inputs), inputs) < NEAR


def write_tiny_bert(folder: Path) -> None:
    """A Hugging Face folder of the BERT family with random weights."""
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "show", "call", "the", "car", "of", "ada", "bob", "##ish", "red", "##a"]
    config = BertConfig(vocab_size=len(words), hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
                        intermediate_size=16, max_position_embeddings=32)
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    save_file({name: found.contiguous() for name, found in BertModel(config).state_dict().items()}, folder / "model.safetensors")


@pytest.mark.slow
def test_a_pretrained_encoder_is_exported(material: Material, tmp_path: Path) -> None:
    write_tiny_bert(tmp_path / "models" / "tiny")
    network, lexicon = random_network(replace(material, root=tmp_path), Choices("pretrained", embedding="models/tiny"))
    rows = rows_of_test(material)
    wanted = infer(network, Reader(material.store, lexicon), rows)
    model = model_in_memory(network, lexicon, to_onnx(network, lexicon))
    assert_same_answers(model, wanted, [record_line(material.store, row) for row in rows.tolist()])


def test_the_same_bytes_without_a_path(plain: tuple[Network, Lexicon], content: bytes) -> None:
    assert content == to_onnx(*plain)
    for path in (str(Path(__file__).parents[3]), str(Path.home()), "site-packages", ".py"):
        assert path.encode() not in content


def test_axes_that_may_change_are_found(plain: tuple[Network, Lexicon]) -> None:
    axes = traced(*plain).axes
    assert axes["words/subwords"].keys() == {0, 1}
    assert axes["tokens/words"].keys() == {0, 1}
    assert axes["entities/words"].keys() == {0, 1, 2}
    assert axes["entities/range"].keys() == axes["entities/overlap"].keys() == {0, 1}
    assert axes["picture/value"].keys() == {0}


def test_examples_have_at_least_two_of_everything(plain: tuple[Network, Lexicon]) -> None:
    arrays = example_arrays(*plain, 3)
    assert min(size for name, found in arrays.items() for size in found.shape if name != "age/value") >= 2


def test_cost_is_that_of_the_exported_model(plain: tuple[Network, Lexicon], material: Material, content: bytes) -> None:
    cost = exported_cost(Fitted(*plain, Outcome(1, 1, None)), material.store)
    assert cost.size_mb == pytest.approx(len(content) / 1e6)
    assert 0 < cost.latency_ms < 1000
