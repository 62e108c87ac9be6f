// The expression: typed, slid, looked at. Every change asks the server, one question at a time, always the newest;
// until its answer comes the point moves along samples that are already here, marked as such.
//
//   data (bytes, see expression.py) -> text, variables, picture;   what the reader asks -> state "asked", trigger "open"

import { button, html, mark, say } from "./dom.js";
import { Curve } from "./expression_curve.js";
import { matrices } from "./expression_matrices.js";
import { Plane } from "./expression_plane.js";
import { Variables } from "./expression_variables.js";
import { unpack } from "./msgpack.js";
import { digits, shape, speak } from "./words.js";

const views = new WeakMap();
const REST = 700; // milliseconds without a change after which the link is written
const PATIENCE = 4000; // milliseconds after which a question that got no answer is asked again
const VIEWS = ["curve", "contour", "surface", "matrices"];

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".expression");
  let view = views.get(parentElement);
  if (!view) views.set(parentElement, (view = new View(root)));
  view.report = setStateValue;
  view.trigger = setTriggerValue;
  view.receive(data instanceof Uint8Array ? data : new Uint8Array(data));
  return () => {
    view.close();
    views.delete(parentElement);
  };
}

class View {
  constructor(root) {
    this.root = root;
    this.number = 0;
    this.waiting = null;
    this.settings = {};
    this.texts = {};
    this.ranges = {};
    this.fields = {};
    this.observer = new ResizeObserver(() => this.draw());
  }

  receive(bytes) {
    const given = unpack(bytes);
    const words = given.language !== this.given?.language || given.readOnly !== this.given?.readOnly;
    this.given = given;
    this.speak = speak(given.texts);
    if (words) this.build();
    if (given.revision !== this.revision) this.adopt(given);
    else if (this.waiting !== null && given.number >= this.waiting) this.landed();
    this.number = Math.max(this.number, given.number);
    this.open(given);
  }

  // The settings of a link, an example or another visit.
  adopt(given) {
    this.revision = given.revision;
    this.settings = { ...given.settings };
    this.texts = Object.fromEntries(parts(given.settings.at));
    this.ranges = Object.fromEntries(parts(given.settings.ranges).map(([name, ends]) => [name, ends.split(":").map(Number)]));
    this.waiting = null;
    this.pending = false;
    this.input.value = given.settings.expression;
    this.variables.forget();
  }

  landed() {
    this.waiting = null;
    clearTimeout(this.patience);
    if (this.pending) this.send();
  }

  open(given) {
    const { answer } = given;
    if (answer) {
      if (answer.field) this.fields = { key: answer.fieldKey, field: decoded(answer.field) };
      if (answer.curve) answer.curve = decoded(answer.curve);
      answer.field = this.fields.key === answer.fieldKey ? this.fields.field : null;
      const latest = (this.waiting === null || given.number >= this.number) && !given.wrong;
      this.listed = given.refused ?? answer.variables;
      for (const one of this.listed) {
        if (!(one.name in this.texts) || (latest && !this.variables.held(one.name))) this.texts[one.name] = one.text;
      }
    }
    this.answer = answer;
    this.dress();
    this.sentences(given);
    if (!answer) return;
    // While a newer question is on its way, the hand's own numbers stay where the hand put them.
    if (this.waiting === null) this.estimated = null;
    this.variables.show(this.listed);
    this.result();
    this.draw();
    if (["contour", "surface"].includes(this.settings.view) && answer.across && !answer.field && this.waiting === null && !given.wrong) this.ask();
    mark(this.root, "data-answered", given.number);
  }

  dress() {
    const background = getComputedStyle(this.root).getPropertyValue("--st-background-color").trim() || "#ffffff";
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = background;
    const [, red, green, blue] = /^#(..)(..)(..)/.exec(canvas.fillStyle) ?? [0, "ff", "ff", "ff"];
    const dark = 0.2126 * parseInt(red, 16) + 0.7152 * parseInt(green, 16) + 0.0722 * parseInt(blue, 16) < 110;
    this.palette = this.given.palettes[dark ? "dark" : "light"];
    for (const [name, colour] of Object.entries(this.palette)) this.root.style.setProperty(`--${name.replaceAll("_", "-")}`, colour);
    mark(this.root, "data-theme", dark ? "dark" : "light");
  }

  // ---- what the reader sees

  build() {
    const { speak: t } = this;
    const readOnly = this.given.readOnly;
    const typed = this.input?.value ?? "";
    mark(this.root, "aria-label", t("expressions.label"));
    this.input = html("input", { type: "text", class: "typed", spellcheck: "false", autocomplete: "off", autocapitalize: "off", "aria-label": t("expressions.input"), "aria-describedby": "expression-says", title: t("expressions.input.help"), readonly: readOnly, oninput: () => this.typed() });
    this.input.value = typed;
    this.input.addEventListener("scroll", () => { this.backdrop.scrollLeft = this.input.scrollLeft; });
    this.backdrop = html("div", { class: "backdrop", "aria-hidden": "true" });
    this.says = html("p", { class: "says", id: "expression-says", role: "status" });
    this.opener = button(t("expressions.open"), t("expressions.open.help"), () => this.trigger("open", true), { class: "open", "aria-label": t("expressions.open") });
    this.dtype = html("select", { "aria-label": t("expressions.dtype"), title: t("expressions.dtype"), onchange: () => this.change({ dtype: this.dtype.value }) }, ...["float32", "float64"].map((name) => html("option", { value: name }, name)));
    this.value = html("output", { class: "value" });
    this.how = html("span", { class: "how" });
    this.variables = new Variables(this);
    this.nudge = html("div", { class: "nudge" });
    this.h = html("input", { type: "number", step: "any", class: "small", "aria-label": "h", onchange: () => Number.isFinite(this.h.valueAsNumber) && this.change({ nudge: this.h.valueAsNumber }) });
    this.nudgeLine = html("dl", {});
    this.program = html("pre", { class: "program", tabindex: "0", "aria-label": t("expressions.program") });
    this.places = html("ul", { class: "places" });
    this.tabs = VIEWS.map((name) => button(t(`expressions.view.${name}`), t(`expressions.view.${name}`), () => this.change({ view: name }), { role: "tab", "data-view": name }));
    this.chain = button(t("expressions.chain"), t("expressions.chain"), () => this.change({ chain: !this.settings.chain }), { class: "chain" });
    this.axis = this.chooser("axis");
    this.across = this.chooser("across");
    this.second = html("input", { type: "checkbox", onchange: () => this.change({ second: this.second.checked }) });
    this.descend = html("input", { type: "checkbox", onchange: () => this.change({ descend: this.descend.checked }) });
    this.lr = html("input", { type: "number", min: 0, max: 100, step: "any", class: "small", "aria-label": t("expressions.lr"), onchange: () => this.lr.valueAsNumber >= 0 && this.change({ lr: this.lr.valueAsNumber }) });
    this.steps = html("input", { type: "number", min: 1, max: 60, step: 1, class: "small", "aria-label": t("expressions.steps"), onchange: () => this.steps.valueAsNumber >= 1 && this.change({ steps: Math.min(60, Math.round(this.steps.valueAsNumber)) }) });
    this.curveTools = html("label", { class: "option" }, this.second, t("expressions.second"));
    this.planeTools = html("span", { class: "option", title: t("expressions.descend.help") }, html("label", {}, this.descend, t("expressions.descend")), html("label", {}, t("expressions.lr"), this.lr), html("label", {}, t("expressions.steps"), this.steps));
    this.axes = html("span", { class: "option" }, t("expressions.along"), this.axis, html("span", { class: "across" }, t("expressions.across"), this.across));
    this.canvas = html("div", { class: "canvas", role: "tabpanel" });
    this.table = html("details", { class: "table" }, html("summary", {}, t("expressions.numbers")), html("div", {}));
    this.root.replaceChildren(
      html("section", { class: "formula" },
        html("div", { class: "field" }, html("span", { class: "sign", "aria-hidden": "true" }, "f ="), html("div", { class: "text" }, this.backdrop, this.input)),
        this.says),
      html("div", { class: "grid" },
        html("section", { class: "side" },
          html("div", { class: "tools" }, html("h3", {}, t("expressions.value")), html("span", { class: "spring" }), this.dtype),
          html("div", { class: "answer" }, this.value, this.how),
          html("div", { class: "tools" }, html("h3", {}, t("expressions.variables")), html("span", { class: "spring" }), html("h3", { class: "grads" }, t("expressions.partials"))),
          this.variables.element,
          html("div", { class: "tools" }, html("h3", {}, t("expressions.nudge")), html("span", { class: "spring" }), html("label", { class: "option" }, "h", this.h)),
          html("div", { class: "nudge" }, this.nudgeLine),
          html("div", { class: "tools" }, html("h3", {}, t("expressions.program")), html("span", { class: "spring" }), this.opener),
          this.program),
        html("section", { class: "picture" },
          html("div", { class: "tools" }, html("div", { class: "tabs", role: "tablist", onkeydown: (event) => this.walk(event) }, ...this.tabs), this.chain, html("span", { class: "spring" }), this.axes, this.curveTools, this.planeTools),
          this.canvas, this.places, this.table)),
    );
    this.root.classList.toggle("readonly", readOnly);
    this.curve = new Curve(this);
    this.plane = new Plane(this);
    this.observer.disconnect();
    this.observer.observe(this.canvas);
    this.variables.forget();
  }

  chooser(name) {
    return html("select", { "aria-label": this.speak(name === "axis" ? "expressions.along" : "expressions.across"), onchange: (event) => this.change({ [name]: event.target.value }) });
  }

  sentences({ wrong, answer }) {
    const at = wrong?.at ?? (wrong ? null : answer?.warnings.find((one) => one.at)?.at);
    const same = wrong || this.input.value === answer?.expression;
    this.marked(at && same ? at : null, wrong ? "wrong" : "first");
    const texts = wrong ? [wrong.text] : (answer?.warnings ?? []).map((one) => one.text);
    if (!wrong && answer?.summed) texts.push(this.speak("expressions.summed"));
    say(this.says, texts.join(" "));
    mark(this.says, "data-kind", wrong ? "wrong" : answer?.warnings.length ? "first" : "note");
    mark(this.input, "aria-invalid", wrong && !wrong.variable ? "true" : null);
    this.root.classList.toggle("dimmed", Boolean(wrong));
    this.variables.spoiled = wrong?.variable ?? "";
  }

  // The same characters behind the input, with the wrong ones marked; an end that is missing is marked behind the last.
  marked(at, kind) {
    const text = this.input.value;
    if (!at) return this.backdrop.replaceChildren();
    const [start, end] = codeUnits(text, at);
    this.backdrop.replaceChildren(text.slice(0, start), html("mark", { class: kind }, text.slice(start, end) || "\u00a0"), text.slice(end));
    this.backdrop.scrollLeft = this.input.scrollLeft;
  }

  result() {
    const { answer } = this;
    const near = this.estimated;
    const value = answer.value;
    const alone = value && value.shape.length === 0;
    const text = near ? `≈ ${digits(near.value)}` : !value ? "" : alone ? digits(value.elements[0]) : `${bracketed(value)} ${shape(value.shape)}`;
    say(this.value, `f = ${text}`);
    mark(this.value, "title", value && !near ? value.elements.map((one) => digits(one, 9)).join(", ") : null);
    say(this.how, near ? this.speak("expressions.sampled") : this.speak("expressions.exact"));
    mark(this.how, "data-how", near ? "sampled" : "exact");
    this.root.classList.toggle("coming", this.waiting !== null && !near);
    say(this.program, answer.program.trim());
    const { nudge, axis } = answer;
    const name = axis.name;
    const rows = nudge ? [
      ["expressions.nudge.predicted", nudge.predicted, "grad"], ["expressions.nudge.true", nudge.true, "value"], ["expressions.nudge.off", nudge.predicted - nudge.true, "off"],
    ] : [];
    this.nudgeLine.replaceChildren(...rows.flatMap(([code, number, kind]) => [html("dt", {}, this.speak(code, { name })), html("dd", { class: kind, title: digits(number, 9) }, digits(number))]));
    mark(this.nudgeLine, "title", this.speak("expressions.nudge.help", { name }));
  }

  draw() {
    const { answer, settings } = this;
    if (!answer) return;
    const view = settings.view;
    for (const tab of this.tabs) {
      mark(tab, "aria-selected", String(tab.dataset.view === view));
      mark(tab, "tabindex", tab.dataset.view === view ? "0" : "-1");
    }
    this.root.classList.toggle("chained", Boolean(settings.chain));
    mark(this.chain, "aria-pressed", String(Boolean(settings.chain)));
    this.fill(this.axis, answer.axis.name);
    this.fill(this.across, answer.across?.name ?? "");
    const plane = view === "contour" || view === "surface";
    this.axes.hidden = view === "matrices";
    this.axes.lastChild.hidden = !plane || !answer.across;
    this.curveTools.hidden = view !== "curve";
    this.planeTools.hidden = !plane || !answer.across;
    this.second.checked = settings.second;
    this.descend.checked = settings.descend;
    for (const [name, input] of [["lr", this.lr], ["steps", this.steps], ["nudge", this.h]]) if (input.getRootNode().activeElement !== input) input.value = settings[name];
    this.dtype.value = settings.dtype;
    for (const control of [this.dtype, this.lr, this.steps, this.h]) control.disabled = this.given.readOnly;
    if (this.drawn !== view) this.canvas.replaceChildren();
    this.drawn = view;
    this.table.hidden = false;
    this.places.hidden = view !== "curve" || !answer.curve?.marks.length;
    if (view === "curve") this.curve.draw(answer, this.estimated);
    else if (view === "matrices") matrices(this.canvas, answer, this.speak);
    else this.plane.draw(answer, view);
    if (view === "matrices") this.table.hidden = true;
  }

  fill(select, chosen) {
    const names = this.answer.variables.flatMap((one) => one.names);
    const known = names.join("|");
    if (select.dataset.names !== known) {
      select.dataset.names = known;
      select.replaceChildren(...names.map((name) => html("option", { value: name }, name)));
    }
    select.value = chosen;
  }

  // Rows of text under the picture, for those who would rather read.
  rows(heads, rows) {
    const cell = (tag, text) => html(tag, tag === "th" ? { scope: "col" } : {}, text);
    this.table.lastChild.replaceChildren(html("table", {}, html("thead", {}, html("tr", {}, ...heads.map((head) => cell("th", head)))), html("tbody", {}, ...rows.map((row) => html("tr", {}, ...row.map((text) => cell("td", text)))))));
  }

  // ---- what the reader does

  typed() {
    this.marked(null);
    this.change({ expression: this.input.value });
  }

  // Arrows walk from one view to the next.
  walk(event) {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    const next = (VIEWS.indexOf(this.settings.view) + way + VIEWS.length) % VIEWS.length;
    this.change({ view: VIEWS[next] });
    this.tabs[next].focus();
  }

  change(settings) {
    Object.assign(this.settings, settings);
    if (!("expression" in settings)) this.draw();
    this.ask();
  }

  // One element of a variable is moved: by its slider, or on the picture.
  move(name, element, number) {
    if (this.given.readOnly) return;
    const one = this.listed.find((row) => row.name === name);
    if (!one) return;
    one.elements[element] = number;
    this.texts[name] = written(one.shape, one.elements);
    const { axis } = this.answer;
    this.estimated = name === axis.variable && element === axis.element && this.settings.view === "curve" ? this.curve.nearest(number) : null;
    this.variables.moved(one);
    this.ask();
    this.result();
    if (this.settings.view !== "matrices") this.draw();
  }

  number_(name, text) {
    this.texts[name] = text;
    this.ask();
  }

  span(name, ends) {
    const good = ends[0] < ends[1] && ends[2] > 0 && ends[2] <= ends[1] - ends[0] && Math.max(...ends.map(Math.abs)) <= 1e6;
    if (!good) {
      say(this.says, this.speak("expressions.range", { name: ends.map((end) => (Number.isFinite(end) ? digits(end) : "–")).join(" : ") }));
      return mark(this.says, "data-kind", "wrong");
    }
    this.ranges[name] = ends;
    this.settings.ranges = Object.entries(this.ranges).map(([one, range]) => `${one}=${range.join(":")}`).join("; ");
    this.ask();
  }

  ask() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.send(true), REST);
    if (this.waiting === null) this.send();
    else this.pending = true;
  }

  send(settled = false) {
    if (this.given.readOnly && settled) return;
    if (settled && this.waiting !== null) {
      this.resting = setTimeout(() => this.send(true), REST);
      return;
    }
    this.pending = false;
    this.number += 1;
    this.waiting = this.number;
    clearTimeout(this.patience);
    this.patience = setTimeout(() => { this.waiting = null; this.send(); }, PATIENCE);
    this.report("asked", { number: this.number, settings: { ...this.settings }, texts: { ...this.texts }, holds: this.fields.key ?? "", settled });
  }

  close() {
    clearTimeout(this.resting);
    clearTimeout(this.patience);
    this.observer.disconnect();
    this.plane?.close();
  }
}

function parts(text) {
  return text.split(";").filter((part) => part.includes("=")).map((part) => [part.slice(0, part.indexOf("=")).trim(), part.slice(part.indexOf("=") + 1).trim()]);
}

// float32 samples as they came, beside what is no samples.
function decoded(given) {
  return Object.fromEntries(Object.entries(given).map(([name, one]) => [name, one instanceof Uint8Array ? new Float32Array(one.slice().buffer) : one]));
}

// Places are counted in characters; JavaScript counts code units.
function codeUnits(text, at) {
  const characters = Array.from(text);
  return at.map((place) => characters.slice(0, place).join("").length);
}

function plain(number) {
  return String(Number(number.toPrecision(10)));
}

export function written(sizes, elements) {
  if (!sizes.length) return plain(elements[0]);
  if (sizes.length === 1) return `[${elements.map(plain).join(", ")}]`;
  const width = sizes[1];
  return `[${Array.from({ length: sizes[0] }, (_, row) => `[${elements.slice(row * width, (row + 1) * width).map(plain).join(", ")}]`).join(", ")}]`;
}

function bracketed(value) {
  const shown = value.elements.slice(0, 8).map((one) => digits(one, 3)).join(", ");
  return `[${shown}${value.elements.length > 8 ? ", …" : ""}]`;
}
