import json
import re
import shutil

import pytest

from seme.core.errors import FolderError
from seme.report.linearity import COLUMNS, as_text, write_page
from seme.store import Store
from seme.studies.linearity import study, surfaces
from seme.studies.settings import grid


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    configurations = grid(seeds=2, widths=(8, 16), activations=("gelu", "kmax:2"), steps=30)
    with Store(tmp_path_factory.mktemp("page") / "runs.db") as store:
        return study(configurations, store, workers=1), surfaces(configurations[0], points=5)


def test_the_table_has_a_line_per_setting_and_slope(result):
    lines = as_text(result[0], as_json=False).splitlines()
    assert len(lines) == 4 + 2
    assert "expected -1" in lines[-2]
    assert json.loads(as_text(result[0], as_json=True)) == result[0]


def test_classes_are_shown_with_their_accuracy_and_the_step_of_each_event(tmp_path):
    configurations = grid(seeds=1, widths=(64,), activations=("square",), task="modular", size=5, steps=128, stop=0.0)
    with Store(tmp_path / "runs.db") as store:
        found = study(configurations, store, workers=1)
    event = found["runs"][0]["events"]["memorised"][0]
    shown = as_text(found, as_json=False).splitlines()[1]
    assert f"memorised {event}" in shown
    assert "generalised never" in shown


def test_a_page_that_cannot_be_written_is_a_clear_error(result, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="cannot write"):
        write_page(result[0], [], tmp_path / "file" / "page.html")


@pytest.mark.filterwarnings("ignore")  # the driver's own pipes, closed at exit
def test_the_page_opens_without_a_network_and_shows_the_numbers_of_the_json(result, tmp_path):
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Debian's chromium package")
    page_file = tmp_path / "page.html"
    write_page(result[0], [result[1]], page_file)
    errors, requests = [], []
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(page_file.as_uri())
        data = json.loads(page.inner_text("#data") or page.text_content("#data"))
        shown = {n: page.locator(f'#runs td[data-name="{n}"]').all_inner_texts() for n, _ in COLUMNS}
        slopes = page.locator('#slopes td[data-name="slope"]').all_inner_texts()
        drawn = page.evaluate(
            "document.getElementById('gap-plot').data.filter(d => d.error_y && d.error_y.array)"
            ".map(d => Array.from(d.y))"
        )
        surface = page.evaluate("document.getElementById('surfaces-plot').data.map(d => [d.type, d.z[0][0]])")
        plots = page.locator(".plotly-graph-div .main-svg").count()
        sections = page.locator(".plot").count()
        browser.close()
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert data == result[0]
    gaps = {(row["activation"], row["width"]): row["taylor_gap"]["value"] for row in data["runs"]}
    for name, texts in shown.items():
        expected = [[row[name]["value"], *row[name]["interval"]] for row in data["runs"]]
        assert [re.findall(r"[^\s\[\],]+", text) for text in texts] == [[f"{n:.3g}" for n in ns] for ns in expected]
    fitted = [[slope["slope"]["value"], *slope["slope"]["interval"]] for slope in data["slopes"]]
    assert len(slopes) == 2
    assert [re.findall(r"[^\s\[\],]+", text) for text in slopes] == [[f"{n:.3g}" for n in ns] for ns in fitted]
    assert drawn == [[gaps[name, 8], gaps[name, 16]] for name in ("gelu", "kmax:2")]
    assert [kind for kind, _ in surface] == ["surface"] * 4
    corners = [result[1][name][0][0] for name in ("target", "network", "taylor", "linear")]
    assert [corner for _, corner in surface] == pytest.approx(corners)
    assert sections == 6
    assert plots >= sections
