// The curve: f in blue, its derivative in orange, the tangent through a point that can be dragged along the samples.
// Kinks are diamonds, jumps and poles dashed verticals, stretches without a value hatched; each is said in words as well.

import { html, svg } from "./dom.js";
import { digits, width as measure } from "./words.js";

const ROOM = { left: 52, right: 14, top: 30, bottom: 34 };
const READ = 13; // rows of the table

export class Curve {
  constructor(view) {
    this.view = view;
  }

  // The sample nearest to a place: real numbers of PyTorch, though not of that very place.
  nearest(number) {
    const curve = this.view.answer.curve;
    if (!curve) return null;
    const { xs } = curve;
    const place = Math.round(((number - xs[0]) / (xs[xs.length - 1] - xs[0])) * (xs.length - 1));
    if (place < 0 || place >= xs.length) return null;
    return { x: xs[place], value: curve.values[place], slope: curve.slopes[place] };
  }

  draw(answer, estimated) {
    const canvas = this.view.canvas;
    const curve = answer.curve;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!curve || !width || !height) return canvas.replaceChildren();
    const one = answer.variables.find((row) => row.name === answer.axis.variable);
    const at = estimated ?? {
      x: one.elements[answer.axis.element], value: answer.nudge?.before ?? NaN, slope: answer.nudge?.slope ?? NaN,
    };
    const x = scale(curve.xs[0], curve.xs[curve.xs.length - 1], ROOM.left, width - ROOM.right);
    const [low, high] = extent([curve.values, curve.slopes, ...(curve.second ? [curve.second] : [])], at.value);
    const y = scale(low, high, height - ROOM.bottom, ROOM.top);
    this.x = x;
    const { speak } = this.view;
    const name = answer.axis.name;
    const marks = curve.marks.map((row) => this.words(row, name));
    const picture = svg("svg", { class: "curve", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": speak("expressions.curve.label", {
      name, low: digits(curve.xs[0]), high: digits(curve.xs[curve.xs.length - 1]), at: digits(at.x), value: digits(at.value), slope: digits(at.slope), marks: marks.join("; ") }) });
    const clip = svg("clipPath", { id: "inside" }, svg("rect", { x: ROOM.left, y: ROOM.top, width: width - ROOM.left - ROOM.right, height: Math.max(0, height - ROOM.top - ROOM.bottom) }));
    const hatch = svg("pattern", { id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, svg("line", { x1: 0, y1: 0, x2: 0, y2: 7, class: "hatching" }));
    picture.append(svg("defs", {}, clip, hatch), this.grid(x, y, width, height, name));
    const inside = svg("g", { "clip-path": "url(#inside)" });
    picture.append(inside);
    for (const [place, row] of curve.marks.entries()) inside.append(this.special(row, marks[place], x, y, height));
    // Where there is no value there is no slope, whatever the formula of the derivative gives there.
    const where = (numbers) => numbers.map((one, place) => (Number.isFinite(curve.values[place]) ? one : NaN));
    if (curve.second) inside.append(svg("path", { class: "second", d: path(curve.xs, where(curve.second), x, y, curve.marks) }));
    inside.append(svg("path", { class: "slope", d: path(curve.xs, where(curve.slopes), x, y, curve.marks) }));
    inside.append(svg("path", { class: "value", d: path(curve.xs, curve.values, x, y, curve.marks) }));
    for (const [place, row] of curve.marks.entries()) if (row.kind === "kink") inside.append(diamond(row, marks[place], x, y, curve));
    if (Number.isFinite(at.value) && Number.isFinite(at.slope)) {
      const ends = [curve.xs[0], curve.xs[curve.xs.length - 1]];
      inside.append(svg("line", { class: "tangent", x1: x(ends[0]), y1: y(at.value + at.slope * (ends[0] - at.x)), x2: x(ends[1]), y2: y(at.value + at.slope * (ends[1] - at.x)) }));
      inside.append(svg("line", { class: "drop", x1: x(at.x), x2: x(at.x), y1: y(at.value), y2: y(at.slope) }));
      inside.append(svg("circle", { class: "at-slope", cx: x(at.x), cy: y(at.slope), r: 4.5 }));
      picture.append(svg("circle", { class: estimated ? "at estimated" : "at", cx: x(at.x), cy: y(at.value), r: 8 }));
    } else inside.append(svg("line", { class: "nowhere", x1: x(at.x), x2: x(at.x), y1: ROOM.top, y2: height - ROOM.bottom }));
    picture.append(this.legend(answer, at, width));
    this.drag(picture, answer);
    canvas.replaceChildren(picture);
    this.table(answer, marks);
    this.view.places.replaceChildren(...marks.map((text, place) => html("li", { "data-kind": curve.marks[place].kind }, text)));
  }

  grid(x, y, width, height, name) {
    const group = svg("g", { class: "axes" });
    for (const tick of ticks(x.from, x.to, width / 90)) group.append(svg("line", { x1: x(tick), x2: x(tick), y1: ROOM.top, y2: height - ROOM.bottom, class: tick === 0 ? "zero" : "" }), svg("text", { x: x(tick), y: height - ROOM.bottom + 15, "text-anchor": "middle" }, digits(tick)));
    for (const tick of ticks(y.from, y.to, height / 60)) group.append(svg("line", { x1: ROOM.left, x2: width - ROOM.right, y1: y(tick), y2: y(tick), class: tick === 0 ? "zero" : "" }), svg("text", { x: ROOM.left - 7, y: y(tick) + 4, "text-anchor": "end" }, digits(tick)));
    group.append(svg("text", { class: "axis-name", x: width - ROOM.right, y: height - 4, "text-anchor": "end" }, name));
    return group;
  }

  legend(answer, at, width) {
    const { speak } = this.view;
    const name = answer.axis.name;
    const rows = [["value", speak(answer.summed ? "expressions.curve.sum" : "expressions.curve.value")], ["slope", speak("expressions.curve.slope", { name })], ["tangent", speak("expressions.curve.tangent", { slope: digits(at.slope) })]];
    if (answer.curve.second) rows.push(["second", `${speak("expressions.curve.second", { name })}${answer.curve.bend === null ? "" : ` = ${digits(answer.curve.bend)}`}`]);
    const group = svg("g", { class: "legend" });
    let left = ROOM.left, top = 12;
    for (const [kind, text] of rows) {
      const room = 30 + measure(text, 6.6);
      if (left + room > width && left > ROOM.left) { left = ROOM.left; top += 14; }
      group.append(svg("line", { class: kind, x1: left, x2: left + 20, y1: top, y2: top }), svg("text", { x: left + 25, y: top + 4 }, text));
      left += room + 10;
    }
    return group;
  }

  special(row, text, x, y, height) {
    const title = svg("title", {}, text);
    if (row.kind === "jump" || row.kind === "pole") {
      const middle = x((row.start + row.end) / 2);
      return svg("line", { class: row.kind, x1: middle, x2: middle, y1: ROOM.top, y2: height - ROOM.bottom }, title);
    }
    if (row.kind === "kink") return svg("g", {});
    const left = x(row.start), right = x(row.end);
    const group = svg("g", { class: "without" }, svg("rect", { x: left, y: ROOM.top, width: Math.max(right - left, 2), height: height - ROOM.top - ROOM.bottom, fill: "url(#hatch)" }, title));
    if (right - left > 60) group.append(svg("text", { x: (left + right) / 2, y: height / 2, "text-anchor": "middle" }, row.kind === "undefined" ? "nan" : row.kind === "infinite" ? "inf" : "∂ = ±inf"));
    return group;
  }

  words(row, name) {
    const middle = (row.start + row.end) / 2;
    const near = Math.abs(middle) <= row.end - row.start ? 0 : middle;
    const point = ["undefined", "infinite", "steep"].includes(row.kind) && digits(row.start, 3) === digits(row.end, 3);
    return this.view.speak(`expressions.mark.${row.kind}${point ? ".point" : ""}`, { name, at: digits(near, 3), start: digits(row.start, 3), end: digits(row.end, 3), before: digits(row.before ?? NaN, 3), after: digits(row.after ?? NaN, 3) });
  }

  drag(picture, answer) {
    const { axis } = answer;
    const one = answer.variables.find((row) => row.name === axis.variable);
    const [low, high, step] = one.range;
    const to = (event) => {
      const place = this.x.back(event.clientX - this.view.canvas.getBoundingClientRect().left);
      const number = Math.min(high, Math.max(low, low + Math.round((place - low) / step) * step));
      this.view.move(axis.variable, axis.element, Number(number.toPrecision(8)));
    };
    picture.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      // The picture is drawn anew at every move, so the hand is followed from the window.
      const move = (moved) => to(moved);
      const end = () => { window.removeEventListener("pointermove", move); window.removeEventListener("pointerup", end); window.removeEventListener("pointercancel", end); };
      window.addEventListener("pointermove", move);
      window.addEventListener("pointerup", end);
      window.addEventListener("pointercancel", end);
      to(event);
    });
  }

  table(answer, marks) {
    const { curve, axis } = answer;
    const { speak } = this.view;
    const heads = [axis.name, speak("expressions.curve.value"), speak("expressions.curve.slope", { name: axis.name }), ...(curve.second ? [speak("expressions.curve.second", { name: axis.name })] : [])];
    const rows = Array.from({ length: READ }, (_, row) => {
      const place = Math.round((row * (curve.xs.length - 1)) / (READ - 1));
      return [curve.xs, curve.values, curve.slopes, ...(curve.second ? [curve.second] : [])].map((numbers) => digits(numbers[place]));
    });
    this.view.rows(heads, [...rows, ...marks.map((text) => [text])]);
  }
}

function diamond(row, text, x, y, curve) {
  const place = curve.xs.findIndex((one) => one >= row.end - 1e-9);
  const left = x((row.start + row.end) / 2), top = y(curve.values[Math.max(place, 0)]);
  return svg("path", { class: "kink", d: `M${left - 7} ${top}l7 -7 7 7 -7 7z` }, svg("title", {}, text));
}

function scale(from, to, start, end) {
  const map = (number) => Math.max(-1e5, Math.min(1e5, start + ((number - from) / (to - from || 1)) * (end - start)));
  map.from = from;
  map.to = to;
  map.back = (place) => from + ((place - start) / (end - start)) * (to - from);
  return map;
}

// What most samples reach: the few beside a pole would flatten all others.
function extent(series, at) {
  const all = series.flatMap((one) => Array.from(one)).filter(Number.isFinite).sort((one, other) => one - other);
  if (!all.length) return [-1, 1];
  const part = (share) => all[Math.min(all.length - 1, Math.floor(share * all.length))];
  let low = all[0], high = all[all.length - 1];
  const [inner, outer] = [part(0.04), part(0.96)];
  const reach = Math.max(outer - inner, 1e-6);
  low = Math.max(low, inner - reach);
  high = Math.min(high, outer + reach);
  if (Number.isFinite(at) && Math.abs(at) < 20 * reach) { low = Math.min(low, at); high = Math.max(high, at); }
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  return [low - room, high + room];
}

function ticks(from, to, count) {
  const rough = (to - from) / Math.max(count, 2);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  const found = [];
  for (let place = Math.ceil(from / step); place * step <= to && found.length < 40; place++) found.push(Number((place * step).toPrecision(8)));
  return found;
}

// A line through the finite samples, broken where there is none and where the curve itself jumps.
function path(xs, numbers, x, y, marks) {
  const broken = marks.filter((one) => one.kind === "jump" || one.kind === "pole").map((one) => one.start);
  const turned = marks.filter((one) => one.kind === "kink").map((one) => one.start);
  const index = (one) => xs.findIndex((here) => Math.abs(here - one) < 1e-6 * Math.max(1, Math.abs(one)));
  // A sample may lie on the kink itself, and has a slope of its own there.
  const cuts = new Set([...broken.map(index), ...turned.flatMap((one) => [index(one), index(one) + 1])]);
  let text = "", pen = false;
  for (let place = 0; place < xs.length; place++) {
    if (!Number.isFinite(numbers[place])) { pen = false; continue; }
    text += `${pen ? "L" : "M"}${x(xs[place]).toFixed(1)} ${y(numbers[place]).toFixed(1)}`;
    pen = !(cuts.has(place) && Math.abs(y(numbers[place + 1] ?? 0) - y(numbers[place])) > 6);
  }
  return text;
}
