import json
import shutil

import pytest

from seme.report.linearity import as_text, write_page
from seme.store import Store
from seme.studies.linearity import grid, study, surfaces

pytest.importorskip("plotly")


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


@pytest.mark.filterwarnings("ignore")  # the driver's own pipes, closed at exit
def test_the_page_opens_without_a_network_and_shows_the_numbers_of_the_json(result, tmp_path):
    api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    page_file = tmp_path / "page.html"
    write_page(result[0], [result[1]], page_file)
    errors, requests = [], []
    with api.sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(page_file.as_uri())
        data = json.loads(page.inner_text("#data") or page.text_content("#data"))
        shown = page.locator('#runs td[data-name="taylor_gap"]').all_inner_texts()
        drawn = page.evaluate(
            "document.getElementById('gap-plot').data.filter(d => d.error_y && d.error_y.array)"
            ".map(d => Array.from(d.y))"
        )
        plots = page.locator(".plotly-graph-div .main-svg").count()
        sections = page.locator(".plot").count()
        browser.close()
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert data == result[0]
    gaps = {(row["activation"], row["width"]): row["taylor_gap"]["value"] for row in data["runs"]}
    assert [text.split()[0] for text in shown] == [f"{row['taylor_gap']['value']:.3g}" for row in data["runs"]]
    assert drawn == [[gaps[name, 8], gaps[name, 16]] for name in ("gelu", "kmax:2")]
    assert sections == 6
    assert plots >= sections
