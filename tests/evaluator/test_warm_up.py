from evaluator.decode import decode_project, find_faults
from evaluator.evaluate import evaluate_config, evaluate_experiment, evaluate_gate, evaluate_layer
from evaluator.user import decode_user
from evaluator.view import UserView
from evaluator.warm_up import make_document, warm_up


def test_what_is_evaluated_is_a_spec_that_has_everything_asked_for() -> None:
    made = make_document()
    assert not list(find_faults(made))
    view = UserView(decode_project(made), decode_user({"userID": "1"}), now_ms=0)
    asked = (
        evaluate_gate(view, "gate"),
        evaluate_config(view, "config"),
        evaluate_experiment(view, "experiment"),
        evaluate_layer(view, "layer"),
    )
    assert {found.state for found in asked} == {"Recognized"}
    assert {found.rule_id for found in asked} == {"everyone"}


def test_warming_up_needs_nothing() -> None:
    warm_up()
