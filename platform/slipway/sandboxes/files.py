"""Files that lie on a sandbox's nodes from the start, as a row keeps them and as a node is asked to write them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from slipway.core.json import JSON

# A request to a node is at most 1 MiB; what is not text grows by a third on the way.
LARGEST_FILE = 512 * 1024

FilePath = Annotated[str, StringConstraints(pattern=r"^/[^\x00-\x1f]{1,200}$")]


class NodeFile(BaseModel):
    """One file on one node; `content` is base64 where it is not text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    node: str
    path: FilePath
    content: str
    encoding: Literal["utf-8", "base64"] = "utf-8"

    def as_request(self) -> dict[str, JSON]:
        """An entry of the node protocol's `write-files`."""
        return {"path": self.path, "content": self.content, "encoding": self.encoding, "mode": 0o644}
