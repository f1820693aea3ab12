"""What an answer says, to compare answers as a whole."""

from evaluator.evaluation import Evaluation

FACTS = ("kind", "name", *(name for name, member in vars(Evaluation).items() if isinstance(member, property)))


def facts_of(found: Evaluation) -> dict[str, object]:
    """Everything that an answer says, by name."""
    return {fact: getattr(found, fact) for fact in FACTS}
