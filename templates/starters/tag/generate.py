"""Make 360 sample shopping notes with amounts and products, the same ones for the same seed.

Used as `python generate.py --output data --seed 0`. With data of your own, empty `data/` and remove this file.
"""

import argparse
import json
import random
from pathlib import Path

AMOUNTS = ["two", "three", "a dozen", "half a kilo of", "one bag of", "two bottles of", "a box of", "some"]
PRODUCTS = [
    "apples", "red apples", "milk", "rye bread", "green tea", "orange juice", "eggs", "brown rice", "cheddar cheese",
    "tomatoes", "dish soap", "black pepper",
]
DICTIONARY = {"apples", "milk", "bread", "tea", "juice", "eggs", "rice", "cheese", "tomatoes"}
BEFORE = ["buy", "please get", "add", "we need", "put", "order"]
AFTER = ["", "today", "for the weekend", "on the list", "again", "from the market"]
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
    """One note: a dictionary that knows some products, a reader who errs, gold on dev and test."""
    tokens, labels = [], []
    write(tokens, labels, pick(dice, BEFORE), None)
    for part in range(1 + int(dice.random() * 2)):
        write(tokens, labels, "and" if part else "", None)
        write(tokens, labels, pick(dice, AMOUNTS), "amount")
        write(tokens, labels, pick(dice, PRODUCTS), "product")
    write(tokens, labels, pick(dice, AFTER), None)
    reader = ["O"] * len(labels) if dice.random() < 0.15 else labels
    votes = {"reader": reader, "dictionary": ["B-product" if token in DICTIONARY else None for token in tokens]}
    split = "test" if number % TEST_EVERY == 0 else "dev" if number % DEV_EVERY == 1 else "train"
    if split != "train":
        votes["gold"] = labels
    return {"id": f"n-{number:03d}", "payloads": {"tokens": tokens, "text": " ".join(tokens)}, "tasks": {"Item": votes},
            "tags": [split]}


def write(tokens, labels, words, kind):
    """Add words with their BIO labels."""
    for position, word in enumerate(words.split()):
        tokens.append(word)
        labels.append("O" if kind is None else f"{'I' if position else 'B'}-{kind}")


def pick(dice, options):
    """One of the options."""
    return options[int(dice.random() * len(options))]


if __name__ == "__main__":
    main()
