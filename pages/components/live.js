// A training run, live: transport, four Plotly charts, a slider over the epochs, the numbers.
// data: JSON bytes, see live.py. Rows are [epoch, loss, parameters..., gradients...]; null stands for a non-finite number.
// The stream only fills `run.rows`; drawing looks at them at most ten times a second, so neither waits for the other.

import { html } from "./dom.js";
import { charts } from "./live_charts.js";
import { Pen } from "./live_pen.js";
import { digits } from "./words.js";

const views = new WeakMap();
const PLAYBACK = 1600; // milliseconds in which a run that was over at once is shown
const ICONS = {
  play: "M3 1.5v10l9-5z", pause: "M2.5 1.5h3v10h-3zM7.5 1.5h3v10h-3z", step: "M2 1.5v10l6-5zM9 1.5h2v10H9z",
  stop: "M2 2h9v9H2z", reset: "M6.5 2.2V0L2.8 3.2l3.7 3.2V4.1a3.2 3.2 0 1 1-3.2 3.2H1.5a5 5 0 1 0 5-5.1z",
};
const still = matchMedia("(prefers-reduced-motion: reduce)");

export default function live({ data: bytes, parentElement, setTriggerValue }) {
  const data = JSON.parse(new TextDecoder().decode(bytes));
  const root = parentElement.querySelector(".live");
  let view = views.get(root);
  if (!view) views.set(root, (view = new View(root)));
  view.trigger = setTriggerValue;
  view.take(data);
  return () => { view.close(); views.delete(root); };
}

class View {
  constructor(root) {
    this.root = root;
    this.run = emptyRun();
    this.build();
  }

  // The page speaks: a new run, other words, other kept runs, or only another theme.
  take(data) {
    const other = !this.data || data.token !== this.data.token;
    this.data = data;
    this.pen.take(data.known, data.drawable);
    this.colours();
    this.words();
    if (other) this.follow();
    this.charts.reset(data, this.palette, other);
    this.draw(true);
  }

  colours() {
    const background = getComputedStyle(this.root).getPropertyValue("--st-background-color").trim() || "#ffffff";
    const dark = parseInt(background.slice(1, 3), 16) < 128;
    this.palette = this.data.palettes[dark ? "dark" : "light"];
    const names = { text: "text", muted: "muted", line: "line", surface: "surface", value: "value", background: "background",
      gradient: "gradient", "gradient-text": "gradient_text", "value-text": "value_text", "true-text": "true_text", "gradient-soft": "gradient_soft" };
    for (const [name, key] of Object.entries(names)) this.root.style.setProperty(`--live-${name}`, this.palette[key]);
    this.root.style.setProperty("--live-button", dark ? "#1769a0" : "#0067a1");
  }

  build() {
    const plot = (name) => html("div", { class: "live-plot", "data-chart": name });
    const button = (action, icon, attributes = {}) =>
      html("button", { type: "button", "data-action": action, onclick: () => this.act(action), ...attributes }, icon && drawing(icon), html("span"));
    this.problem = html("div", { class: "live-problem", role: "alert", hidden: true });
    this.buttons = {
      train: button("train", "play", { class: "live-main" }), step: button("step", "step"),
      stop: button("stop", "stop"), reset: button("reset", "reset"),
    };
    this.progress = html("progress", { max: 1, value: 0 });
    this.how = html("span", { class: "live-words", role: "status", "data-status": "" });
    this.titles = Object.fromEntries(["fit", "bowl", "loss", "parameters"].map((name) => [name, html("h3")]));
    this.switches = {
      pen: html("button", { type: "button", class: "live-small", "data-action": "pen", onclick: () => { this.pen.toggle(); this.words(); this.draw(true); } }),
      surface: html("button", { type: "button", class: "live-small", onclick: () => { this.charts.turn(); this.words(); this.draw(true); } }),
      distance: html("button", { type: "button", class: "live-small", onclick: () => { this.charts.swap(); this.words(); this.draw(true); } }),
    };
    this.note = html("span", { class: "live-note" });
    const chart = (name, ...extra) => html("section", { class: "live-chart" }, html("header", {}, this.titles[name], ...extra), plot(name));
    this.hint = html("p", { class: "live-hint", hidden: true });
    const fit = chart("fit", this.switches.pen);
    fit.append(this.hint);
    const bowl = chart("bowl", this.switches.surface);
    bowl.append(this.note);
    this.slider = html("input", { type: "range", min: 0, max: 0, step: 1, value: 0, oninput: () => this.scrub(Number(this.slider.value)) });
    this.label = html("label");
    this.shown = html("output");
    this.replay = html("button", { type: "button", class: "live-small", onclick: () => this.play() }, html("span"));
    this.open = html("button", { type: "button", class: "live-small", onclick: () => this.trigger("opened", this.current()[0]) }, html("span"));
    this.table = html("table");
    this.label.append(html("span"));
    this.root.replaceChildren(
      this.problem,
      html("div", { class: "live-bar" }, ...Object.values(this.buttons), html("div", { class: "live-how" }, this.progress, this.how)),
      html("div", { class: "live-charts" }, fit, bowl, chart("loss", this.switches.distance), chart("parameters")),
      html("div", { class: "live-time" }, this.label, this.slider, this.shown, this.replay, this.open),
      html("div", { class: "live-numbers" }, this.table),
    );
    this.charts = charts(Object.fromEntries([...this.root.querySelectorAll(".live-plot")].map((element) => [element.dataset.chart, element])),
      (first, second) => { if (!this.data.readOnly) this.trigger("chosen", [first, second]); });
    this.pen = new Pen(this.charts.elements.fit, { changed: () => this.draw(true), send: (points) => this.trigger("drawn", points) });
    this.charts.pen = this.pen;
  }

  words() {
    const { texts, names, known, readOnly } = this.data;
    const [first, second] = known.axes.map((axis) => names[axis]);
    this.titles.fit.textContent = texts.fit;
    this.titles.bowl.textContent = fill(texts.bowl, { first, second });
    const [measure, other] = this.charts.distant ? [texts.distance, texts.loss] : [texts.loss, texts.distance];
    this.titles.loss.textContent = titled(measure);
    this.titles.parameters.textContent = texts.parameters;
    this.switches.surface.textContent = this.charts.solid ? texts.contour : texts.surface;
    this.switches.distance.textContent = titled(other);
    this.switches.pen.hidden = !this.data.drawable;
    this.switches.pen.textContent = this.pen.on ? texts["pen.off"] : texts.pen;
    this.switches.pen.title = texts["pen.says"];
    this.switches.pen.setAttribute("aria-pressed", String(this.pen.on));
    this.hint.textContent = texts["pen.says"];
    this.hint.hidden = !this.pen.on;
    this.note.textContent = readOnly || this.charts.solid ? "" : texts.choose;
    this.label.firstChild.textContent = texts.scrub;
    this.slider.setAttribute("aria-label", texts.scrub);
    this.replay.firstChild.textContent = texts.replay;
    this.open.firstChild.textContent = texts.open;
    this.open.hidden = readOnly;
    for (const name of ["step", "stop", "reset"]) this.buttons[name].lastChild.textContent = texts[name];
    this.root.setAttribute("aria-label", texts.charts);
  }

  // One stream for one run. EventSource comes back by itself; each connection starts with everything (`fresh`).
  follow() {
    this.close();
    this.run = emptyRun();
    this.began = performance.now();
    const base = new URL("../../live/", import.meta.url);
    this.base = new URL(`${encodeURIComponent(this.data.token)}`, base).href;
    this.source = new EventSource(this.base);
    this.source.onmessage = (event) => this.hear(JSON.parse(event.data));
    this.source.onerror = () => {
      if (this.source.readyState === EventSource.CLOSED) this.say(this.data.texts.gone);
    };
  }

  hear(news) {
    const run = this.run;
    if (news.fresh) {
      this.stopPlayback();
      run.rows = [];
      run.now = null;
      run.shown = null;
      this.ended = null;
    }
    const first = run.rows.length === 0;
    for (const row of news.rows) run.rows.push(row);
    if (news.now) run.now = news.now;
    Object.assign(run, { status: news.status, epoch: news.epoch, rate: news.rate, left: news.left });
    const over = ["finished", "diverged", "failed"].includes(news.status);
    // A run that was over within its first look is played back; a longer one was seen while it ran.
    if (first && over && run.rows.length > 2 && performance.now() - this.began < 6000) this.play();
    if (over && this.ended !== this.data.token) {
      this.ended = this.data.token;
      this.trigger("ended", this.data.token);
    }
    this.say(news.status === "failed" ? this.data.texts.failed : "");
    this.draw();
  }

  say(text) {
    this.problem.hidden = !text;
    this.problem.textContent = text;
  }

  async act(action) {
    const { status } = this.run;
    let order = action;
    if (action === "train") {
      order = status === "running" ? "pause" : "resume";
      if (["finished", "diverged", "failed"].includes(status)) {
        await this.post("reset");
        order = "resume";
      }
    }
    if (action === "step" && status === "running") await this.post("pause");
    this.stopPlayback();
    this.run.shown = null;
    this.began = performance.now();
    await this.post(order);
  }

  async post(order) {
    const answer = await fetch(`${this.base}/${order}`, { method: "POST" });
    if (answer.status === 404) this.say(this.data.texts.gone);
  }

  play() {
    this.stopPlayback();
    if (still.matches || this.run.rows.length < 3) return;
    const began = performance.now();
    const tick = (now) => {
      const share = Math.min(1, Math.max(0, now - began) / PLAYBACK); // a frame's time may lie before its request
      const last = this.all().length - 1;
      // Slow at first, when most happens.
      this.run.shown = share < 1 ? Math.round(last * share ** 2.2) : null;
      this.run.played = share < 1;
      this.draw();
      this.frame = share < 1 ? requestAnimationFrame(tick) : null;
    };
    this.frame = requestAnimationFrame(tick);
  }

  stopPlayback() {
    if (this.frame) cancelAnimationFrame(this.frame);
    this.frame = null;
    this.run.played = false;
  }

  scrub(epoch) {
    this.stopPlayback();
    const rows = this.all();
    const run = this.run;
    let place = rows.findIndex((row) => row[0] >= epoch);
    if (place < 0) place = rows.length - 1;
    run.shown = epoch >= rows[rows.length - 1][0] ? null : place;
    run.exact = null;
    this.draw();
    if (run.shown !== null && rows[place][0] !== epoch) {
      clearTimeout(this.asking);
      this.asking = setTimeout(() => this.ask(epoch), 60);
    }
  }

  // An epoch that the browser does not hold, exactly.
  async ask(epoch) {
    const token = this.data.token;
    const answer = await fetch(`${this.base}/row/${epoch}`);
    if (!answer.ok || token !== this.data.token || Number(this.slider.value) !== epoch) return;
    this.run.exact = await answer.json();
    this.draw();
  }

  // All rows, the latest last.
  all() {
    const { rows, now } = this.run;
    if (!now || (rows.length && rows[rows.length - 1][0] >= now[0])) return rows;
    return [...rows, now];
  }

  current() {
    const { known } = this.data;
    const rows = this.all();
    if (!rows.length) return [0, known.startLoss, ...known.start, ...known.start.map(() => null)];
    if (this.run.exact && this.run.shown !== null) return this.run.exact;
    let place = Math.min(this.run.shown ?? rows.length - 1, rows.length - 1);
    // The row of a diverged run that holds what is not finite cannot be drawn: show the last that can.
    while (place > 0 && this.run.shown === null && rows[place].slice(1).includes(null)) place -= 1;
    return rows[place];
  }

  draw(whole = false) {
    if (whole) this.wanted = true;
    if (this.pending) return;
    // Ten times a second, and on a slow machine so seldom that half of its time is left for the reader.
    const wait = Math.max(0, Math.max(90, 2 * (this.cost ?? 0)) - (performance.now() - (this.drawn ?? 0)));
    this.pending = setTimeout(() => requestAnimationFrame(() => {
      this.pending = null;
      this.drawn = performance.now();
      if (!this.data || !this.root.isConnected) return;
      const rows = this.all();
      const upTo = this.run.played ? rows.slice(0, (this.run.shown ?? rows.length - 1) + 1) : rows;
      this.charts.draw(upTo, this.current(), this.wanted);
      this.wanted = false;
      this.tell(rows);
      this.cost = performance.now() - this.drawn;
    }), wait);
  }

  tell(rows) {
    const { texts, epochs, device } = this.data;
    const { status, epoch, rate, left } = this.run;
    const over = ["finished", "diverged", "failed"].includes(status);
    const row = this.current();
    this.root.dataset.status = status;
    this.buttons.train.lastChild.textContent = status === "running" ? texts.pause : status === "paused" || status === "stopped" ? texts.resume : texts.train;
    this.buttons.train.firstChild.replaceWith(drawing(status === "running" ? "pause" : "play"));
    this.buttons.step.disabled = over;
    this.buttons.stop.disabled = !["running", "paused"].includes(status);
    this.progress.value = epochs ? epoch / epochs : 0;
    const parts = [texts[status] ?? "", `${texts.epoch} ${epoch.toLocaleString()} ${texts.of} ${epochs.toLocaleString()}`];
    if (rate) parts.push(fill(texts.rate, { rate: Math.round(rate).toLocaleString() }));
    if (status === "running" && left) parts.push(fill(texts.left, { seconds: left < 10 ? left.toFixed(1) : Math.round(left).toLocaleString() }));
    parts.push(device);
    this.how.textContent = parts.join(" · ");
    this.slider.max = rows.length ? rows[rows.length - 1][0] : 0;
    if (document.activeElement !== this.slider || this.run.shown === null || this.frame) this.slider.value = row[0];
    this.slider.disabled = rows.length < 2;
    this.shown.textContent = `${texts.epoch} ${Number(row[0]).toLocaleString()}`;
    this.open.disabled = rows.length === 0;
    this.numbers(row);
  }

  // The numbers behind the pictures, for those who cannot see them and for those who want them.
  numbers(row) {
    const { texts, names, known } = this.data;
    const width = names.length;
    const head = html("tr", {}, ...[texts.parameter, texts.value, texts.gradient, texts.answer, texts.difference].map((text) => html("th", { scope: "col" }, text)));
    const cell = (value, kind) => html("td", { class: kind, title: value === null ? "" : String(value) }, value === null ? "–" : digits(value));
    const line = (name, value, gradient, answer) => html("tr", {}, html("td", {}, name), cell(value, "live-v"), cell(gradient, "live-g"),
      cell(answer, "live-t"), cell(value === null || answer === null ? null : value - answer, ""));
    const lines = names.map((name, index) => line(name, row[2 + index], row[2 + width + index], known.answer[index]));
    lines.push(line(texts.loss, row[1], null, known.answerLoss));
    this.table.replaceChildren(html("thead", {}, head), html("tbody", {}, ...lines));
  }

  close() {
    this.stopPlayback();
    this.source?.close();
    this.source = null;
  }
}

function emptyRun() {
  return { rows: [], now: null, status: "ready", epoch: 0, rate: null, left: null, shown: null, exact: null, played: false };
}

function titled(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function drawing(name) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 13 13");
  picture.setAttribute("class", "live-icon");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  picture.append(path);
  return picture;
}

function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
