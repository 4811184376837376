"use strict";
// Draws a reading into the page. Everything it shows is in the JSON of the page; nothing is fetched.
const data = JSON.parse(document.getElementById("data").textContent);
const { reading, pictures, terms } = data;
const quiet = { displayModeBar: false, responsive: true };
const byId = (name) => document.getElementById(name);
const layout = (across, up, more) => Object.assign(
  { margin: { t: 20, r: 20 }, xaxis: { title: { text: across } }, yaxis: { title: { text: up } } }, more);

function fill(select, names, chosen) {
  names.forEach((name, index) => select.add(new Option(name, index, false, index === chosen)));
}

function drawCloud() {
  const cloud = pictures.cloud;
  const count = cloud.positions[0].length;
  const names = Array.from({ length: count }, (_, index) => `component ${index + 1}`);
  let turned = false;
  fill(byId("across"), names, 0);
  fill(byId("up"), names, Math.min(1, count - 1));
  byId("scrub").max = cloud.positions.length - 1;
  const column = (rows, index) => rows.map((row) => row[index]);
  const draw = () => {
    const [a, b] = [Number(byId("across").value), Number(byId("up").value)];
    const at = Number(byId("scrub").value);
    const tokens = turned ? cloud.tokens_rotated : cloud.tokens;
    byId("at").textContent = cloud.rows[at];
    byId("rotated").textContent = turned ? "tokens in random directions (the null)" : "tokens as they are";
    Plotly.react("ring", [
      { x: column(tokens, a), y: column(tokens, b), mode: "markers", name: "tokens",
        marker: { size: 4, color: "#bbb" } },
      { x: column(cloud.positions, a), y: column(cloud.positions, b), mode: "lines+markers", name: "positions",
        text: cloud.rows.map((row) => `position ${row}`), hoverinfo: "text+x+y", line: { width: 1, color: "#1f5fa8" }, marker: { size: 3 } },
      { x: [cloud.positions[at][a]], y: [cloud.positions[at][b]], mode: "markers", name: `position ${cloud.rows[at]}`,
        marker: { size: 12, color: "#d1431f" } },
    ], layout(names[a], names[b], { yaxis: { scaleanchor: "x", title: { text: names[b] } } }), quiet);
  };
  ["across", "up"].forEach((name) => byId(name).addEventListener("change", draw));
  byId("scrub").addEventListener("input", draw);
  byId("rotate").addEventListener("click", () => { turned = !turned; draw(); });
  draw();
}

function drawPositions() {
  const table = reading.position[reading.position.judged];
  const periods = table.spectrum.map((_, index) => table.rows / (index + 1));
  Plotly.newPlot("spectrum", [{ x: periods, y: table.spectrum, mode: "lines", name: "share of variance" }],
    layout("period in tokens", "share of variance", {
      xaxis: { type: "log", title: { text: "period in tokens" } },
      yaxis: { type: "log", title: { text: "share of variance" } },
      shapes: table.bands.map((band) => ({ type: "rect", yref: "paper", y0: 0, y1: 1, line: { width: 0 },
        x0: band.shortest * 0.98, x1: band.longest * 1.02, fillcolor: "rgba(209,67,31,.15)" })),
    }), quiet);
  const counts = Object.keys(table.against.random_walk);
  const nulls = Object.entries(table.against).map(([name, found]) => ({
    x: counts, y: counts.map((k) => found[k].null), name: name.replaceAll("_", " "), mode: "lines+markers",
    error_y: { type: "data", symmetric: false,
      array: counts.map((k) => found[k].null_interval[1] - found[k].null),
      arrayminus: counts.map((k) => found[k].null - found[k].null_interval[0]) } }));
  const own = { x: counts, y: counts.map((k) => table.explained_variance[k - 1]), name: "this table",
    mode: "lines+markers", line: { width: 3 } };
  Plotly.newPlot("variance", [own, ...nulls], layout("components", "share of variance"), quiet);
  Plotly.newPlot("similarity", [
    { y: table.similarity, name: "this table", mode: "lines" },
    { y: table.sinusoidal, name: "sinusoidal", mode: "lines" },
  ], layout("distance in tokens", "mean cosine"), quiet);
}

function spread(effects) {
  return { type: "data", symmetric: false, array: effects.map((each) => each.interval[1] - each.cost),
    arrayminus: effects.map((each) => each.cost - each.interval[0]) };
}

function drawCausal() {
  const report = reading.causal;
  const unit = report.measure === "loss" ? "change of loss (nats)" : "share of output variance changed";
  const of = (name) => report.effects.filter((each) => each.change === name);
  const line = (name, words) => ({ x: of(name).map((each) => each.amount), y: of(name).map((each) => each.cost),
    name: words, mode: "lines+markers", error_y: spread(of(name)) });
  Plotly.newPlot("rank", [line("truncate", "keep the top k"), line("remove_top", "remove the top k"),
    line("remove_random", "remove k random")], layout("components", unit), quiet);
  const others = report.effects.filter((each) => ["shift", "permute", "rotate", "delete"].includes(each.change));
  const at = (each) => each.layer === null ? "" : ` in layer ${each.layer}`;
  Plotly.newPlot("effects", [{ type: "bar", x: others.map((each) => `${each.change} ${each.amount}${at(each)}`),
    y: others.map((each) => each.cost), error_y: spread(others) }],
    layout("", unit, { margin: { t: 20, b: 140 } }), quiet);
}

function openMaps(name) {
  const head = pictures.maps.heads[name];
  const words = pictures.maps.words.map((word, index) => `${index} ${word}`);
  const names = ["sum", ...terms];
  const hidden = (z) => pictures.maps.causal ? z.map((row, q) => row.map((v, k) => (k > q ? null : v))) : z;
  const limit = Math.max(...names.flatMap((term) => head[term].flat().map(Math.abs)));
  byId("opened").textContent = `head ${name}: nine terms and their sum, query down, key across (logits)`;
  const traces = names.map((term, index) => ({ type: "heatmap", z: hidden(head[term]), zmin: -limit, zmax: limit,
    colorscale: "RdBu", showscale: index === 0, xaxis: `x${index + 1}`, yaxis: `y${index + 1}`,
    hovertemplate: "%{y} → %{x}: %{z}<extra>" + term + "</extra>", x: words, y: words }));
  const shape = { grid: { rows: 2, columns: 5, pattern: "independent" }, margin: { t: 40 }, annotations: [] };
  names.forEach((term, index) => {
    shape[`xaxis${index + 1}`] = { showticklabels: false };
    shape[`yaxis${index + 1}`] = { showticklabels: false, autorange: "reversed" };
    shape.annotations.push({ text: term, showarrow: false, xref: `x${index + 1} domain`,
      yref: `y${index + 1} domain`, x: 0.5, y: 1.1 });
  });
  Plotly.react("maps", traces, shape, quiet);
}

function drawHeads() {
  const names = reading.heads.map((head) => `${head.layer}.${head.head}`);
  const bars = terms.map((term) => ({ type: "bar", name: term, x: names.map((name) => `h${name}`),
    y: reading.heads.map((head) => head.shares[term]),
    hovertext: reading.heads.map((head) => {
      const [low, high] = head.against[term].null_interval.map((end) => end.toFixed(3));
      return `${head.kind}, deviation ${head.deviation.toFixed(2)}<br>positions shuffled: ${low} to ${high}`;
    }) }));
  Plotly.newPlot("heads", bars, layout("head", "share of the score's variance", { barmode: "relative" }), quiet);
  byId("heads").on("plotly_click", (event) => openMaps(event.points[0].x.slice(1)));
  openMaps(names[0]);
}

function drawSpaces() {
  const { agreement, decomposition } = reading.spaces;
  const kinds = { "same basis": "same_basis", "same basis, shuffled": "null_basis",
    "best rotation": "best_rotation", "best rotation, shuffled": "null_rotation" };
  const picks = { "of the stream": (name) => /resid|embed|final/.test(name),
    "of heads": (name) => name.includes(".attn."), all: () => true };
  Plotly.newPlot("parts", ["position", "context", "residual"].map((part) => ({ type: "bar", name: part,
    x: decomposition.map((each) => each.name), y: decomposition.map((each) => each[part]) })),
    layout("", "share of variance", { barmode: "relative", margin: { t: 20, b: 150 } }), quiet);
  fill(byId("agreement"), Object.keys(kinds), 0);
  fill(byId("nodes"), Object.keys(picks), 0);
  const draw = () => {
    const matrix = agreement[Object.values(kinds)[byId("agreement").value]];
    const keep = agreement.names.map((name, index) => [name, index])
      .filter(([name]) => Object.values(picks)[byId("nodes").value](name));
    const names = keep.map(([name]) => name);
    Plotly.react("matrix", [{ type: "heatmap", x: names, y: names, zmin: -1, zmax: 1, colorscale: "RdBu",
      z: keep.map(([, i]) => keep.map(([, j]) => matrix[i][j])) }],
      { margin: { l: 200, b: 200, t: 10 }, yaxis: { autorange: "reversed" } }, quiet);
  };
  ["agreement", "nodes"].forEach((name) => byId(name).addEventListener("change", draw));
  draw();
}

if (byId("ring")) drawCloud();
if (byId("spectrum")) drawPositions();
if (byId("rank")) drawCausal();
if (byId("heads")) drawHeads();
if (byId("matrix")) drawSpaces();
document.body.dataset.ready = "yes";
