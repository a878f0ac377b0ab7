// The loading over time against its limit, with control and as it would have been without.
// plotly.js is large, so it comes after everything else; without it the rest of the page still works.

import { percent } from "../format.js";
import { h, setText } from "../parts/dom.js";
import { panel } from "../parts/panel.js";
import { state, subscribe } from "../store.js";
import { text } from "../strings.js";

const words = text.trend;
const APART_MS = 1000; // a chart of thousands of points is not worth redrawing more often

export function mountTrend(root) {
  const { body } = panel(root, words.title);
  const chart = h("div", { class: "chart", role: "img" });
  const note = h("p", { class: "empty" }, words.loading);
  body.append(chart, note);
  let drawnAt = -APART_MS;
  let shown = null;
  let later = null;

  function draw() {
    later = null;
    if (!window.Plotly || shown === state.trend) return;
    shown = state.trend;
    drawnAt = performance.now();
    note.hidden = true;
    chart.hidden = shown.length === 0;
    if (chart.hidden) return;
    chart.setAttribute("aria-label", summary(shown));
    window.Plotly.react(chart, tracesOf(shown), layoutOf(shown), { displayModeBar: false, responsive: true });
  }

  function redraw() {
    shown = null;
    draw();
  }

  load("/assets/plotly.min.js").then(redraw, () => setText(note, words.missing));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  subscribe(() => {
    if (later === null && shown !== state.trend) {
      later = setTimeout(draw, Math.max(0, APART_MS - (performance.now() - drawnAt)));
    }
  });
}

function load(source) {
  return new Promise((done, failed) => {
    document.head.append(h("script", { src: source, load: done, error: failed }));
  });
}

const most = (points, name) => Math.max(0, ...points.map((point) => point[name] ?? 0));

function summary(points) {
  const now = points.at(-1).transformer_loading_percent;
  return words.summary(
    percent(now),
    percent(most(points, "transformer_loading_percent")),
    percent(most(points, "without_control_percent")),
  );
}

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function tracesOf(points) {
  const x = points.map((point) => point.at.replace("Z", "")); // plotly shows the clock time it is given: UTC
  const trace = (name, said, line) => ({
    x, y: points.map((point) => point[name]), name: said, mode: "lines", line,
    hovertemplate: `%{y:.0f} %<extra>${said}</extra>`,
  });
  return [
    trace("without_control_percent", words.without, { color: token("--ghost"), width: 1.8, dash: "dot" }),
    trace("max_line_loading_percent", words.line, { color: token("--wire"), width: 1.3 }),
    trace("transformer_loading_percent", words.transformer, { color: token("--control"), width: 2.6 }),
  ];
}

function layoutOf(points) {
  const ink = token("--muted");
  const top = 1.08 * Math.max(110, ...["transformer_loading_percent", "max_line_loading_percent", "without_control_percent"]
    .map((name) => most(points, name)));
  const axis = { gridcolor: token("--hairline"), zeroline: false, linecolor: token("--hairline"), fixedrange: true };
  return {
    margin: { l: 46, r: 14, t: 8, b: 30 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "inherit", size: 12, color: ink },
    hovermode: "x unified",
    hoverlabel: { bgcolor: token("--panel"), bordercolor: token("--hairline"), font: { color: token("--ink") } },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 12 } },
    xaxis: { ...axis, type: "date", hoverformat: "%H:%M:%S", tickformat: "%H:%M", nticks: 8 },
    yaxis: { ...axis, range: [0, top], ticksuffix: " %" },
    shapes: [
      { type: "rect", xref: "paper", x0: 0, x1: 1, y0: 100, y1: top, line: { width: 0 }, fillcolor: token("--over"), opacity: 0.06 },
      { type: "line", xref: "paper", x0: 0, x1: 1, y0: 100, y1: 100, line: { color: token("--over"), width: 1.5, dash: "dash" } },
    ],
    annotations: [
      { xref: "paper", x: 0.004, xanchor: "left", y: 100, yanchor: "bottom", showarrow: false, text: `${words.limit} 100 %`,
        font: { size: 11, color: token("--over") } },
    ],
  };
}
