"""Make 360 sample sentences with names of two readings, the same ones for the same seed.

Used as `python generate.py --output data --seed 0`. With data of your own, empty `data/` and remove this file.
"""

import argparse
import json
import random
from pathlib import Path

NAMES = {
    "jaguar": ("animal", "car"), "mustang": ("car", "animal"), "mercury": ("planet", "element"),
    "saturn": ("planet", "car"), "python": ("language", "animal"), "java": ("language", "island"),
    "bali": ("island", "drink"), "beetle": ("animal", "car"),
}
FORMS = {
    "animal": [
        "the {x} sleeps in the grass", "a {x} was seen at the zoo", "what does the {x} eat", "the young {x} ran away",
    ],
    "car": [
        "the {x} needs new tires", "he parked the {x} outside", "how fast can the {x} drive",
        "the engine of the {x} is loud",
    ],
    "planet": ["how far is {x} from the sun", "{x} can be seen through a telescope", "the orbit of {x} is short"],
    "element": ["{x} is a liquid metal", "a thermometer with {x} in it", "{x} is poisonous to drink"],
    "language": ["i wrote the script in {x}", "how do i sort a list in {x}", "the {x} compiler is slow"],
    "island": ["we spent our holiday on {x}", "the beaches of {x} are white", "a boat sails to {x}"],
    "drink": ["she ordered a cold {x} at the bar", "a glass of {x} with ice"],
}
COUNT, TEST_EVERY, DEV_EVERY = 360, 4, 9


def main():
    """Write `OUTPUT/sample.jsonl`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, default=Path("data"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    dice = random.Random(options.seed)
    lines = [json.dumps(record(number, dice), separators=(",", ":")) for number in range(COUNT)]
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "sample.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def record(number, dice):
    """One sentence: a linker that takes the best known reading, a reader who errs, gold on dev and test."""
    name = pick(dice, sorted(NAMES))
    true = 0 if dice.random() < 0.6 else 1
    tokens = pick(dice, FORMS[NAMES[name][true]]).replace("{x}", name).split()
    at = tokens.index(name)
    members = [{"id": f"{name.capitalize()}_({kind})", "kind": kind, "range": [at, at + 1]} for kind in NAMES[name]]
    votes = {"linker": 0, "reader": true if dice.random() < 0.85 else 1 - true}
    if dice.random() < 0.5:
        del votes["linker"]
    split = "test" if number % TEST_EVERY == 0 else "dev" if number % DEV_EVERY == 1 else "train"
    if split != "train":
        votes["gold"] = true
    return {"id": f"s-{number:03d}", "payloads": {"tokens": tokens, "text": " ".join(tokens), "candidates": members},
            "tasks": {"Meant": votes}, "tags": [split]}


def pick(dice, options):
    """One of the options."""
    return options[int(dice.random() * len(options))]


if __name__ == "__main__":
    main()
