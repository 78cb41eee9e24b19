import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from automation.engine.actions import ActionFailed, Actions, BrokenActions, ConfigFault
from tests.engine.actions.calls import a_call

EXAMPLE = Path(__file__).parent / "plugin_example"
OURS = {"email_notification", "wait", "webhook_call"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that the example package is installed in, by pip and from its sources."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    options = ["--no-deps", "--no-build-isolation", "--target", str(target), str(EXAMPLE)]
    subprocess.run([*command, *options], check=True, capture_output=True, timeout=60)
    return target


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example package, importable for the time of a test."""
    monkeypatch.syspath_prepend(site)
    yield
    sys.modules.pop("shouting", None)


def register(directory: Path, distribution: str, name: str, value: str) -> None:
    """Write what an installed package leaves behind that registers one action."""
    information = directory / f"{distribution.replace('-', '_')}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[automation.actions]\n{name} = {value}\n")


def test_our_own_actions_are_registered_like_any_others() -> None:
    assert set(Actions.load().names) >= OURS


@pytest.mark.process
@pytest.mark.usefixtures("installed")
async def test_an_installed_package_adds_its_action() -> None:
    actions = Actions.load()

    result = await actions.run("shout", {"text": "hello", "times": 2}, a_call())

    assert result.output == {"text": "HELLO HELLO"}
    assert actions.check("shout", {"text": "hello", "times": "${trigger.n}"}) == []
    assert actions.check("shout", {"text": "hello" * 21, "volume": 11}) == [
        ConfigFault("/config/text", "must have at most 100 characters"),
        ConfigFault("/config/volume", "is not a known member"),
    ]
    assert actions.check("shout", {}) == [ConfigFault("/config/text", "is required")]
    with pytest.raises(ActionFailed, match="nothing to shout"):
        await actions.run("shout", {"text": " "}, a_call())


@pytest.mark.process
@pytest.mark.usefixtures("installed")
def test_two_packages_with_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(tmp_path, "louder-action", "shout", "shouting:action")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(BrokenActions) as raised:
        Actions.load()

    assert raised.value.lines == ("action shout: registered 2 times, by louder-action 1.0 and shouting-action 1.2.3",)


def test_a_package_can_not_take_the_name_of_one_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(tmp_path, "my-wait", "wait", "automation.engine.actions.wait:action")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(BrokenActions, match=r"wait: registered 2 times, by .*my-wait"):
        Actions.load()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("gone", "nowhere_to_be_found:action", "can't be loaded: ModuleNotFoundError"),
        ("empty", "example_broken:nothing", "can't be loaded: AttributeError"),
        ("raising", "example_broken:raising", "can't be loaded: RuntimeError: no luck, at all"),
        ("number", "example_broken:number", "leads to neither an Action nor a function that returns one"),
        ("renamed", "automation.engine.actions.wait:action", "is an action of another name, wait"),
        ("schemaless", "example_broken:schemaless", '"additionalProperties": false'),
    ],
)
def test_a_broken_package_is_told_of_in_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    (tmp_path / "example_broken.py").write_text(
        "from automation.engine.actions import Action\n"
        "number = 1\n"
        "def raising(resources): raise RuntimeError('no luck,\\nat all')\n"
        "schemaless = Action(name='schemaless', config_schema={}, run=raising)\n"
    )
    register(tmp_path, "broken-action", name, value)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(BrokenActions) as raised:
        Actions.load()

    [line] = raised.value.lines
    assert line.startswith(f"action {name} of broken-action 1.0: ")
    assert reason in line
    sys.modules.pop("example_broken", None)
