"""Takes along to another machine what pip is told on this one: its files, its variables, and their paths.

None of it is written down in the repository: which index answers, and whom to trust, is the machine's own matter.
"""

import configparser
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LEFT_OUT = frozenset({"PIP_CACHE_DIR", "PIP_REQUIRE_VIRTUALENV"})
_PERSONAL = (Path(".pip/pip.conf"), Path(".config/pip/pip.conf"))
_TRUST = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables that name certificates, the strongest first; a client behind a proxy of its own reads the first alone."""


@dataclass(frozen=True, slots=True)
class PipSettings:
    """How pip is set up.

    ``system`` are the files that hold for everybody, ``personal`` those of one user, from the home. ``variables`` are
    pip's own, ``named`` the paths that any of all these names, ``proxy`` what the way to the index leads through.
    """

    system: tuple[Path, ...]
    personal: tuple[Path, ...]
    variables: Mapping[str, str]
    named: tuple[Path, ...]
    proxy: str | None


def pip_settings() -> PipSettings:
    """Read this machine's settings, in the places where pip looks for them."""
    system = tuple(path for path in _system_files() if path.is_file())
    personal = tuple(path for path in _PERSONAL if (Path.home() / path).is_file())
    variables = {name: value for name, value in os.environ.items() if name.startswith("PIP_") and name not in _LEFT_OUT}
    files = [*system, *(Path.home() / path for path in personal)]
    if "PIP_CONFIG_FILE" in variables:
        files.append(Path(variables["PIP_CONFIG_FILE"]))
    options = [*_options(files), *((name[4:].lower(), value) for name, value in variables.items())]
    trusted = next((os.environ[name] for name in _TRUST if os.environ.get(name)), None)
    if trusted is not None and not any(name == "cert" for name, _ in options):
        variables["PIP_CERT"] = trusted
        options.append(("cert", trusted))
    return PipSettings(system, personal, variables, tuple(_named(options)), _proxy(options))


def _system_files() -> Iterator[Path]:
    for directory in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"):
        yield Path(directory, "pip", "pip.conf")
    yield Path("/etc/pip.conf")


def _options(files: list[Path]) -> Iterator[tuple[str, str]]:
    for file in files:
        parser = configparser.RawConfigParser()
        parser.read(file, encoding="utf-8")
        for section in parser.sections():
            yield from parser.items(section)


def _named(options: list[tuple[str, str]]) -> Iterator[Path]:
    """Yield every path that an option names, with an index's neighbours: its pages lead to files beside them."""
    words = sorted({(word, "index" in name) for name, value in options for word in value.split()})
    for word, is_index in words:
        path = Path(unquote(urlsplit(word).path) if word.startswith("file:") else word)
        if path.is_absolute() and path.exists():
            yield path.parent if is_index else path


def _proxy(options: list[tuple[str, str]]) -> str | None:
    """Return the proxy that the way to the index already leads through."""
    own = next((value for name, value in reversed(options) if name == "proxy"), None)
    return own or next((os.environ[name] for name in ("HTTPS_PROXY", "https_proxy") if os.environ.get(name)), None)
