"""What unit would the answer have? Copy this file to `labelers/` to use it.

    cp labelers_to_try/answer_unit.py labelers/

The launch rules (`weak1`) read the first words of a question: `how many` means people, `high` means height. That was
true until questions about food came in: `how much iron is in spinach` was taken for a question about population, and
`is rice high in sugar` for one about height. The unit of the answer tells them apart, and the words for units are few:
grams of a nutrient, people, feet, square miles, days.
"""

from ovt import ABSTAIN, labeling_function

UNITS = {
    "nutrition": {
        "calories", "grams", "milligrams", "protein", "fat", "sugar", "fiber", "iron", "calcium", "sodium", "salt",
        "carbs", "vitamin", "cholesterol", "caffeine", "magnesium", "potassium", "zinc",
    },
    "population": {"people", "inhabitants", "residents", "citizens", "population"},
    "area": {"miles", "kilometers"},
    "height": {"feet", "meters", "tall"},
    "date": {"days"},
}


@labeling_function(task="Intent")
def answer_unit(r):
    """The intent whose unit is named in the question."""
    words = set(r.tokens)
    return next((intent for intent, units in UNITS.items() if words & units), ABSTAIN)
