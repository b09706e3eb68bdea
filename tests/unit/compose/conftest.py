"""The compose file as Docker would see it: interpolated with an environment, and cut into what tests ask about."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPOSITORY = Path(__file__).resolve().parents[3]
VARIABLE = re.compile(r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(:[-?])?|\$(?=[A-Za-z_])")


class Missing(Exception):
    """A required variable has no value; the text is the sentence the person reads."""


def interpolate(text: str, env: Mapping[str, str]) -> str:
    """Replace ``${A}``, ``${A:-default}`` (nested too), ``${A:?sentence}`` and ``$$`` as Compose does."""
    out, at = [], 0
    while found := VARIABLE.search(text, at):
        out.append(text[at : found.start()])
        if found[0] == "$$":
            out.append("$")
            at = found.end()
            continue
        assert found[1], f"write ${{NAME}} or $$NAME, not $NAME: {text}"
        end = closing_brace(text, found.end())
        rest = text[found.end() : end]
        value = env.get(found[1], "")
        if not value and found[2] == ":-":
            value = interpolate(rest, env)
        elif not value and found[2] == ":?":
            raise Missing(rest)
        else:
            assert found[2] or not rest, f"only :- and :? are used here: {text}"
        out.append(value)
        at = end + 1
    return "".join(out) + text[at:]


def closing_brace(text: str, at: int) -> int:
    """Return the position of the brace that closes a variable; only another ``${`` nests."""
    depth = 1
    while True:
        if text.startswith("${", at):
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if not depth:
                return at
        at += 1


def strings(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Iterate over every string of a document with where it stands."""
    if isinstance(node, str):
        yield path, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from strings(value, f"{path}.{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from strings(value, f"{path}[{number}]")


class ComposeFile:
    """The file as written, and as Docker sees it under an environment."""

    def __init__(self) -> None:
        self.text = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
        self.document = yaml.safe_load(self.text)

    @property
    def required(self) -> set[str]:
        """Variables without which nothing starts."""
        return {name for _, text in strings(self.document) for name in re.findall(r"\$\{(\w+):\?", text)}

    @property
    def sentences(self) -> set[str]:
        """What is said of each missing variable."""
        return {sentence for _, text in strings(self.document) for sentence in re.findall(r":\?([^}]*)}", text)}

    @property
    def variables(self) -> set[str]:
        """Every variable the file reads, those handed on without a value included."""
        used = {name for _, text in strings(self.document) for name in re.findall(r"(?<!\$)\$\{(\w+)", text)}
        handed_on = {key for name in self.services for key, value in self.written(name).items() if value is None}
        return used | handed_on

    @property
    def services(self) -> dict[str, Any]:
        return dict(self.document["services"])

    @property
    def one_shot(self) -> set[str]:
        """Services that do their work and end."""
        return {name for name, service in self.services.items() if service["restart"] == "no"}

    def written(self, service: str) -> dict[str, str | None]:
        """Return the environment of a service as it stands in the file."""
        return dict(self.services[service].get("environment", {}))

    def secrets(self) -> dict[str, str]:
        """Return a value for each required variable that nothing else can have."""
        return {name: f"{name.lower().replace('_', '')}9" for name in self.required}

    def seen(self, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the services with every variable replaced; unset ones without a value are gone, as in Docker."""
        env = self.secrets() if env is None else env

        def replace(node: Any) -> Any:
            if isinstance(node, str):
                return interpolate(node, env)
            if isinstance(node, dict):
                return {key: replace(value) for key, value in node.items()}
            return [replace(value) for value in node] if isinstance(node, list) else node

        services = replace(self.services)
        for service in services.values():
            written = service.get("environment", {})
            given = {key: env.get(key) if value is None else value for key, value in written.items()}
            service["environment"] = {key: value for key, value in given.items() if value is not None}
        return dict(services)


@pytest.fixture(scope="session")
def compose() -> ComposeFile:
    return ComposeFile()


@pytest.fixture(scope="session")
def airflow_services(compose) -> dict[str, Any]:
    """The services that run our image, as Docker sees them."""
    return {name: service for name, service in compose.seen().items() if service["image"].startswith("candlewick:")}
