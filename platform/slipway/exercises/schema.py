"""What an exercise.yaml and the front matter of a step may say: the one source for validation, the editors' JSON Schema
and the reference page. Holds no rule that needs to look at other files; the loader has those.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, ValidationError, model_validator

from slipway.exercises.mistakes import Mistakes
from slipway.exercises.yaml_tree import Tree
from slipway.sandboxes.files import FilePath
from slipway.sandboxes.topology import Topology

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\n]*$")]
ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
# Values end up in commands, addresses and file names: nothing that a shell would read as its own.
ParameterText = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f'\"`$\\]*$")
]


class Level(StrEnum):
    """For whom an exercise is."""

    BEGINNER = "beginner"
    INTERMEDIATE = "intermediate"
    ADVANCED = "advanced"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class NumberRange(_Strict):
    """A whole number between two others, both included."""

    min: Annotated[int, Field(ge=0, le=1_000_000)]
    max: Annotated[int, Field(ge=0, le=1_000_000)]

    @model_validator(mode="after")
    def _ordered(self) -> NumberRange:
        if self.max < self.min:
            raise ValueError("max must not be below min")
        return self


class ParameterSpec(_Strict):
    """How one of the learner's own values is drawn: exactly one of the four ways."""

    pick: Annotated[tuple[ParameterText | int, ...], Field(min_length=1, max_length=200)] | None = Field(
        None, description="One of these values.", strict=False
    )
    words: Annotated[int, Field(ge=1, le=4)] | None = Field(
        None, description="So many short words, joined by hyphens: a name that nobody else has."
    )
    number: NumberRange | None = Field(None, description="A whole number from min to max.")
    text: ParameterText | None = Field(None, description="A text that may name other parameters: {{ port }}.")

    @model_validator(mode="after")
    def _exactly_one(self) -> ParameterSpec:
        if sum(value is not None for value in (self.pick, self.words, self.number, self.text)) != 1:
            raise ValueError("say exactly one of pick, words, number and text")
        return self


class PlacedFile(_Strict):
    """An asset that lies on some of the nodes when they are ready, with the learner's values in it."""

    asset: Line = Field(description="The file's name below assets/.")
    nodes: Annotated[tuple[Line, ...], Field(min_length=1, max_length=8)] = Field(
        description="The nodes that get it.", strict=False
    )
    path: FilePath = Field(description="Where it lies there: /root/shop.yaml.")


class ExerciseSchema(_Strict):
    """exercise.yaml"""

    title: Line = Field(description="The title in the catalogue.")
    summary: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)] = Field(
        description="One or two sentences for the catalogue."
    )
    minutes: Annotated[int, Field(ge=1, le=600)] = Field(description="How long a learner needs.")
    level: Level = Field(Level.BEGINNER, description="For whom it is.", strict=False)
    topology: Topology = Field(
        Topology(), description="The machines of the sandbox; without it, a lesson that is only watched.", strict=False
    )
    parameters: Annotated[dict[ParameterName, ParameterSpec], Field(max_length=32)] = Field(
        default_factory=dict, description="Each learner's own values, drawn once."
    )
    files: Annotated[tuple[PlacedFile, ...], Field(max_length=20)] = Field(
        (), description="Assets that lie on the nodes from the start.", strict=False
    )
    steps: Annotated[tuple[Line, ...], Field(min_length=1, max_length=40)] | None = Field(
        None, description="The step files in order; without it, all NN-name.md files by their numbers.", strict=False
    )
    hint_cost: Annotated[int, Field(ge=0, le=100)] = Field(
        0, description="Points that opening a hint costs; 0 means that hints are free."
    )
    unplug: StrictBool | Annotated[tuple[Line, ...], Field(strict=False, min_length=1, max_length=8)] = Field(
        default=False,
        description="true when learners may unplug every machine and plug it in again, or the names of those machines.",
    )
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] = Field(
        "en", description="The language of the step files without a language in their names."
    )


class StepSchema(_Strict):
    """The front matter of a step."""

    title: Line = Field(description="The title of the step.")
    checks: Annotated[tuple[Line, ...], Field(max_length=40)] = Field(
        (), description="The check functions of this step, in the order shown.", strict=False
    )
    points: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        None, description="What the step's checks are worth together; when stated, it must be so."
    )
    terminal: Line | None = Field(None, description="The node whose terminal gets the focus when the step opens.")
    repeatable: bool = Field(
        default=True, description="false when the solution cannot run a second time without an error."
    )


class TranslationSchema(_Strict):
    """The front matter of a translated step: 01-networks.es.md."""

    title: Line = Field(description="The title of the step in this language.")


class ShellCheckSchema(_Strict):
    """The comment at the top of checks/NAME.sh."""

    title: Line = Field(description="What learners read.")
    node: Line = Field(description="The node that it runs in.")
    points: Annotated[int, Field(ge=0, le=100)] = 1
    within: Annotated[int, Field(ge=0, le=120)] = 0
    stable: Annotated[int, Field(ge=0, le=60)] = 0
    keeps: bool = False


Model = TypeVar("Model", bound=BaseModel)

_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping with keys",
    "model_attributes_type": "a mapping with keys",
    "string_too_short": "at least {min_length} character(s)",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "enum": "{expected}",
    "string_pattern_mismatch": "something of the form {pattern}",
}


def validate(model: type[Model], tree: Tree, *, file: str, mistakes: Mistakes) -> Model | None:
    """The data as a model, or None with every mistake noted at its line."""
    try:
        return model.model_validate(tree.data)
    except ValidationError as error:
        seen: set[tuple[tuple[str | int, ...], str]] = set()
        for one in error.errors(include_url=False):
            path = _data_path(one["loc"], tree)
            if (path, one["type"]) not in seen and not _shadowed(path, seen):
                seen.add((path, one["type"]))
                _note(model, one, path, tree, file=file, mistakes=mistakes)
        return None


def _shadowed(path: tuple[str | int, ...], seen: set[tuple[tuple[str | int, ...], str]]) -> bool:
    """Whether this place has been complained about already, by another branch of the same choice."""
    return any(path == other for other, _ in seen)


def _data_path(location: tuple[str | int, ...], tree: Tree) -> tuple[str | int, ...]:
    """pydantic's location without the names of choices, which are not in the file."""
    path: tuple[str | int, ...] = ()
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if (*path, part) in tree.lines or (last and isinstance(part, str) and part.isidentifier()):
            path = (*path, part)
    return path


def _note(
    model: type[BaseModel], one: Any, path: tuple[str | int, ...], tree: Tree, *, file: str, mistakes: Mistakes
) -> None:
    # Any: pydantic's error dictionaries have values of every type.
    name = ".".join(str(part) for part in path)
    kind: str = one["type"]
    line = tree.line(path)
    if kind == "missing":
        mistakes.note("missing-key", f"{name} is missing.", file=file, line=line, found="nothing", expected=name)
    elif kind == "extra_forbidden":
        known = sorted(_keys_at(model, path[:-1]))
        mistakes.note(
            "unknown-key", "There is no such key here.", file=file, line=line, found=str(path[-1]), among=known
        )
    else:
        template = _EXPECTED.get(kind)
        words = template.format(**one.get("ctx", {})) if template else str(one["msg"]).removeprefix("Value error, ")
        sentence = f"{name or 'This'} must be {words}." if template else f"{name}: {words}."
        mistakes.note("wrong-value", sentence, file=file, line=line, found=one["input"], expected=words)


def _keys_at(model: type[BaseModel], path: tuple[str | int, ...]) -> set[str]:
    """The keys that the model allows at this place of the data."""
    models = _models_in(model)
    for part in path:
        annotations = [
            m.model_fields[part].annotation if isinstance(part, str) and part in m.model_fields else m for m in models
        ]
        models = {found for annotation in annotations for found in _models_in(annotation)}
    return {key for found in models for key in found.model_fields}


def _models_in(annotation: object) -> set[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return {model for part in get_args(annotation) for model in _models_in(part)}
