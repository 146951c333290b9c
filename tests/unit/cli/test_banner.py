"""What the sandbox says when it is ready; its curl line is really run in test_sandbox."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from tkkpg.cli.banner import CARDS_SHOWN, banner, curl, trust
from tkkpg.cli.output import spaced
from tkkpg.sandbox.app import SandboxInfo
from tkkpg.sandbox.cards import test_cards as all_cards

HOME = Path("/srv/it's here")
INFO = SandboxInfo(
    exec_url="https://localhost:5443/Exec",
    page_url="https://localhost:8443/index.jsp",
    shop_url="http://localhost:8080",
    metrics_url="http://127.0.0.1:9464/metrics",
    acs_url="https://127.0.0.1:8444",
    merchant_id="E1000010",
    ca=HOME / "ca.pem",
    certificate=HOME / "merchants" / "E1000010" / "cert.pem",
    key=HOME / "merchants" / "E1000010" / "key.pem",
    database=HOME / "tkkpg.db",
    journal=HOME / "issuer.db",
    pid=1,
    issuer_pid=2,
    tunnel="",
)


def test_it_names_everything_that_a_developer_needs() -> None:
    told = banner(INFO, ())

    for value in (INFO.exec_url, INFO.page_url, INFO.shop_url, INFO.acs_url):
        assert value in told
    for path in (INFO.ca, INFO.certificate, INFO.key):
        assert str(path) in told
    assert "Ctrl-C" in told
    assert "--fresh" in told


def test_it_names_the_way_in_for_a_tunnel_where_there_is_one() -> None:
    tunnel = "http://127.0.0.1:8081/Exec"

    assert tunnel in banner(replace(INFO, tunnel=tunnel), ())
    assert "plain" not in banner(INFO, ())


def test_it_shows_the_six_most_used_cards() -> None:
    told = banner(INFO, ())

    shown = [card for card in all_cards() if spaced(card.pan) in told]
    assert len(shown) == CARDS_SHOWN
    assert shown[0].name == "approve"


def test_the_curl_line_is_one_line_that_a_shell_reads_as_meant() -> None:
    line = curl(INFO)

    words = shlex.split(line)
    assert "\n" not in line
    assert words[words.index("--cert") + 1] == str(INFO.certificate)
    assert words[-1] == INFO.exec_url


def test_the_hosts_file_is_spoken_of_only_with_a_host_name() -> None:
    assert "/etc/hosts" not in banner(INFO, ())
    names = ("tstpg.kapitalbank.az", "3dsrv.kapitalbank.az")
    assert "'127.0.0.1 tstpg.kapitalbank.az 3dsrv.kapitalbank.az'" in banner(INFO, names)


def test_a_browser_is_taught_to_trust_the_ca_by_the_means_of_its_system() -> None:
    ca = replace(INFO, ca=Path("/srv/ca.pem")).ca

    assert trust(ca, "linux").startswith("certutil ")
    assert trust(ca, "darwin").startswith("security add-trusted-cert ")
    assert trust(ca, "linux").endswith("/srv/ca.pem")
