"""Make 360 sample commands for a smart home, the same ones for the same seed.

Used as `python generate.py --output data --seed 0`. With data of your own, empty `data/` and remove this file.
"""

import argparse
import json
import random
from pathlib import Path

VALUES = {
    "room": ["kitchen", "living room", "bedroom", "hall", "garage"],
    "device": ["light", "lamp", "heater", "fan", "radio"],
    "color": ["blue", "red", "warm white", "green"], "degrees": ["twenty", "eighteen", "twenty one", "sixteen"],
    "time": ["at noon", "tonight", "in ten minutes", "tomorrow morning"],
}
FORMS = {
    "switch_on": [
        "turn on the {device} in the {room}", "switch the {room} {device} on", "{device} on please",
        "i want the {device} on {time}",
    ],
    "switch_off": [
        "turn off the {room} {device}", "{device} off", "shut down the {device} {time}",
        "no more {device} in the {room}",
    ],
    "set_color": ["make the {room} {color}", "set the {device} to {color}", "i would like {color} in the {room}"],
    "set_temperature": [
        "heat the {room} to {degrees} degrees", "set the {room} to {degrees}", "{degrees} degrees in the {room} {time}",
    ],
}
BEFORE = ["", "please", "hey", "could you"]
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
    """One command: rules that read a word, a reader who errs, a list of rooms, gold on dev and test."""
    intents = sorted(FORMS)
    intent = pick(dice, intents)
    tokens, slots = pick(dice, BEFORE).split(), []
    slots += ["O"] * len(tokens)
    for piece in pick(dice, FORMS[intent]).split():
        words = pick(dice, VALUES[piece[1:-1]]).split() if piece.startswith("{") else [piece]
        tokens += words
        slots += [f"{'I' if i else 'B'}-{piece[1:-1]}" for i in range(len(words))] if piece.startswith("{") else ["O"]
    votes = {"reader": intent if dice.random() < 0.85 else pick(dice, intents)}
    if "on" in tokens or "off" in tokens:
        votes["rules"] = "switch_on" if "on" in tokens else "switch_off"
    marks = {"reader": slots if dice.random() < 0.85 else ["O"] * len(tokens),
             "rooms": ["B-room" if token in VALUES["room"] else None for token in tokens]}
    split = "test" if number % TEST_EVERY == 0 else "dev" if number % DEV_EVERY == 1 else "train"
    if split != "train":
        votes["gold"], marks["gold"] = intent, slots
    return {"id": f"c-{number:03d}", "payloads": {"tokens": tokens, "query": " ".join(tokens)},
            "tasks": {"Intent": votes, "Slots": marks}, "tags": [split]}


def pick(dice, options):
    """One of the options."""
    return options[int(dice.random() * len(options))]


if __name__ == "__main__":
    main()
