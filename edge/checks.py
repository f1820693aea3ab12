"""Questions about one name, as replies show them: a check always answers, and its reason says on what ground.

A client key that the spec holds to a target app or to a list of entities sees these alone (`edge.callers.sight`). For
everything else it gets, by the same way and without a look at the spec in question, what it would get for a name that
nobody ever used. A key of which the spec says nothing sees everything, as with Statsig.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, cast

from edge.callers.keys import Access, Caller
from edge.callers.sight import Sight, find_sight, options_of
from edge.calls import Call
from edge.messages import Event, FindEvents
from edge.questions import Questions
from edge.sandbox import Sandbox
from edge.spec.wanted import Wanted
from evaluator.client_response import find_target_app
from evaluator.coerce import find_text
from evaluator.conditions import EXPERIMENT, GATE
from evaluator.evaluate import CONFIG, LAYER, evaluate_config, evaluate_experiment, evaluate_gate, evaluate_layer
from evaluator.evaluation import Evaluation
from evaluator.exposure_log import ExposureLog
from evaluator.outcome import UNRECOGNIZED, Unrecognized
from evaluator.project import Project
from evaluator.user import User
from evaluator.user_agent.words import BOT
from evaluator.view import UserView

NO_VALUES: Final = "NoValues"
_EVALUATE: Final = {
    GATE: evaluate_gate,
    CONFIG: evaluate_config,
    EXPERIMENT: evaluate_experiment,
    LAYER: evaluate_layer,
}


@dataclass(slots=True)
class Asking:
    """One user, who asks about them, and what answers; views and sights, one per project, are made when needed."""

    user: User
    caller: Caller
    questions: Questions
    views: dict[int, UserView]
    sights: dict[int, Sight | None]
    sandbox: Sandbox

    def find_view(self, kind: str, name: str) -> UserView | None:
        """Return the user's view of the project that holds a spec; None when there is no spec to answer from."""
        project = self.questions.project_for(kind, name)
        return None if project is None else self.view_of(project)

    def view_of(self, project: Project) -> UserView:
        """Return the user's view of a project."""
        view = self.views.get(id(project))
        if view is None:
            view = UserView(project, self.user, self.questions.now_ms, self.questions.options)
            if self.caller.access is Access.CLIENT:
                view.app_id = find_target_app(project, options_of(self.caller.key))
            self.views[id(project)] = view
        return view

    def find_sight(self, view: UserView) -> Sight | None:
        """Return what of a project the caller may see; None when it may see all."""
        if self.caller.access is not Access.CLIENT:
            return None
        number = id(view.project)
        if number not in self.sights:
            self.sights[number] = find_sight(view.project, self.caller.key, find_text(view.app_id))
        return self.sights[number]

    def shows(self, view: UserView, kind: str, name: str, document: object) -> bool:
        """Tell whether the caller may see an entity, of which the spec says this."""
        sight = self.find_sight(view)
        return sight is None or sight.shows(kind, name, document)


@dataclass(slots=True)
class Check:
    """What a question about one name came to; without a spec there is neither view nor evaluation."""

    name: str
    reason: str = NO_VALUES
    view: UserView | None = None
    evaluation: Evaluation | None = None

    @property
    def is_known(self) -> bool:
        """Tell whether there is an entity of this name, as far as the caller may know."""
        return self.evaluation is not None and self.evaluation.state != UNRECOGNIZED


def begin_asking(call: Call, user: User, wanted: Sequence[Wanted] | None) -> Asking:
    """Return what all checks of a call share."""
    caller = call.caller
    if wanted is not None and caller.access is Access.CLIENT:
        wanted = [replace(one, client_key=caller.key) for one in wanted]
    return Asking(user, caller, call.sandbox.begin_questions(wanted, caller.key), {}, {}, call.sandbox)


def check(asking: Asking, kind: str, name: str) -> Check:
    """Evaluate one entity; a config of any kind is asked for as a dynamic config."""
    view = asking.find_view(kind, name)
    return Check(name) if view is None else check_in(asking, view, kind, name)


def check_in(asking: Asking, view: UserView, kind: str, name: str) -> Check:
    """Evaluate one entity in a view that has it."""
    document = find_document(view.project, kind, name)
    if asking.shows(view, kind, name, document):
        evaluation = _EVALUATE[find_kind(view.project, kind, name, document)](view, name)
    else:
        evaluation = Evaluation(kind, name, Unrecognized(), None)
    return Check(name, asking.questions.reason(evaluation), view, evaluation)


def may_see(asking: Asking, checked: Check, kind: str, name: str) -> bool:
    """Tell whether the caller may see another entity that a check came by."""
    view = checked.view
    return view is not None and asking.shows(view, kind, name, find_document(view.project, kind, name))


def find_document(project: Project, kind: str, name: str) -> Mapping[str, object] | None:
    """Return what the spec document says of an entity; a contextual bandit goes before the config of its name."""
    if kind == GATE:
        found = project.gates.get(name)
    elif kind == LAYER:
        found = project.layers.get(name)
    else:
        found = project.cmab_configs.get(name) or project.configs.get(name)
    return cast("Mapping[str, object] | None", found)


def find_kind(project: Project, kind: str, name: str, document: Mapping[str, object] | None) -> str:
    """Tell experiments, autotunes and bandits from dynamic configs; other kinds stay."""
    if kind != CONFIG or document is None:
        return kind
    is_plain = name not in project.cmab_configs and document.get("entity") in {"dynamic_config", None}
    return CONFIG if is_plain else EXPERIMENT


def expose(asking: Asking, *checks: Check) -> FindEvents:
    """Return what makes the exposure events of some checks."""
    return partial(make_events, asking, checks)


def make_events(asking: Asking, checks: Sequence[Check]) -> tuple[Event, ...]:
    """Return the exposure events of some checks; a layer exposes each parameter of its value."""
    agent = asking.user.fields.get("userAgent")
    if isinstance(agent, str) and BOT.search(agent) and not asking.sandbox.client_settings.expose_bots:
        asking.sandbox.outbox.note_bots(len(checks))
        return ()
    events: list[Event] = []
    for one in checks:
        events += list_events(asking, one)
    return tuple(events)


def list_events(asking: Asking, checked: Check) -> Sequence[Event]:
    """Return the exposure events of one check; without a spec there is nothing to report."""
    view, found = checked.view, checked.evaluation
    if view is None or found is None:
        return ()
    log = ExposureLog(
        view.project.sdk_configs,
        find_reason=asking.questions.reason,
        received_at_ms=asking.questions.received_ms,
        memory=asking.sandbox.exposed,
    )
    if found.kind == GATE:
        log.add_gate(view, found)
    elif found.kind == LAYER:
        for parameter in found.value if isinstance(found.value, dict) else ():
            log.add_layer(view, found, parameter)
    else:
        log.add_config(view, found)
    return log.take_events()
