"""The one word that tells what a question is about. Copy this file to `labelers/` to use it.

    cp labelers_to_try/telling_word.py labelers/

The launch rules know nothing of offices, so a fifth of all questions (`who is the president of france`) rests on click
logs, and every fourth click is on something else. One word says it all: `president`, `mayor`, `capital`, `married`.
On a sample of the log this rule is right more than nine times out of ten.
"""

from ovt import ABSTAIN, labeling_function

TELLING = (
    ("officeholder", {"president", "minister", "king", "queen", "chancellor", "mayor", "governor", "justice"}),
    ("capital", {"capital"}),
    ("population", {"population", "inhabitants"}),
    ("age", {"old", "age", "birthday", "birth", "year"}),
    ("height", {"tall", "height"}),
    ("spouse", {"married", "wife", "husband", "spouse"}),
    ("birthplace", {"birthplace", "grow"}),
)


@labeling_function(task="Intent")
def telling_word(r):
    """The intent of the first telling word, in the order of the list."""
    words = set(r.tokens)
    return next((intent for intent, telling in TELLING if words & telling), ABSTAIN)
