"""Labeling functions: what the launch rules and the click log miss."""

from ovt import ABSTAIN, labeling_function


@labeling_function(task="Intent")
def days_until(r):
    """`how many days until easter` asks for a date; the launch rules hear `how many` and think of people."""
    words = set(r.tokens)
    return "date" if words & {"until", "till"} or "fall" in words else ABSTAIN


@labeling_function(task="IntentArg")
def whole_title(r):
    """A question that names an office is about the office with its place: the widest title among the candidates."""
    titles = [position for position, entity in enumerate(r.entities or []) if entity.kind == "title"]
    if not titles:
        return ABSTAIN
    return max(titles, key=lambda position: r.entities[position].range[1] - r.entities[position].range[0])
