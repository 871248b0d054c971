"""Which run a file is of: a hash of all that its figures are a function of."""

import json
from typing import Any

from core.files import sha256_bytes
from core.training.plan import that_matter


def run_fingerprint(state: dict[str, Any]) -> str:
    """A hash of a run's title, part, model, task, data and settings, the same in all of its states, however many epochs they have."""
    model = {key: state["model"][key] for key in ("sha256", "class_name", "arguments")}
    settings = {group: that_matter(values) for group, values in state["settings"].items()}
    facts = [state["title"], state["part"], model, state["task"], state["data"], settings]
    return sha256_bytes(json.dumps(facts, sort_keys=True, default=str).encode())
