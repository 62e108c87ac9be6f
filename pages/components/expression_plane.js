// Two variables: contour or surface of f, the gradient as arrows, the point, and the path of steepest descent.
// Drawn by Plotly into an element that stays; it is loaded when it is first needed.

import { html } from "./dom.js";
import { digits } from "./words.js";

let loading = null;
const ARROWS = 11; // arrows along each side

function plotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("plotly.js", import.meta.url).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

export class Plane {
  constructor(view) {
    this.view = view;
    this.plot = null;
  }

  async draw(answer, kind) {
    const { canvas, speak } = this.view;
    if (!answer.across) {
      canvas.replaceChildren(html("p", { class: "empty" }, speak("expressions.one")));
      return this.view.rows([], []);
    }
    if (!answer.field || !canvas.clientHeight) return;
    if (!this.plot?.isConnected) {
      this.plot = html("div", { class: "plot", role: "img" });
      canvas.replaceChildren(this.plot);
    }
    const gradient = [answer.axis, answer.across].map(({ variable, element }) => answer.variables.find((row) => row.name === variable).partial?.elements[element] ?? NaN);
    const [a, b] = this.here(answer);
    this.plot.setAttribute("aria-label", speak("expressions.contour.label", { first: answer.axis.name, second: answer.across.name, a: digits(a), b: digits(b), value: digits(answer.nudge?.before ?? NaN), da: digits(gradient[0]), db: digits(gradient[1]) }));
    this.table(answer);
    const Plotly = await plotly();
    if (!this.plot.isConnected || this.view.settings.view !== kind) return;
    const traces = kind === "contour" ? this.contour(answer) : this.surface(answer);
    if (this.kind !== kind) Plotly.purge(this.plot);
    this.kind = kind;
    await Plotly.react(this.plot, traces, this.layout(answer, kind), { displayModeBar: false, responsive: false });
    if (kind === "contour" && !this.plot.listening) {
      this.plot.listening = true;
      this.plot.addEventListener("pointerdown", (event) => this.dragged(event));
      this.plot.addEventListener("click", (event) => event.pointerType === "touch" && this.clicked(event));
    }
  }

  layout(answer, kind) {
    const { text, muted, line } = this.view.palette;
    const { canvas } = this.view;
    const axis = (title, range) => ({ title: { text: title, font: { color: muted, size: 12 }, standoff: 4 }, tickfont: { color: muted, size: 11 }, gridcolor: line, zerolinecolor: line, linecolor: line, automargin: true, range, autorange: false });
    const { xs, ys } = answer.field;
    const ends = [[xs[0], xs[xs.length - 1]], [ys[0], ys[ys.length - 1]]];
    const common = { width: canvas.clientWidth, height: canvas.clientHeight, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: text, size: 12, family: "inherit" }, margin: { l: 44, r: 8, t: 26, b: 38 }, uirevision: "one", legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", font: { size: 11, color: muted }, itemclick: false, itemdoubleclick: false } };
    if (kind === "contour") return { ...common, dragmode: false, hovermode: "closest", xaxis: axis(answer.axis.name, ends[0]), yaxis: axis(answer.across.name, ends[1]) };
    // WebGL writes its own letters: it inherits no font.
    const font = (color, size) => ({ color, size, family: "sans-serif" });
    const third = (title, range) => ({ title: { text: title, font: font(text, 14) }, tickfont: font(muted, 11), gridcolor: line, zerolinecolor: line, linecolor: line, range, autorange: false, backgroundcolor: "rgba(0,0,0,0)" });
    return { ...common, showlegend: true, margin: { l: 0, r: 0, t: 26, b: 0 }, scene: { xaxis: third(answer.axis.name, ends[0]), yaxis: third(answer.across.name, ends[1]), zaxis: { ...third("f"), autorange: true }, aspectmode: "cube", camera: { eye: { x: 1.35, y: -1.45, z: 1.2 }, center: { x: 0, y: 0, z: -0.12 } } } };
  }

  grid(answer) {
    const { xs, values, ys } = answer.field;
    const clean = Array.from(values, (one) => (Number.isFinite(one) ? one : null));
    return Array.from(ys, (_, row) => clean.slice(row * xs.length, (row + 1) * xs.length));
  }

  shades() {
    const { background, value } = this.view.palette;
    return [[0, mixed(value, background, 0.62)], [0.5, mixed(value, background, 0.24)], [1, background]];
  }

  here(answer) {
    return [answer.axis, answer.across].map((one) => answer.variables.find((row) => row.name === one.variable).elements[one.element]);
  }

  contour(answer) {
    const { speak, palette } = this.view;
    const { xs, ys } = answer.field;
    const z = this.grid(answer);
    const [a, b] = this.here(answer);
    const traces = [
      { type: "contour", x: Array.from(xs), y: Array.from(ys), z, colorscale: this.shades(), showscale: false, ncontours: 18, line: { color: mixed(palette.value, palette.background, 0.75), width: 0.8 }, hovertemplate: `${answer.axis.name} %{x:.4g}<br>${answer.across.name} %{y:.4g}<br>f %{z:.4g}<extra></extra>`, ...limits(z) },
      this.arrows(answer),
    ];
    if (answer.path) traces.push({ type: "scatter", mode: "lines+markers", x: answer.path.xs, y: answer.path.ys, name: this.ending(answer), line: { color: palette.text, width: 2 }, marker: { size: 7, color: palette.gradient, line: { color: palette.text, width: 1 } }, text: answer.path.values.map((one) => digits(one)), hovertemplate: "f %{text}<extra></extra>" });
    traces.push({ type: "scatter", mode: "markers", x: [a], y: [b], name: speak("expressions.point"), marker: { size: 14, color: palette.value, line: { color: palette.background, width: 2 } }, hoverinfo: "skip" });
    return traces;
  }

  ending(answer) {
    const { values } = answer.path;
    return this.view.speak("expressions.descent.end", { steps: values.length - 1, value: digits(values[values.length - 1]) });
  }

  // Arrows along the gradient, as long as it is strong; where it is no number there is none.
  arrows(answer) {
    const { speak, palette } = this.view;
    const { xs, ys, first, second } = answer.field;
    const [width, height] = [xs[xs.length - 1] - xs[0], ys[ys.length - 1] - ys[0]];
    const every = Math.floor((xs.length - 1) / (ARROWS - 1));
    const places = [];
    for (let row = 0; row < ys.length; row += every) for (let column = 0; column < xs.length; column += every) places.push([row, column]);
    // How strong it is as the picture shows it: axes of different reach are drawn equally long.
    const size = (place) => Math.hypot(first[place] / width, second[place] / height);
    const all = places.map(([row, column]) => size(row * xs.length + column)).filter(Number.isFinite).sort((one, other) => one - other);
    const most = all[Math.floor(all.length * 0.9)] || 1;
    const x = [], y = [];
    for (const [row, column] of places) {
      const place = row * xs.length + column;
      const strong = size(place);
      if (!Number.isFinite(strong) || strong === 0) continue;
      const length = (Math.min(strong / most, 1) * 0.85 * every) / (xs.length - 1);
      const dx = (first[place] / strong) * length, dy = (second[place] / strong) * length;
      const [tipX, tipY] = [xs[column] + dx, ys[row] + dy];
      const wing = (turn) => [tipX - 0.32 * (dx * Math.cos(turn) - dy * Math.sin(turn) * (width / height)), tipY - 0.32 * (dy * Math.cos(turn) + dx * Math.sin(turn) * (height / width))];
      const [left, right] = [wing(0.5), wing(-0.5)];
      x.push(xs[column], tipX, null, left[0], tipX, right[0], null);
      y.push(ys[row], tipY, null, left[1], tipY, right[1], null);
    }
    return { type: "scatter", mode: "lines", x, y, name: speak("expressions.gradient"), line: { color: palette.gradient, width: 1.6 }, hoverinfo: "skip" };
  }

  surface(answer) {
    const { speak, palette } = this.view;
    const { xs, ys } = answer.field;
    const z = this.grid(answer);
    const [a, b] = this.here(answer);
    const height = answer.nudge?.before;
    const floor = Math.min(...Array.from(answer.field.values).filter(Number.isFinite));
    const arrows = this.arrows(answer);
    const traces = [
      { type: "surface", x: Array.from(xs), y: Array.from(ys), z, colorscale: this.shades(), showscale: false, lighting: { ambient: 0.85, diffuse: 0.3, specular: 0.02 }, contours: { z: { show: true, color: palette.value, width: 1 } }, hovertemplate: "f %{z:.4g}<extra></extra>" },
      { type: "scatter3d", mode: "markers", x: [a], y: [b], z: [height], name: speak("expressions.point"), marker: { size: 6, color: palette.value, line: { color: palette.background, width: 2 } }, hoverinfo: "skip" },
      { ...arrows, type: "scatter3d", z: arrows.x.map(() => floor), line: { color: palette.gradient, width: 3 } },
    ];
    if (answer.path) traces.push({ type: "scatter3d", mode: "lines+markers", x: answer.path.xs, y: answer.path.ys, z: answer.path.values, name: this.ending(answer), line: { color: palette.text, width: 4 }, marker: { size: 3, color: palette.gradient } });
    return traces;
  }

  // The point follows the hand from where it is put down; a finger only taps, since it scrolls the page by dragging.
  dragged(event) {
    if (this.kind !== "contour" || event.button || event.pointerType === "touch") return;
    const move = (moved) => this.clicked(moved);
    const end = () => { window.removeEventListener("pointermove", move); window.removeEventListener("pointerup", end); window.removeEventListener("pointercancel", end); };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
    this.clicked(event);
  }

  clicked(event) {
    if (this.kind !== "contour") return;
    const { answer } = this.view;
    const layout = this.plot._fullLayout;
    const box = this.plot.getBoundingClientRect();
    const number = (axis, pixel) => axis.p2c(pixel - axis._offset);
    const a = number(layout.xaxis, event.clientX - box.left), b = number(layout.yaxis, event.clientY - box.top);
    const inside = (value, ends) => value >= Math.min(...ends) && value <= Math.max(...ends);
    if (!inside(a, layout.xaxis.range) || !inside(b, layout.yaxis.range)) return;
    this.view.move(answer.axis.variable, answer.axis.element, Number(a.toPrecision(4)));
    this.view.move(answer.across.variable, answer.across.element, Number(b.toPrecision(4)));
  }

  table(answer) {
    const { xs, ys, values } = answer.field;
    const chosen = [0, 10, 20, 30, 40, 50, 60];
    const rows = chosen.map((row) => [digits(ys[row], 3), ...chosen.map((column) => digits(values[row * xs.length + column], 3))]);
    this.view.rows([`${answer.across.name} \\ ${answer.axis.name}`, ...chosen.map((column) => digits(xs[column], 3))], rows);
  }

  close() {
    if (this.plot && window.Plotly) window.Plotly.purge(this.plot);
  }
}

function mixed(one, other, share) {
  const channel = (colour, place) => parseInt(colour.slice(place, place + 2), 16);
  const mix = (place) => Math.round(channel(one, place) * share + channel(other, place) * (1 - share)).toString(16).padStart(2, "0");
  return `#${mix(1)}${mix(3)}${mix(5)}`;
}

// Beside a pole a few samples would take all the levels.
function limits(grid) {
  const all = grid.flat().filter((one) => one !== null).sort((one, other) => one - other);
  if (!all.length) return {};
  const [low, high] = [all[Math.floor(all.length * 0.02)], all[Math.floor(all.length * 0.98)]];
  return high > low ? { zmin: low, zmax: high } : {};
}
