// The four charts of a training run, drawn by Plotly into elements that stay: react() updates in place, nothing flickers.
// Values are blue, gradients and losses orange, the exact answer green; dashes and markers say the same without colour.

const MOST = 700; // points of one line on screen; more than pixels would be drawn over each other
const HEADER = 34; // pixels of a chart that its title and buttons lie over
const KEYS = 19; // pixels of a row of its legend
let loading = null;

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

export function charts(elements, choose) {
  return new Charts(elements, choose);
}

class Charts {
  constructor(elements, choose) {
    this.elements = elements;
    this.choose = choose;
    this.solid = false;
    this.distant = false;
    this.versions = {};
    this.loaded = false;
    plotly().then(() => {
      this.loaded = true;
      if (this.last) this.draw(...this.last);
    });
    this.sizes = new ResizeObserver(() => {
      if (!this.loaded) return;
      for (const element of Object.values(this.elements)) if (element.data && element.isConnected) window.Plotly.Plots.resize(element);
    });
    this.sizes.observe(elements.fit);
  }

  reset(data, palette) {
    this.data = data;
    this.palette = palette;
    this.family = getComputedStyle(this.elements.fit).fontFamily; // Plotly measures with it and sets its own otherwise
    const { z, first } = data.known;
    this.grid = data.known.second.map((_, index) => z.slice(index * first.length, (index + 1) * first.length));
    // An exact fit has a loss of rounding noise: without a floor its logarithm would take all the levels.
    this.floor = Math.max(1e-12, data.known.answerLoss || 0, Math.max(...z.filter((value) => value !== null)) * 1e-5);
    this.logs = this.grid.map((line) => line.map((value) => (value === null ? null : Math.log10(Math.max(value, this.floor)))));
  }

  turn() { this.solid = !this.solid; }

  swap() { this.distant = !this.distant; }

  // Rows up to the one being played, and the one shown.
  draw(rows, row, whole) {
    this.last = [rows, row, whole];
    if (!this.loaded || !this.data) return;
    const thin = thinned(rows);
    this.fit(row);
    this.bowl(thin, row);
    this.loss(thin, row);
    this.parameters(thin, row);
  }

  layout(x, y, more = {}) {
    const { text, muted, line } = this.palette;
    const axis = (title) => ({
      title: { text: title, font: { color: muted, size: 11 }, standoff: 6 }, tickfont: { color: muted, size: 11 },
      gridcolor: fade(line, 0.55), zerolinecolor: fade(line, 0.9), linecolor: line, nticks: 7, exponentformat: "power", minexponent: 5,
    });
    const { xaxis, yaxis, ...rest } = more;
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: text, size: 11, family: this.family },
      margin: { l: 46, r: 12, t: HEADER, b: 38 }, showlegend: true, uirevision: this.data.token, hovermode: "closest",
      hoverlabel: { font: { family: this.family, size: 12 } },
      xaxis: { ...axis(x), ...xaxis }, yaxis: { ...axis(y), automargin: true, ...yaxis }, ...rest,
    };
  }

  // The legend stands between the title and the buttons where it has room there, else in rows of its own below them.
  legend(element, traces, margin) {
    const header = element.parentElement.querySelector("header");
    const [title, ...buttons] = header.children;
    const left = title.offsetLeft + title.offsetWidth + 10;
    const right = buttons.find((one) => one.offsetWidth)?.offsetLeft ?? header.offsetWidth - 8;
    const named = traces.filter((one) => one.showlegend !== false);
    const needed = named.reduce((sum, one) => sum + 52 + [...(one.name ?? "")].reduce((wide, letter) => wide + (letter > "\u2e80" ? 11 : 5.6), 0), 0);
    const style = { orientation: "h", xref: "container", yref: "container", yanchor: "top", font: { size: 11, color: this.palette.muted },
      bgcolor: "rgba(0,0,0,0)", itemclick: false, itemdoubleclick: false };
    const [width, height] = [element.clientWidth || 1, element.clientHeight || 1];
    if (needed <= right - left) return { legend: { ...style, x: (right - 6) / width, xanchor: "right", y: 1 - 1 / height }, margin };
    const rows = Math.ceil(needed / (width - margin.l - margin.r));
    return { legend: { ...style, x: margin.l / width, xanchor: "left", y: 1 - HEADER / height }, margin: { ...margin, t: HEADER + rows * KEYS } };
  }

  put(name, traces, layout) {
    const element = this.elements[name];
    window.Plotly.react(element, traces, { ...layout, ...this.legend(element, traces, layout.margin) }, { displayModeBar: false, responsive: false, doubleClick: "reset", scrollZoom: false });
  }

  // One feature: the line over the points. Several: predicted against true, where the exact fit would be the diagonal.
  fit(row) {
    const { known, names, texts } = this.data;
    const { value, gradient, true: green, muted } = this.palette;
    const width = names.length;
    const theta = row.slice(2, 2 + width);
    const predict = (parameters, line) => line.reduce((sum, x, index) => sum + x * parameters[index], parameters[width - 1]);
    const single = width === 2;
    const guesses = known.rows.map((line) => predict(theta, line));
    const xs = single ? known.rows.map((line) => line[0]) : known.y;
    const ys = single ? known.y : guesses;
    const [low, high] = extent(xs);
    const pad = (high - low || 1) * (this.pen.on ? 0.25 : 0.04); // a pen needs room for points apart from the others
    const ends = this.pen.held ? this.ends : [low - pad, high + pad];
    this.ends = ends;
    const sampled = known.count > known.rows.length ? ` (${known.rows.length.toLocaleString()} / ${known.count.toLocaleString()})` : "";
    const sticks = { x: [], y: [] };
    const stride = Math.ceil(xs.length / 150);
    for (let index = 0; index < xs.length; index += stride) {
      sticks.x.push(xs[index], xs[index], null);
      sticks.y.push(single ? known.y[index] : known.y[index], guesses[index], null);
    }
    const line = single ? ends.map((x) => predict(theta, [x])) : ends;
    const answer = single ? ends.map((x) => predict(known.answer, [x])) : ends;
    const [bottom, top] = extent(single ? [...known.y, ...answer] : [...known.y, ...known.rows.map((one) => predict(known.answer, one))]);
    const room = (top - bottom || 1) * (this.pen.on ? 0.3 : 0.12);
    this.heights = this.pen.held ? this.heights : [bottom - room, top + room]; // the plane stands still under a drag
    this.put("fit", [
      { x: sticks.x, y: sticks.y, mode: "lines", name: texts.residual, line: { color: fade(gradient, 0.55), width: 1 }, hoverinfo: "skip" },
      { x: ends, y: answer, mode: "lines", name: texts.answer, line: { color: green, width: 2, dash: "dash" }, hoverinfo: "skip" },
      { x: xs, y: ys, mode: "markers", name: texts.points + sampled, marker: { color: fade(muted, 0.75), size: xs.length > 200 ? 4 : 7 } },
      ...(single ? [{ x: ends, y: line, mode: "lines", name: texts.line, line: { color: value, width: 3 } }] : []),
    ], this.layout(single ? known.features[0] : known.target, single ? known.target : texts.predicted,
      { xaxis: { range: ends }, yaxis: { range: this.heights } }));
  }

  bowl(rows, row) {
    const { known, names, texts, kept } = this.data;
    const { value, gradient, true: green, text, background } = this.palette;
    const [first, second] = known.axes;
    const width = names.length;
    const path = rows.filter((one) => one[2 + first] !== null && one[2 + second] !== null);
    const xs = path.map((one) => one[2 + first]);
    const ys = path.map((one) => one[2 + second]);
    const here = [row[2 + first], row[2 + second]];
    const answer = [known.answer[first], known.answer[second]];
    const layout = this.layout(names[first], names[second]);
    if (this.solid) return this.surface(path, row, layout);
    const [left, right] = [known.first[0], known.first[known.first.length - 1]];
    const [low, high] = [known.second[0], known.second[known.second.length - 1]];
    layout.xaxis.range = [left, right];
    layout.yaxis.range = [low, high];
    const { xaxis, yaxis } = this.elements.bowl._fullLayout ?? {};
    const scale = [(xaxis?._length || 2) / (right - left), (yaxis?._length || 1) / (high - low)]; // pixels per unit
    layout.annotations = arrows(rows, row, known.axes, width, scale, this.palette);
    const shades = [[0, blend(background, gradient, 0.02)], [1, blend(background, gradient, 0.5)]];
    const old = kept.filter((one) => one.axes.join() === known.axes.join() && one.rows.length).map((one, index) => ({
      x: one.rows.map((line) => line[2 + first]), y: one.rows.map((line) => line[2 + second]), mode: "lines", name: one.label,
      line: { color: OTHERS[index % OTHERS.length], width: 1.5, dash: DASHES[index % DASHES.length] },
    }));
    this.put("bowl", [
      { type: "contour", x: known.first, y: known.second, z: this.logs, customdata: this.grid, colorscale: shades, showscale: false, ncontours: 18, showlegend: false,
        contours: { coloring: "fill" }, line: { width: 0.6, color: fade(gradient, 0.5) }, hovertemplate: `${names[first]} %{x:.4g}<br>${names[second]} %{y:.4g}<br>${texts.loss} %{customdata:.4g}<extra></extra>` },
      ...old,
      { x: xs, y: ys, mode: "lines+markers", name: texts.path, line: { color: value, width: 2 }, marker: { size: 3, color: value }, hoverinfo: "skip" },
      { x: [answer[0]], y: [answer[1]], mode: "markers", name: texts.answer, marker: { symbol: "star", size: 13, color: green, line: { color: background, width: 1 } } },
      { x: [here[0]], y: [here[1]], mode: "markers", name: texts.here, marker: { size: 11, color: value, line: { color: text, width: 1.5 } } },
    ], layout);
    this.listen();
    return undefined;
  }

  surface(path, row, layout) {
    const { known, names, texts } = this.data;
    const { value, gradient, true: green, muted, line, text, background } = this.palette;
    const [first, second] = known.axes;
    const [bottom, top] = extent(this.logs.flat());
    const above = (top - bottom) * 0.02; // what lies in the surface would be hidden by it
    const lift = (loss) => (loss === null ? null : Math.log10(Math.max(loss, this.floor)) + above);
    const inside = path.filter((one) => between(one[2 + first], known.first) && between(one[2 + second], known.second));
    const axis = (title) => ({ title: { text: title, font: { color: muted, size: 12 } }, tickfont: { color: muted, size: 10 }, nticks: 5, gridcolor: line, zerolinecolor: line, showbackground: false, showspikes: false });
    const levels = { z: { show: true, start: bottom, end: top, size: (top - bottom) / 12 || 1, color: fade(background, 0.6), width: 1 } };
    const ball = (size, colour, symbol) => ({ size, color: colour, symbol, line: { color: text, width: 1.5 } });
    this.put("bowl", [
      { type: "surface", x: known.first, y: known.second, z: this.logs, colorscale: [[0, blend(background, gradient, 0.12)], [1, gradient]], showscale: false, opacity: 0.9, contours: levels, hoverinfo: "skip", showlegend: false },
      { type: "scatter3d", mode: "lines", name: texts.path, x: inside.map((one) => one[2 + first]), y: inside.map((one) => one[2 + second]), z: inside.map((one) => lift(one[1])), line: { color: value, width: 8 } },
      { type: "scatter3d", mode: "markers", name: texts.answer, x: [known.answer[first]], y: [known.answer[second]], z: [lift(known.answerLoss)], marker: ball(6, green, "diamond") },
      { type: "scatter3d", mode: "markers", name: texts.here, x: [row[2 + first]], y: [row[2 + second]], z: [lift(row[1])], marker: ball(7, value, "circle") },
    ], { ...layout, margin: { l: 0, r: 0, t: HEADER, b: 0 },
      scene: { xaxis: axis(names[first]), yaxis: axis(names[second]), aspectmode: "manual", aspectratio: { x: 2.1, y: 1.6, z: 0.8 }, zaxis: axis(`log10 ${texts.loss}`), camera: { eye: { x: 0.7, y: -1.3, z: 1.25 }, center: { x: 0, y: 0, z: -0.12 }, projection: { type: "orthographic" } }, uirevision: this.data.token } });
  }

  // A click anywhere on the contour plot gives its place there, between the grid's points too.
  listen() {
    const element = this.elements.bowl;
    if (this.listening) return;
    this.listening = true;
    element.addEventListener("click", (event) => {
      const layout = element._fullLayout;
      if (this.solid || !layout?.xaxis) return;
      const area = element.querySelector(".nsewdrag")?.getBoundingClientRect();
      if (!area || event.clientX < area.left || event.clientX > area.right || event.clientY < area.top || event.clientY > area.bottom) return;
      this.choose(layout.xaxis.p2d(event.clientX - area.left), layout.yaxis.p2d(event.clientY - area.top));
    }, true);
  }

  loss(rows, row) {
    const { known, texts, kept, names } = this.data;
    const { gradient, true: green, text } = this.palette;
    const away = (one) => Math.hypot(...names.map((_, index) => one[2 + index] - known.answer[index]));
    const measure = this.distant ? away : (one) => one[1];
    const title = this.distant ? texts.distance : texts.loss;
    const drawn = rows.filter((one) => one[1] !== null);
    const last = drawn.length ? drawn[drawn.length - 1][0] : 1;
    const old = kept.filter((one) => !this.distant || one.rows[0]?.length === row.length).map((one, index) => ({
      x: one.rows.map((line) => line[0]), y: one.rows.map(measure), mode: "lines", name: one.label,
      line: { color: OTHERS[index % OTHERS.length], width: 1.5, dash: DASHES[index % DASHES.length] },
    }));
    const seen = [...drawn, row].map(measure).filter((value) => value > 0);
    // An exact fit's loss is rounding noise far below everything: it would flatten the curve it is compared with.
    const least = seen.length ? Math.min(...seen) : 1;
    const most = seen.length ? Math.max(...seen) : 1;
    const level = !this.distant && known.answerLoss > least * 1e-3 ? [{ x: [0, last], y: [known.answerLoss, known.answerLoss], mode: "lines", name: texts.answer, line: { color: green, width: 1.5, dash: "dash" }, hoverinfo: "skip" }] : [];
    this.put("loss", [
      ...old, ...level,
      { x: drawn.map((one) => one[0]), y: drawn.map(measure), mode: "lines", name: title, line: { color: gradient, width: 2.5 } },
      { x: [row[0]], y: [measure(row)], mode: "markers", name: texts.here, showlegend: false, cliponaxis: false, marker: { size: 9, color: gradient, line: { color: text, width: 1.5 } } },
    ], this.layout(texts.epoch, title, { yaxis: { type: "log", ...ticks(level.length ? Math.min(least, known.answerLoss) : least, most) }, xaxis: epochs(last) }));
  }

  parameters(rows, row) {
    const { known, names, texts } = this.data;
    const { value, gradient, true: green, text } = this.palette;
    const width = names.length;
    const xs = rows.map((one) => one[0]);
    const last = xs.length ? xs[xs.length - 1] : 1;
    const traces = [];
    names.forEach((name, index) => {
      const dash = DASHES[index % DASHES.length];
      traces.push({ x: [0, last], y: [known.answer[index], known.answer[index]], mode: "lines", line: { color: fade(green, 0.8), width: 1, dash: "dot" }, showlegend: false, hoverinfo: "skip" });
      traces.push({ x: xs, y: rows.map((one) => one[2 + index]), mode: "lines", name, line: { color: value, width: 2, dash } });
      traces.push({ x: xs, y: rows.map((one) => one[2 + width + index]), yaxis: "y2", mode: "lines", name: `${name}.grad`, showlegend: width < 3, line: { color: gradient, width: 2, dash } });
    });
    traces.push({ x: names.map(() => row[0]), y: row.slice(2, 2 + width), mode: "markers", showlegend: false, cliponaxis: false, marker: { size: 7, color: value, line: { color: text, width: 1 } }, hoverinfo: "skip" });
    const base = this.layout(texts.epoch, "", { xaxis: { ...epochs(last), anchor: "y2" }, yaxis: { domain: [0.53, 1], title: { text: texts.value, font: { size: 10 } }, nticks: 5 } });
    base.yaxis2 = { ...base.yaxis, domain: [0, 0.45], title: { text: texts.gradient, font: { size: 10 } }, nticks: 4 };
    this.put("parameters", traces, base);
  }
}

const DASHES = ["solid", "dash", "dot", "dashdot", "longdash", "longdashdot"];
const OTHERS = ["#CC79A7", "#56B4E9", "#E69F00", "#44AA99", "#9467bd", "#8c8c8c", "#b5838d", "#6a994e"];

// Arrows against the gradient along the path, as the plot's axes stretch it: where each step wants to go.
function arrows(rows, row, [first, second], width, [across, up], palette) {
  const shown = [];
  const count = 7;
  for (let index = 0; index < count && rows.length > 1; index++) shown.push(rows[Math.floor((rows.length - 1) * (index / count) ** 2.5)]);
  const steep = (one) => [-one[2 + width + first] * across, one[2 + width + second] * up]; // in pixels, y downwards
  const strongest = Math.max(0, ...rows.slice(0, 20).map((one) => Math.hypot(...steep(one)) || 0));
  return [...new Set([...shown, row])].flatMap((one) => {
    const [x, y] = [one[2 + first], one[2 + second]];
    const [gx, gy] = [one[2 + width + first], one[2 + width + second]];
    if ([x, y, gx, gy].some((value) => value === null || value === undefined)) return [];
    const [right, down] = steep(one);
    const length = Math.hypot(right, down);
    if (!(length > strongest * 1e-4)) return []; // at the bottom only rounding is left
    const reach = one === row ? 46 : 26;
    const [dx, dy] = [(right / length) * reach, (down / length) * reach];
    return [{ x, y, ax: -dx, ay: -dy, xref: "x", yref: "y", axref: "pixel", ayref: "pixel", xshift: dx, yshift: -dy, showarrow: true, text: "",
      arrowhead: 2, arrowsize: 1, arrowwidth: one === row ? 2.2 : 1.4, arrowcolor: palette.gradient, opacity: one === row ? 1 : 0.75 }];
  });
}

// The axis of epochs, which are whole.
function epochs(last) {
  return { range: [0, Math.max(last, 1)], dtick: last > 6 ? undefined : 1 };
}

// Ticks of a logarithmic axis as people write numbers: 0.01, 20, 10⁻⁷; powers of ten, and 2 and 5 where there are few.
function ticks(least, most) {
  const [low, high] = [Math.floor(Math.log10(least)) - 1, Math.ceil(Math.log10(most)) + 1];
  const decades = Math.log10(most / least);
  if (decades > 0 && decades < 0.7) return { exponentformat: "none", nticks: 5 };
  const stride = Math.max(1, Math.ceil(decades / 6));
  const tickvals = [];
  for (let power = Math.floor(low / stride) * stride; power <= high; power += stride) {
    for (const digit of decades < 2 ? [1, 2, 5] : [1]) tickvals.push(digit * 10 ** power);
  }
  return { tickvals, ticktext: tickvals.map(plain) };
}

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

function plain(value) {
  const power = Math.floor(Math.log10(value) + 1e-9);
  if (power >= -3 && power <= 3) return String(Number(value.toPrecision(1)));
  const digit = Math.round(value / 10 ** power);
  return `${digit === 1 ? "" : `${digit}·`}10${[...String(power)].map((letter) => RAISED[letter]).join("")}`;
}

function thinned(rows) {
  const stride = Math.ceil(rows.length / MOST);
  return stride < 2 ? rows : rows.filter((_, index) => index % stride === 0 || index === rows.length - 1);
}

function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return Number.isFinite(low) ? [low, high] : [0, 1];
}

function between(value, grid) {
  return value !== null && value >= grid[0] && value <= grid[grid.length - 1];
}

// A share of one colour laid over another: contours fill over each other, so they take no opacity.
function blend(under, over, share) {
  const channel = (colour, place) => parseInt(colour.slice(place, place + 2), 16);
  return `rgb(${[1, 3, 5].map((place) => Math.round(channel(under, place) * (1 - share) + channel(over, place) * share)).join(",")})`;
}

// #rrggbb with an opacity.
function fade(colour, opacity) {
  const channel = (place) => parseInt(colour.slice(place, place + 2), 16);
  return `rgba(${channel(1)},${channel(3)},${channel(5)},${opacity})`;
}
