"""Make 360 sample messages to a shop, the same ones for the same seed.

Used as `python generate.py --output data --seed 0`. With data of your own, empty `data/` and remove this file.
"""

import argparse
import json
import random
from pathlib import Path

WORDS = {
    "billing": [
        "my invoice is wrong", "i was charged twice", "the payment failed", "can i pay by card",
        "refund the extra charge",
    ],
    "delivery": [
        "where is my parcel", "the courier came late", "my order has not arrived", "track my shipment",
        "ship it on monday",
    ],
    "returns": [
        "i want to send it back", "how do i return this", "it does not fit", "the item is broken",
        "exchange it for a larger one",
    ],
    "account": ["i forgot my password", "delete my account", "change my email", "i cannot log in", "update my address"],
}
KEYWORDS = {
    "billing": ("charge", "pay", "invoice"), "delivery": ("parcel", "order", "ship"), "returns": ("return", "broken"),
    "account": ("account", "password", "address"),
}
BEFORE = ["", "hello ", "hi there ", "please help ", "again ", "urgent "]
AFTER = ["", " thank you", " please", " as soon as possible", " what can i do", " this is the second time"]
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
    """One message: two sources on all, gold on dev and test."""
    topics = sorted(WORDS)
    topic = topics[int(dice.random() * 4)]
    text = pick(dice, BEFORE) + pick(dice, WORDS[topic]) + pick(dice, AFTER)
    votes = {"clerk": topic if dice.random() < 0.85 else pick(dice, topics)}
    rule = next((name for name in topics if any(word in text for word in KEYWORDS[name])), None)
    if rule:
        votes["rules"] = rule
    split = "test" if number % TEST_EVERY == 0 else "dev" if number % DEV_EVERY == 1 else "train"
    if split != "train":
        votes["gold"] = topic
    return {"id": f"m-{number:03d}", "payloads": {"text": text}, "tasks": {"Topic": votes}, "tags": [split]}


def pick(dice, options):
    """One of the options."""
    return options[int(dice.random() * len(options))]


if __name__ == "__main__":
    main()
