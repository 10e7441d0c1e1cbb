"""``flask dev`` from outside: a newcomer's first minute, and everything that may die."""

import os
import re
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from creditapp.dev import DataFolder
from tests.dev.conftest import PARTS, Instance, eventually, is_alive

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="Processes are found through /proc.")

LARGEST_PROCESS_KB = 150 * 1024
RESTART_SECONDS, ANSWER_SECONDS = 2.0, 15.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One running instance for all that does not end it."""
    instance = Instance(tmp_path_factory.mktemp("dev") / "data").start()
    assert instance.is_ready, instance.words
    yield instance
    instance.close()


@pytest.fixture(scope="module")
def service_key(running: Instance) -> str:
    """The key of a program that may act for any account."""
    return running.flask("keys", "create", "--service").stdout.strip()


def test_it_prints_the_addresses_who_can_sign_in_and_at_last_that_it_is_ready(running: Instance) -> None:
    lines = running.words.rstrip().split("\n")

    assert lines[-1] == f"ready http://127.0.0.1:{running.port}"
    assert f"http://127.0.0.1:{running.polar_port}" in running.words
    for sign_in in ("high-credits", "low-credits", "new-credits", "operator"):
        assert f"{sign_in}@example.com" in running.words
    assert "demo-password" in running.words


def test_every_part_has_a_pid_file_that_names_a_living_process(running: Instance) -> None:
    assert {part: is_alive(running.pid_of(part)) for part in PARTS} == dict.fromkeys(PARTS, True)


def test_the_demo_accounts_have_the_promised_balances(running: Instance, service_key: str) -> None:
    def available(email: str) -> object:
        return running.ask("GET", f"/api/credits/balance?account={email}", key=service_key)[1]["available"]

    names = ("high-credits", "low-credits", "new-credits", "operator")
    assert [available(f"{name}@example.com") for name in names] == [25_000, 150, 100, 100]


def test_the_books_tie_out_after_the_start(running: Instance) -> None:
    assert running.flask("credits", "verify").returncode == 0


def test_every_package_is_connected_to_a_product_of_the_same_price_at_the_stand_in(
    running: Instance, service_key: str
) -> None:
    token = re.search(r"^POLAR_ACCESS_TOKEN=(.+)$", (running.data / "run/env").read_text(), re.MULTILINE)
    assert token
    _, shelf = running.ask("GET", "/api/credits/packages?account=new-credits@example.com", key=service_key)

    assert len(shelf["items"]) == 5
    for package in shelf["items"]:
        path = f"/v1/products/{package['polar_product_id']}"
        status, product = running.ask("GET", path, key=token[1], port=running.polar_port)
        assert (status, product["name"]) == (200, package["name"])
        assert product["prices"][0]["price_amount"] == package["price_cents"]
        assert product["metadata"]["credits_amount"] == package["credits"]
        assert product["metadata"]["savings_percentage"] == package["savings_percentage"]


def test_only_the_owner_may_read_the_secrets_and_no_command_line_or_log_shows_them(running: Instance) -> None:
    run = running.data / "run"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (run / "env", run / "webhook-secret", run)}
    settings = dict(line.split("=", 1) for line in (run / "env").read_text().split("\n") if "=" in line)
    secrets = [settings[name] for name in ("SECRET_KEY", "POLAR_ACCESS_TOKEN", "POLAR_WEBHOOK_SECRET")]
    told = "\n".join([*running.processes().values(), *(log.read_text() for log in (running.data / "log").iterdir())])

    assert modes == {"env": 0o600, "webhook-secret": 0o600, "run": 0o700}
    assert (run / "webhook-secret").read_text().strip() == settings["POLAR_WEBHOOK_SECRET"]
    assert [secret for secret in secrets if secret in told + running.words] == []


def test_no_process_takes_more_than_150_megabytes(running: Instance, service_key: str) -> None:
    for _ in range(50):
        running.ask(
            "POST", "/api/credits/consume", {"amount": 0.01, "account": "high-credits@example.com"}, key=service_key
        )
        running.ask("GET", "/api/credits/transactions?account=high-credits@example.com&limit=100", key=service_key)

    def size(pid: int) -> int:
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) if found else 0

    too_large = {words: size(pid) for pid, words in running.processes().items() if size(pid) > LARGEST_PROCESS_KB}
    assert too_large == {}


def test_a_second_one_on_the_same_folder_says_so_in_one_sentence_and_ends(running: Instance) -> None:
    second = Instance(running.data)
    second.output = running.data.parent / "second.out"
    second.start()

    assert second.exit_code == 1
    assert len(second.words.strip().split("\n")) == 1
    assert "already running" in second.words
    assert running.ask("GET", "/healthz")[0] == 200


@pytest.mark.parametrize("option", ["--port", "--polar-port"])
def test_a_taken_port_is_named_in_one_sentence_and_nothing_is_started(instance: Instance, option: str) -> None:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", instance.port if option == "--port" else instance.polar_port))
        somebody.listen()
        taken = somebody.getsockname()[1]
        instance.start()

    assert instance.exit_code == 1
    assert (
        instance.words
        == f"Error: Port {taken} is taken by another program. Stop that one, or choose another with {option}.\n"
    )
    assert not instance.data.exists()
    assert instance.processes() == {}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_killed_is_back_within_two_seconds(running: Instance, part: str) -> None:
    killed = running.pid_of(part)
    os.kill(killed, signal.SIGKILL)

    assert eventually(lambda: running.pid_of(part) != killed, RESTART_SECONDS), running.words
    assert is_alive(running.pid_of(part))
    assert eventually(lambda: running.ask("GET", "/readyz")[0] == 200, ANSWER_SECONDS)
    answers = lambda: running.ask("GET", "/_control/charges", port=running.polar_port)[0] == 200  # noqa: E731
    assert eventually(answers, ANSWER_SECONDS)


def test_when_the_web_is_killed_none_of_its_processes_stays_behind(running: Instance) -> None:
    main = running.pid_of("web")
    family = [pid for pid in running.processes() if os.getpgid(pid) == main]
    os.kill(main, signal.SIGKILL)

    assert len(family) >= 3
    assert eventually(lambda: running.pid_of("web") != main, RESTART_SECONDS)
    assert [pid for pid in family if is_alive(pid)] == []
    assert eventually(lambda: running.ask("GET", "/readyz")[0] == 200, ANSWER_SECONDS)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Instance]:
    """A second instance, in a folder whose path is too long for a socket and was used before."""
    instance = Instance(tmp_path / ("a folder with a 'name' that goes on " + "and on " * 12).strip())
    (instance.data / "run").mkdir(parents=True)
    (instance.data / "run" / "env").write_text(f"SECRET_KEY={'old' * 20}\n")
    (instance.data / "credits.sqlite").write_text("not a database")
    (instance.data / "notes.txt").write_text("of somebody else")
    yield instance
    instance.close()
    DataFolder(instance.data).remove_socket()  # it lies elsewhere, and a killed run leaves it


def test_two_run_side_by_side_one_begins_anew_and_killing_it_leaves_nothing_of_it(
    running: Instance, other: Instance
) -> None:
    def guards() -> set[int]:
        return {pid for pid, words in other.processes().items() if "guard.py" in words}

    other.start("--reset")
    assert other.is_ready, other.words
    assert "old" * 20 not in (other.data / "run" / "env").read_text()
    assert (other.data / "notes.txt").read_text() == "of somebody else"
    assert running.ask("GET", "/readyz")[0] == other.ask("GET", "/readyz")[0] == 200

    everything = set(other.processes())
    assert {other.pid_of(part) for part in PARTS} < everything
    (guard,) = guards()
    os.kill(guard, signal.SIGKILL)
    assert eventually(lambda: guards() - {guard}, RESTART_SECONDS), "the guard was not replaced"
    os.kill(other.pid, signal.SIGKILL)

    assert other.wait_until_gone(5) == {}
    assert eventually(lambda: not any(map(is_alive, everything)), 5)
    assert running.ask("GET", "/readyz")[0] == 200


def test_it_stops_within_ten_seconds_and_starts_again_with_the_same_secrets_and_products(running: Instance) -> None:
    before = (running.data / "run/env").read_text()
    began = time.monotonic()

    assert running.stop() == {}
    assert running.exit_code == 0
    assert time.monotonic() - began < 10
    assert list((running.data / "run").glob("*.pid")) == []

    running.start("--workers", "2")
    assert running.is_ready, running.words
    assert (running.data / "run/env").read_text() == before
    assert is_alive(running.pid_of("worker-2"))
