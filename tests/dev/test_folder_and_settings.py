"""What ``flask dev`` keeps on disk, and what it takes from the environment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from creditapp.config import load_settings
from creditapp.dev import CannotStart, DataFolder
from creditapp.dev.folder import LONGEST_SOCKET_PATH
from creditapp.dev.settings_file import InstanceSettings, decide
from tests.dev.conftest import Instance


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    """A folder that is held."""
    made = DataFolder(tmp_path / "data")
    made.hold()
    yield made
    made.release()


def started(folder: DataFolder, **environment: str) -> InstanceSettings:
    """The settings of one start, written."""
    settings = decide(folder, environment, port=5000, polar_port=5050)
    settings.write(folder)
    return settings


def test_the_next_start_keeps_the_secrets_and_takes_the_new_ports(folder: DataFolder) -> None:
    first = started(folder).values
    second = decide(folder, {}, port=6000, polar_port=6050).values

    kept = ("SECRET_KEY", "POLAR_WEBHOOK_SECRET", "POLAR_ACCESS_TOKEN", "DATABASE_URL", "REDIS_URL")
    assert {name: first[name] for name in kept} == {name: second[name] for name in kept}
    assert (second["APP_URL"], second["POLAR_SERVER"]) == ("http://127.0.0.1:6000", "http://127.0.0.1:6050")


def test_two_folders_have_different_secrets(tmp_path: Path) -> None:
    one, two = (decide(DataFolder(tmp_path / name), {}, port=1, polar_port=2).values for name in "ab")

    assert {one[name] == two[name] for name in ("SECRET_KEY", "POLAR_WEBHOOK_SECRET", "POLAR_ACCESS_TOKEN")} == {False}


def test_what_the_environment_gives_replaces_the_embedded_parts_and_is_there_for_later_commands(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = "whsec_new,polar_whs_old"
    given = {
        "DATABASE_URL": "postgresql://me:it's%20a%20#secret$@localhost/credits",
        "REDIS_URL": "redis://localhost:6379/3",
        "POLAR_SERVER": "sandbox",
        "POLAR_ACCESS_TOKEN": "polar_oat_mine",
        "POLAR_WEBHOOK_SECRET": secrets,
        "POLAR_CREDITS_PRO_PRODUCT_ID": "my-product",
    }
    settings = started(folder, **given, SHELL="/bin/sh")

    assert settings.replaced == ("DATABASE_URL", "REDIS_URL", "POLAR_SERVER")
    assert (folder.run / "webhook-secret").read_text() == secrets + "\n"
    monkeypatch.setenv("CREDITAPP_DATA", str(folder.path))
    read = load_settings()
    assert read.database_url == "postgresql+psycopg://me:it's%20a%20#secret$@localhost/credits"
    assert (read.redis_url, read.polar_server, read.polar_access_token) == (
        "redis://localhost:6379/3",
        "sandbox",
        "polar_oat_mine",
    )
    assert read.polar_webhook_secret == ("whsec_new", "polar_whs_old")
    assert read.product_ids["professional"] == "my-product"


def test_a_token_and_products_of_the_stand_in_are_never_shown_to_the_real_polar(folder: DataFolder) -> None:
    first = started(folder)
    first.values["POLAR_CREDITS_PRO_PRODUCT_ID"] = "of-the-stand-in"
    first.write(folder)

    real = started(folder, POLAR_SERVER="sandbox").values
    again = started(folder).values

    assert real["POLAR_ACCESS_TOKEN"] == ""
    assert "POLAR_CREDITS_PRO_PRODUCT_ID" not in real
    assert again["POLAR_ACCESS_TOKEN"] not in {"", first.values["POLAR_ACCESS_TOKEN"]}


def test_settings_of_a_folder_with_an_odd_name_are_read_back_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder(tmp_path / "it's a # folder")
    folder.hold()
    settings = started(folder)
    folder.release()

    monkeypatch.setenv("CREDITAPP_DATA", str(folder.path))
    assert load_settings().database_url == settings.values["DATABASE_URL"]
    assert load_settings().redis_url == settings.values["REDIS_URL"]


def test_the_socket_lies_in_a_private_folder_elsewhere_when_its_path_would_be_too_long(tmp_path: Path) -> None:
    short, long = DataFolder(tmp_path / "d"), DataFolder(tmp_path / ("d" * LONGEST_SOCKET_PATH))

    assert short.socket() == short.run / "valkey.sock"
    elsewhere = long.socket()
    assert len(str(elsewhere)) <= LONGEST_SOCKET_PATH
    assert elsewhere == long.socket()
    assert elsewhere.parent.stat().st_mode & 0o777 == 0o700
    long.remove_socket()
    assert not elsewhere.parent.exists()


def test_a_short_folder_that_others_may_enter_is_not_used_for_the_socket(tmp_path: Path) -> None:
    long = DataFolder(tmp_path / ("e" * LONGEST_SOCKET_PATH))
    expected = long.socket().parent
    expected.chmod(0o755)

    another = DataFolder(long.path)
    assert another.socket().parent != expected
    another.remove_socket()
    long.remove_socket()


def test_a_large_log_is_put_aside_before_more_is_written(folder: DataFolder) -> None:
    folder.log_path("web").write_bytes(b"x" * (5 * 1024 * 1024 + 1))

    with folder.log("web") as log:
        log.write(b"begun anew")

    assert folder.log_path("web").read_bytes() == b"begun anew"
    assert (folder.logs / "web.log.1").exists()


def test_reset_refuses_a_folder_that_is_not_ours_and_deletes_nothing(instance: Instance) -> None:
    instance.data.mkdir()
    (instance.data / "credits.sqlite").write_text("somebody's own")

    instance.start("--reset")

    assert instance.exit_code == 1
    assert "was not made by flask dev" in instance.words
    assert (instance.data / "credits.sqlite").read_text() == "somebody's own"


def test_reset_follows_no_link_out_of_the_folder(folder: DataFolder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    (folder.path / "mail").symlink_to(outside)
    (folder.path / "valkey").mkdir()

    folder.empty()

    assert (outside / "precious").exists()
    assert sorted(path.name for path in folder.path.iterdir()) == ["log", "run"]


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CannotStart, match=f"{tmp_path / 'file' / 'data'} can't be used"):
        DataFolder(tmp_path / "file" / "data").hold()


def test_the_two_ports_must_differ(instance: Instance) -> None:
    instance.polar_port = instance.port

    instance.start()

    assert (instance.exit_code, instance.words) == (
        1,
        "Error: --port and --polar-port must be two different ports.\n",
    )


def test_a_database_that_can_not_be_used_is_told_in_one_sentence_and_nothing_is_left_running(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "data", DATABASE_URL="mysql://localhost/credits")
    instance.start()

    assert instance.exit_code == 1
    assert "DATABASE_URL is wrong: must begin with sqlite:// or postgresql://" in instance.words
    assert "Traceback" not in instance.words
    assert instance.wait_until_gone(5) == {}
