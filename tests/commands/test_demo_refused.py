"""``automation demo`` where it can't be had: one line that says what to do, and where more stands."""

import fcntl
import socket
from pathlib import Path

import pytest

from tests.commands.terminal import assert_refused, run
from tests.databases import DatabaseUrls
from tests.system.processes import copy_service, plant, running

pytestmark = pytest.mark.process

WITHOUT_MAIL = 'import sys\n\nsys.modules["aiosmtpd"] = None\n'


def test_a_port_that_is_taken_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("demo", "--port", port, settings={"AUTOMATION_DATA_DIR": str(tmp_path / "data")})

    assert_refused(done, f"port {port}", "--port", "AUTOMATION_PORT", code=1)
    assert not (tmp_path / "data").exists()


def test_a_directory_of_another_demo_is_told_and_left_alone(tmp_path: Path) -> None:
    with (tmp_path / "demo.running").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = run("demo", "--port", "0", settings={"AUTOMATION_DATA_DIR": str(tmp_path)})

    assert_refused(done, f"A demo of {tmp_path} runs already", "AUTOMATION_DATA_DIR", code=1)
    assert [path.name for path in tmp_path.iterdir()] == ["demo.running"]


def test_an_address_of_another_machine_is_told_before_anything_is_made(tmp_path: Path) -> None:
    settings = {"AUTOMATION_DATA_DIR": str(tmp_path / "data"), "AUTOMATION_HOST": "192.0.2.1"}

    done = run("demo", settings=settings)

    assert_refused(done, "cannot listen on 192.0.2.1", code=1)
    assert not (tmp_path / "data").exists()


def test_without_its_mail_receiver_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_MAIL)

    done = run("demo", settings={"AUTOMATION_DATA_DIR": str(tmp_path / "data"), "PYTHONPATH": str(tmp_path)})

    assert_refused(done, "aiosmtpd", "automation-executions[demo]", "make run", code=1)
    assert not (tmp_path / "data").exists()


def test_a_directory_that_cannot_be_written_is_told_with_the_setting_for_another(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    done = run("demo", "--port", "0", settings={"AUTOMATION_DATA_DIR": str(tmp_path / "file" / "data")})

    assert_refused(done, str(tmp_path / "file" / "data"), "AUTOMATION_DATA_DIR", code=1)


def test_a_log_that_is_somebody_elses_file_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "demo.log").symlink_to(tmp_path / "elsewhere")

    done = run("demo", "--port", "0", settings={"AUTOMATION_DATA_DIR": str(tmp_path)})

    assert_refused(done, str(tmp_path), "AUTOMATION_DATA_DIR", code=1)
    assert not (tmp_path / "elsewhere").exists()


def test_a_database_that_does_not_start_is_told_in_one_line_with_the_log(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()

    done = run("demo", "--port", "0", settings={"AUTOMATION_DATA_DIR": str(tmp_path)})

    assert_refused(done, "isn't a PostgreSQL cluster", f"(more in {tmp_path / 'demo.log'})", code=1)
    assert "EmbeddedServerError" in (tmp_path / "demo.log").read_text()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (("automation/demo/runs.py", "PATIENCE_SECONDS = 60.0", "PATIENCE_SECONDS = 0.0"), "execution"),
        (("automation/demo/demonstration.py", "    _replace(self.path", "    _displace(self.path"), "NameError"),
    ],
    ids=["a sample run", "something unforeseen"],
)
def test_what_fails_when_it_serves_is_told_in_one_line_with_the_log(
    database_urls: DatabaseUrls, tmp_path: Path, fault: tuple[str, str, str], said: str
) -> None:
    copy, data = copy_service(tmp_path / "copy"), tmp_path / "data"
    plant(copy, *fault)
    settings = {
        "AUTOMATION_DATABASE_URL": database_urls.api,
        "AUTOMATION_MIGRATION_URL": database_urls.owner,
        "AUTOMATION_WORKER_URL": database_urls.worker,
        "AUTOMATION_DATA_DIR": str(data),
    }

    with running(["demo", "--port", "0"], settings, copy=copy) as process:
        code = process.popen.wait(60)

        *steps, last = process.errors.read_text().splitlines()
        output = process.output.read_text()

    assert (code, output) == (1, "")
    assert last.startswith("automation: ")
    assert said in last
    assert last.endswith(f"(more in {data / 'demo.log'})")
    assert all(step.endswith(" s") for step in steps)
    assert "Traceback" in (data / "demo.log").read_text()
