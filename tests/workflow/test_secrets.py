"""Passwords and tokens of addresses are in the config and nowhere else."""

import pytest
import yaml

from conftest import snakemake
from localbg.core import files
from localbg.io import addresses
from localbg.workflow.plan import PlanError, make_plan
from small_study import NO_FIGURES, configure, spotted, table
from web_server import content, serving, status

pytestmark = pytest.mark.long

PASSWORD, TOKEN, SIGNATURE = "pa55w0rd", "t0ken-of-mine", "51gnature"


def attack(case, outcome):
    return pytest.mark.attack(kind="web", case=case, outcome=outcome)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://host/a.tif", "https://host/a.tif"),
        ("https://me:pass@host:8080/a.tif", "https://host:8080/a.tif"),
        ("https://me:p@ss@host/v1@2/a.tif", "https://host/v1@2/a.tif"),
        ("http://host/a.tif?sig=x%2B1&sv=2", "http://host/a.tif?sig=…&sv=…"),
        ("http://host/a.tif?secret", "http://host/a.tif?…"),
        ("http://host/a.tif?a=1;b=2", "http://host/a.tif?a=…;b=…"),
        ("http://host/a.tif?t=a=b", "http://host/a.tif?t=…"),
        ("http://host/a.tif#access_token=x", "http://host/a.tif#…"),
        ("HTTPS://me:pass@Host/a.tif", "https://Host/a.tif"),
        ("http://me:pa/ss@host/a.tif", "http://…"),
        ("raw/a.tif?x=1", "raw/a.tif?x=1"),
    ],
)
@attack("a password or token in an address", "shown without it: https://host/a.tif?token=…")
def test_addresses_are_shown_without_secrets(address, shown):
    assert addresses.redacted(address) == shown
    assert addresses.redacted(shown) == shown


def test_messages_are_shown_without_secrets():
    text = "images: 'http://me:x@h/a?t=y' and https://h/b?s=z or http://h/c"
    assert addresses.redacted_text(text) == (
        "images: 'http://h/a?t=…' and https://h/b?s=… or http://h/c"
    )


@pytest.mark.parametrize(
    "images",
    [
        f"http://me:{PASSWORD}@host/list.csv",
        f"http://me:{PASSWORD}@host/*.tif",
        [f"http://host/a.tif?token={PASSWORD}"],
        {"a b": f"http://host/a.tif?token={PASSWORD}"},
        {"a": {"path": f"http://host/a.tif?token={PASSWORD}", "truht": f"http://h/?t={PASSWORD}"}},
        {"a": {"path": "http://host/a.tif", "truth": f"http://me:{PASSWORD}@host/a.csv"}},
    ],
)
@attack("a config with a mistake and a password", "the message about the mistake hides it")
def test_messages_about_the_config_hide_secrets(images):
    with pytest.raises(PlanError) as error:
        raise PlanError(make_plan({"images": images}).missing_files())
    assert PASSWORD not in str(error.value)
    assert "one problem" in str(error.value)


def test_a_signature_of_the_base_goes_behind_the_path():
    base = "https://host/plate/?sv=1&sig=x"
    assert addresses.joined(base, "a.tif") == "https://host/plate/a.tif?sv=1&sig=x"
    assert addresses.joined(base, "a.tif?sig=y") == "https://host/plate/a.tif?sig=y"


@attack("a config from provenance.yaml, without its secrets", "refused before any download")
def test_a_secret_that_was_left_out_is_asked_for():
    with pytest.raises(PlanError, match=r"a\.tif\?token=… has its secrets left out"):
        make_plan({"images": {"a": "http://host/a.tif?token=…"}})


def prepare(folder, mode, address):
    """A study whose images lie behind a password, a token and a signature."""
    login = address.replace("//", f"//me:{PASSWORD}@")
    rows = {
        "a": {"path": "a.tif"},
        "b": {"path": f"{address}/b.tif?token={TOKEN}"},
        "gone": {"path": f"gone.tif?sig={SIGNATURE}"},
        "wrong": {"path": f"http://me:{PASSWORD}@127.0.0.1:1/x.tif?token={TOKEN}"},
    }
    config = {"images": rows, "base": login, "compare": ["median"], "max_failed": 2}
    if mode == "batch":
        sheet = "".join(f"{name},{row['path']}\n" for name, row in rows.items())
        (folder / "images.csv").write_text(f"image,path\n{sheet}", encoding="utf-8")
        config["images"] = "images.csv"
    configure(folder, config | {"run": {"mode": mode, "images_per_job": 1}})


@pytest.mark.parametrize("mode", ["steps", "batch"])
@attack("images behind passwords and tokens", "in no table, log, record or report, nor on screen")
def test_secrets_stay_in_the_config(tmp_path, mode):
    spotted(tmp_path / "a.tif")
    body = (tmp_path / "a.tif").read_bytes()
    routes = {"/a.tif": content(body), "/b.tif": content(body), "/gone.tif": status(404)}
    with serving(routes) as server:
        prepare(tmp_path, mode, server.address)
        targets = ["results/complete", "results/provenance.json"] if mode == "steps" else NO_FIGURES
        said = snakemake(tmp_path, *targets, "-p", "--show-failed-logs", "--verbose")
        if mode == "steps":
            said += snakemake(tmp_path, *targets, "-n", "-p", "--forceall")
            said += snakemake(tmp_path, *NO_FIGURES, "--report", tmp_path / "report.html")
    sent = {path: headers.get("Authorization", "") for path, headers in server.headers_sent}
    assert sent["/a.tif"].startswith("Basic ")
    assert f"/b.tif?token={TOKEN}" in sent

    given = {tmp_path / "config.yaml", tmp_path / "images.csv"}
    for secret in (PASSWORD, TOKEN, SIGNATURE):
        assert secret not in said
        for path in tmp_path.rglob("*"):
            if path.is_file() and path not in given:
                assert secret.encode() not in path.read_bytes(), path
    rows = {row["image"]: row for row in table(tmp_path, "images")}
    assert rows["a"]["path"] == f"{server.address}/a.tif"
    assert rows["b"]["path"] == f"{server.address}/b.tif?token=…"
    reasons = {row["image"]: row["reason"] for row in table(tmp_path, "failures")}
    assert reasons == {
        "gone": f"there is nothing at {server.address}/gone.tif?sig=… (404 Not Found)",
        "wrong": "http://127.0.0.1:1/x.tif?token=… can't be reached: Connection refused; "
        "tried 3 times",
    }

    if mode == "steps":
        text = (tmp_path / "results" / "provenance.yaml").read_text(encoding="utf-8")
        assert yaml.safe_load(text)["base"] == server.address
        command = files.read_json(tmp_path / "results" / "provenance.json")["command"]
        places = ["base", "images, b", "images, gone", "images, wrong"]
        assert "".join(f"# - {place}\n" for place in places) in text
        assert command.endswith(
            "  # first put the secrets of addresses back into results/provenance.yaml: "
            + "; ".join(places)
        )


def test_a_config_without_secrets_is_recorded_as_it_is():
    config = {"base": "http://host/raw", "images": {"a": {"path": "a.tif", "group": "#1"}}}
    assert addresses.redacted_config(config) == (config, [])
    shown, places = addresses.redacted_config(config | {"base": "http://me:x@host/raw?sig=y"})
    assert (shown["base"], places) == ("http://host/raw?sig=…", ["base"])


@attack("ftp, s3 or http with a slash too few, with a password", "refused without the password")
@pytest.mark.parametrize(
    "address", ["ftp://u:PW@h/a.tif", "s3://K:PW@b/a.tif", "http:/u:PW@h/a.tif"]
)
def test_other_addresses_are_refused_without_their_secrets(address):
    with pytest.raises(PlanError) as error:
        make_plan({"images": {"a": address}})
    assert "expected a file, or an address with http(s)://" in str(error.value)
    assert "PW" not in str(error.value)
    with pytest.raises(PlanError) as error:
        make_plan({"images": {"a": "a.tif"}, "results": address})
    assert "expected a folder on this machine" in str(error.value)
    assert "PW" not in str(error.value)


def test_parameters_of_a_path_are_secrets_too():
    address = "https://h/a;jsess=PW;v=2/b.tif"
    assert addresses.redacted(address) == "https://h/a;jsess=…;v=…/b.tif"
