"""`seme read` from end to end, and its page in a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file

from seme.cli.commands.read import command
from seme.cli.main import main
from seme.read.run import read
from seme.report.geometry_page import JUDGED, figure, numbers, page, shown
from seme.report.writing import write_whole
from tests.read.models import write_model, write_whisper

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def read_once(minilm, tmp_path_factory):
    """MiniLM read once with everything asked for: the JSON and where the files are."""
    folder = tmp_path_factory.mktemp("page")
    asked = [str(minilm), "--json", "--html", str(folder / "page.html"), "--png", str(folder / "png")]
    result = CliRunner().invoke(command, asked, catch_exceptions=False)
    return json.loads(result.stdout), folder


def test_the_json_has_the_promised_keys(read_once):
    data, _ = read_once
    for table in ("all_rows", "without_row0"):
        explained = data["position"][table]["explained_variance"]
        assert explained == sorted(explained)
    assert set(data["tokens"]["energy_top_k"]) >= {"k", "value", "null", "interval"}
    assert all(sum(head["shares"].values()) == pytest.approx(1) for head in data["heads"])
    assert all({"claim", "answer", "because"} <= set(verdict) for verdict in data["verdicts"])
    answers = {verdict["claim"]: verdict["answer"] for verdict in data["verdicts"]}
    assert answers["helix, rings or neither"] == "rings"
    assert answers["avoids token directions"] == "yes"
    assert answers["lower-dimensional than a smooth curve"].startswith("no")
    assert answers["the residual stream ties the semantics, everything else is free"] == "yes"


def test_pngs_are_written(read_once):
    _, folder = read_once
    assert {file.stem for file in (folder / "png").iterdir()} == {
        "ring",
        "spectrum",
        "heads",
        "rank",
        "spaces",
    }


@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium package")
def test_the_page_works_in_a_browser_without_a_network(read_once):
    from playwright.sync_api import sync_playwright

    data, folder = read_once
    complaints, requests = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page()
        page.on(
            "console",
            lambda message: message.type in ("error", "warning") and complaints.append(message.text),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto((folder / "page.html").as_uri())
        page.wait_for_selector("body[data-ready=yes]")
        for path, _ in numbers(data):
            assert page.text_content(f'[data-path="{path}"]') == shown(figure(data, path)), path
        own, null = _moves(page)
        assert own != null, "the rotate button must change the cloud"
        page.select_option("#across", "2")
        assert page.evaluate("document.getElementById('ring').layout.xaxis.title.text") == "component 3"
        page.evaluate("document.getElementById('scrub').value = 7")
        page.dispatch_event("#scrub", "input")
        assert page.text_content("#at") == "8", "row 0 is left out: the eighth row kept is row 8"
        sums = page.evaluate(
            "(() => { const d = document.getElementById('maps').data; const at = d.map(t => t.z[2][1]);"
            " return [at[0], at.slice(1).reduce((a, b) => a + b, 0)]; })()"
        )
        assert sums[0] == pytest.approx(sums[1], abs=0.01)
        page.evaluate("openMaps('1.3')")
        assert "head 1.3" in page.text_content("#opened")
        page.select_option("#agreement", "2")
        browser.close()
    assert not complaints
    assert {url.split(":")[0] for url in requests} <= {"file", "data", "blob"}


def _moves(page) -> tuple[float, float]:
    """The first token's place in the cloud before and after the rotate button."""
    first = "document.getElementById('ring').data[0].x[0]"
    own = page.evaluate(first)
    page.click("#rotate")
    return own, page.evaluate(first)


@pytest.mark.parametrize("apart", [False, True])
def test_numbers_and_verdicts_are_of_one_table_and_positions_keep_their_rows(apart, tmp_path):
    table = torch.randn(16, 8, generator=torch.Generator().manual_seed(0))
    table[0] *= 9 if apart else 1
    table[5] *= 9
    tokens = torch.randn(40, 8, generator=torch.Generator().manual_seed(1))
    save_file({"pos": table, "tok": tokens}, tmp_path / "m.safetensors")
    reading = read(str(tmp_path / "m.safetensors"), position_key="pos", token_key="tok")
    data, rows = reading.plain(), [row for row in range(16) if row != 5 and not (apart and row == 0)]
    judged = "without_row0" if apart else "all_rows"
    assert data["position"]["judged"] == judged
    assert reading.pictures["cloud"]["rows"] == rows
    assert len(reading.pictures["cloud"]["positions"]) == len(rows)
    value = figure(data, f"position.{judged}.ring_score.value")
    assert value != figure(data, f"position.{'all_rows' if apart else 'without_row0'}.ring_score.value")
    assert (f"position.{judged}.ring_score.value", "best ring score") in numbers(data)
    assert f"best ring {value:.3g} " in data["verdicts"][1]["because"]
    assert f"Positions: {JUDGED[judged]}" in page(reading)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium package")
def test_maps_of_a_causal_head_leave_out_keys_it_cannot_see(tmp_path):
    from playwright.sync_api import sync_playwright

    write_model("gpt2", tmp_path / "m")
    asked = [str(tmp_path / "m"), "--quick", "--html", str(tmp_path / "p.html")]
    CliRunner().invoke(command, asked, catch_exceptions=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto((tmp_path / "p.html").as_uri())
        page.wait_for_selector("body[data-ready=yes]")
        seen = page.evaluate("document.getElementById('maps').data[0].z.map(row => row.map(v => v !== null))")
        browser.close()
    assert seen == [[key <= query for key in range(len(seen))] for query in range(len(seen))]


def test_quick_leaves_out_causal_tests_and_spaces(tmp_path):
    write_model("gpt2", tmp_path / "m")
    result = CliRunner().invoke(command, [str(tmp_path / "m"), "--quick", "--json"], catch_exceptions=False)
    data = json.loads(result.stdout)
    assert data["causal"] is None
    assert data["spaces"] is None
    assert data["heads"]
    assert "random tokens" in data["text"]


@pytest.mark.parametrize("family", ["opt", "roberta", "distilbert", "bert"])
def test_every_family_is_read_in_words(family, tmp_path):
    write_model(family, tmp_path / "m")
    result = CliRunner().invoke(command, [str(tmp_path / "m"), "--html", str(tmp_path / "p.html")])
    assert result.exit_code == 0, result.exception
    assert "three position components are enough" in result.stdout
    assert (tmp_path / "p.html").stat().st_size > 1e6


def test_a_vision_table_and_a_rotary_model_give_what_they_can(tmp_path):
    torch.manual_seed(0)
    save_file({"vit.embeddings.position_embeddings": torch.randn(1, 17, 32)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    data = json.loads(CliRunner().invoke(command, [str(tmp_path), "--json"], catch_exceptions=False).stdout)
    assert data["position"]["all_rows"]["rows"] == 17
    assert data["position"]["grid"]["p_above"] > 0.05, "random rows know nothing of the grid"
    assert data["tokens"] is None
    save_file({"model.embed_tokens.weight": torch.randn(30, 16)}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    data = json.loads(CliRunner().invoke(command, [str(tmp_path), "--json"], catch_exceptions=False).stdout)
    assert data["position"] is None
    assert any("no additive position table" in note for note in data["notes"])
    assert data["tokens_alone"]["measured"] == 30
    assert data["verdicts"] == []


def test_a_whisper_decoder_shows_its_first_attention_and_says_why_no_more(tmp_path):
    write_whisper(tmp_path)
    data = json.loads(CliRunner().invoke(command, [str(tmp_path), "--json"], catch_exceptions=False).stdout)
    assert {head["layer"] for head in data["heads"]} == {0}
    assert data["causal"] is None
    assert any("depends on sound" in note for note in data["notes"])


def test_tables_of_different_widths_are_not_compared(tmp_path):
    path = tmp_path / "any.safetensors"
    save_file({"p": torch.randn(12, 8), "t": torch.randn(40, 6)}, path)
    asked = [str(path), "--position-key", "p", "--token-key", "t", "--json"]
    data = json.loads(CliRunner().invoke(command, asked, catch_exceptions=False).stdout)
    assert data["tokens"] is None
    assert data["tokens_alone"]["vocabulary"] == 40
    assert any("not compared" in note for note in data["notes"])


@pytest.mark.parametrize(
    ("table", "tokens", "note"),
    [
        (torch.ones(8, 4) + 8 * torch.eye(8)[5][:, None], 20, "row 5 has a norm .* kept beside tokens"),
        (torch.eye(4), 20, "too few to leave one out"),
        (torch.eye(8, 4) + torch.eye(8, 4).flip(0), 2, "verdicts on positions use all rows"),
    ],
)
def test_tables_too_small_or_too_alike_are_measured_as_far_as_they_go(table, tokens, note, tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "any.safetensors"
    save_file({"p": table, "t": torch.randn(tokens, 4)}, path)
    asked = [str(path), "--position-key", "p", "--token-key", "t", "--json"]
    data = json.loads(CliRunner().invoke(command, asked, catch_exceptions=False).stdout)
    assert any(re.search(note, each) for each in data["notes"]), data["notes"]
    assert data["tokens"]["readout"]["index_by_dot"]["value"] <= 1


def _status(capsys, *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stop:
        main(["read", *arguments])
    return stop.value.code, capsys.readouterr().err


def test_bad_input_ends_in_the_house_form(tmp_path, capsys):
    assert _status(capsys, str(tmp_path))[0] == 4
    path = tmp_path / "any.safetensors"
    keys = ("--position-key", "p", "--token-key", "t")
    save_file({"p": torch.full((8, 4), float("nan")), "t": torch.ones(9, 4)}, path)
    status, words = _status(capsys, str(path), *keys)
    assert status == 4
    assert "NaN or infinity" in words
    assert "hint:" in words
    save_file({"p": torch.randn(8, 4), "t": torch.randn(9, 4)}, path)
    assert _status(capsys, str(path), *keys, "-k", "9")[0] == 2
    for option, value in (("--seed", "-1"), ("--threads", "0"), ("-k", "0")):
        status, words = _status(capsys, str(path), *keys, option, value)
        assert status == 2
        assert option in words
    save_file({"p": torch.randn(8, 2) @ torch.randn(2, 4), "t": torch.randn(9, 4)}, path)
    status, words = _status(capsys, str(path), *keys, "-k", "3")
    assert status == 2
    assert "rank 2" in words
    assert _status(capsys, str(path), "--position-key", "q")[0] == 2
    assert _status(capsys, str(path), *keys, "--html", str(tmp_path / "no" / "p.html"))[0] == 2
    save_file({"p": torch.randn(3, 4), "t": torch.randn(9, 4)}, path)
    status, words = _status(capsys, str(path), *keys)
    assert status == 4
    assert "expected at least 4" in words
    assert "hint:" in words


def test_a_text_that_is_not_utf_8_is_refused_and_not_guessed(tmp_path, capsys):
    write_model("gpt2", tmp_path / "m")
    (tmp_path / "t.txt").write_bytes("naïve".encode("latin-1"))
    status, words = _status(capsys, str(tmp_path / "m"), "--text", str(tmp_path / "t.txt"))
    assert status == 4
    assert "UTF-8" in words


def test_an_interrupted_write_leaves_no_half_file(tmp_path, monkeypatch):
    def interrupted(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "page.html", "half")
    assert not list(tmp_path.iterdir())


def _interrupted(code: str, ready, *arguments: str) -> tuple[int, str]:
    """Runs Python code in a process of its own, sends it SIGINT once `ready()` holds, gives status and stderr."""
    command = [sys.executable, "-c", code, *arguments]

    def heed() -> None:
        """A shell that runs the tests in the background has them, and what they start, ignore SIGINT."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=heed
    ) as process:
        try:
            limit = time.monotonic() + 300
            while not ready() and process.poll() is None and time.monotonic() < limit:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            _, words = process.communicate(timeout=120)
        finally:
            process.kill()
    return process.returncode, words


STARTED = """
import sys
from pathlib import Path
import seme.read.heads as heads
real = heads.measure_heads
def marked(*args, **more):
    Path(sys.argv[1]).touch()
    while True:
        real(*args, **more)
import seme.read.run
seme.read.run.measure_heads = marked
from seme.cli.main import main
main(sys.argv[2:])
"""


def test_ctrl_c_in_the_middle_of_a_read_leaves_no_file(tmp_path):
    write_model("gpt2", tmp_path / "m")
    out, mark = tmp_path / "out", tmp_path / "started"
    out.mkdir()
    asked = ["read", str(tmp_path / "m"), "--html", str(out / "p.html"), "--png", str(out / "png")]
    status, words = _interrupted(STARTED, mark.exists, str(mark), *asked)
    assert mark.exists()
    assert status == 130
    assert "Traceback" not in words
    assert not list(out.iterdir())


WRITING = """
import os, sys, time
from pathlib import Path
from seme.report.writing import write_whole
os.replace = lambda part, target: time.sleep(600)
write_whole(Path(sys.argv[1]), "half")
"""


def test_ctrl_c_while_the_page_is_written_leaves_the_old_one(tmp_path):
    target = tmp_path / "p.html"
    target.write_text("old")
    status, _ = _interrupted(WRITING, lambda: len(list(tmp_path.iterdir())) > 1, str(target))
    assert status != 0
    assert [file.name for file in tmp_path.iterdir()] == ["p.html"]
    assert target.read_text() == "old"
