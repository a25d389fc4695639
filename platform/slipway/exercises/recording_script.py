"""The script of a recording, casts/NAME.yaml: on which machines, and what is said, typed and unplugged, in order."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, model_validator

from slipway.exercises.schema import Line, PlacedFile
from slipway.sandboxes.topology import NodeNameText, Topology

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Act(BaseModel):
    """One thing that happens; exactly one of the keys that say what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chapter: Line | None = Field(None, description="A new chapter, with an empty screen.")
    caption: Words | None = Field(None, description="A caption; it stays as long as reading it takes.")
    type: Line | None = Field(None, description="A command, typed and entered; goes on at the next prompt.")
    watch: Line | None = Field(None, description="A command that goes on until `stop`.")
    stop: StrictBool | None = Field(None, description="Press Ctrl-C.")
    until: Line | None = Field(None, description="Wait, unseen, until this shell command succeeds.")
    pause: Annotated[float, Field(gt=0, le=30)] | None = Field(None, description="Let so many seconds pass.")
    unplug: NodeNameText | None = Field(None, description="Unplug a machine.")
    plug_in: NodeNameText | None = Field(None, description="Plug it in again.")
    on: NodeNameText | None = Field(None, description="With type, watch or until: in this machine, from now on.")

    @model_validator(mode="after")
    def _one_thing(self) -> Act:
        said = self.model_dump(exclude={"on"}, exclude_none=True)
        if len(said) != 1:
            raise ValueError("say exactly one thing that happens")
        if self.on and not said.keys() & {"type", "watch", "until"}:
            raise ValueError("only commands happen on a machine")
        return self


class Script(BaseModel):
    """A whole script."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Line = Field(description="The recording's title.")
    topology: Topology = Field(description="The machines it is recorded on.")
    files: Annotated[tuple[PlacedFile, ...], Field(max_length=20)] = Field((), description="As in exercise.yaml.")
    prepare: Annotated[str, StringConstraints(max_length=5000)] = Field(
        "", description="Commands in the form of a solution file, run unseen before the recording begins."
    )
    columns: Annotated[int, Field(ge=40, le=160)] = 80
    rows: Annotated[int, Field(ge=10, le=50)] = 20
    acts: Annotated[tuple[Act, ...], Field(max_length=200)]
