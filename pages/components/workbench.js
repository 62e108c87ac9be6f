// The workbench: a program that grows, its tensors as cards, what can be done to the selected one, and what lies behind.
// Every action goes to the server, which runs the program again; the browser only draws and asks.
//
//   data (bytes) -> bar, program, strip, cards, panels;   what the reader does -> trigger "action", state "at"

import { html, mark, say } from "./dom.js";
import { unpack } from "./msgpack.js";
import { speak } from "./words.js";
import { Bar } from "./workbench_bar.js";
import { Cards } from "./workbench_cards.js";
import { Panels } from "./workbench_panels.js";
import { Strip } from "./workbench_strip.js";

const REST = 400; // milliseconds without a move before the server hears of it
const PATIENCE = 10_000; // milliseconds that an action may be under way
const benches = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".bench");
  let bench = benches.get(parentElement);
  if (!bench) {
    bench = new Bench(root);
    benches.set(parentElement, bench);
  }
  bench.report = setStateValue;
  bench.trigger = setTriggerValue;
  bench.receive(data instanceof Uint8Array ? data : new Uint8Array(data));
  return () => {
    clearTimeout(bench.resting);
    benches.delete(parentElement);
  };
}

class Bench {
  constructor(root) {
    this.root = root;
    this.bytes = null;
    this.language = null;
    this.selected = null;
    this.before = null;
    this.queue = []; // what was done while an action was under way
    root.addEventListener("keydown", (event) => this.keys(event));
  }

  receive(bytes) {
    if (!this.bytes || bytes.length !== this.bytes.length || bytes.some((byte, place) => byte !== this.bytes[place])) {
      this.bytes = bytes;
      this.open(unpack(bytes));
    }
    this.dress();
  }

  open(given) {
    if (given.answered === this.sent?.nonce) this.sent = null;
    this.given = given;
    if (this.language !== given.language || this.readOnly !== given.readOnly) this.build(given);
    const drawn = given.drawn ?? { cards: [], storages: [], hooks: [], answers: [], others: [], origins: {} };
    this.drawn = drawn;
    const asked = JSON.stringify(given.open);
    if (asked !== this.asked) {
      this.asked = asked;
      if (given.open.card && given.open.card !== this.selected) this.select(given.open.card, false);
      if (given.open.panel) this.panels.open(given.open.panel, false);
    }
    this.choose();
    this.refresh();
    if (!this.sent && this.queue.length) this.send(this.queue.shift());
  }

  build(given) {
    this.language = given.language;
    this.readOnly = given.readOnly;
    this.texts = speak(given.texts);
    const t = this.texts;
    const act = (action) => this.act(action);
    this.bar = new Bar(given, t, act);
    this.strip = new Strip(given, t, act);
    this.cards = new Cards(t, {
      select: (name) => this.select(name),
      edit: (card, index, text) => act({ kind: "cell", a: card.names[0], index, text, requires_grad: card.requires_grad }),
      point: (tensor, element, grad) => this.point(tensor, element, grad),
      readOnly: given.readOnly,
    });
    this.panels = new Panels(t, {
      tab: () => this.rest(),
      select: (name) => this.select(name),
      place: (storage, place) => this.cards.light((card, element) => card.storage === storage && card.places[element] === place),
    });
    this.lines = html("ol", { class: "listing" });
    this.problem = html("p", { class: "problem", role: "alert" });
    this.failure = html("div", { class: "failure", role: "alert" });
    this.others = html("p", { class: "others" });
    mark(this.root, "aria-label", t("tensors.label"));
    this.root.replaceChildren(
      given.readOnly ? "" : this.bar.pane, this.problem,
      html("div", { class: "desk" },
        html("section", { class: "program", "aria-label": t("tensors.program") },
          html("h3", { title: t("tensors.program.help") }, t("tensors.program")), html("div", { class: "scroll" }, this.lines)),
        html("section", { class: "table" }, given.readOnly ? "" : this.strip.pane, this.failure,
          html("div", { class: "scroll" }, this.cards.pane, this.others)),
        this.panels.pane));
  }

  // The card to act on: the one selected before, else the newest.
  choose() {
    const { cards } = this.drawn;
    const held = cards.find((card) => card.names.includes(this.selected));
    const fresh = cards.find((card) => card.fresh && !card.names.includes(this.shown));
    if (this.acted && fresh) this.selected = fresh.names[0];
    else if (!held) this.selected = cards.length ? cards[cards.length - 1].names[0] : null;
    this.acted = false;
  }

  refresh() {
    const { drawn, given } = this;
    const card = drawn.cards.find((one) => one.names.includes(this.selected)) ?? null;
    const active = this.root.getRootNode().activeElement;
    const again = address(active);
    this.bar.show(given);
    this.strip.show(card, drawn.cards, this.before, given.free[1]);
    this.cards.show(drawn, card);
    this.panels.show(drawn, card);
    this.showLines();
    this.showFailure();
    say(this.problem, given.problem ?? "");
    this.problem.hidden = !given.problem;
    say(this.others, drawn.others.map(([name, text]) => `${name} = ${text}`).join("   "));
    if (this.seen !== this.selected) this.reveal();
    // What was drawn anew takes the keyboard's place again.
    const chosen = this.focus && `.card[data-name="${CSS.escape(this.focus)}"]`;
    if (chosen) this.root.querySelector(again?.startsWith(chosen) ? again : chosen)?.focus({ preventScroll: true });
    else if (again && !active.isConnected) this.root.querySelector(again)?.focus({ preventScroll: true });
    this.focus = null;
  }

  // The selected card into sight, within its pane: the page itself stays where the reader put it.
  reveal() {
    this.seen = this.selected;
    const card = this.cards.pane.querySelector(".card.selected");
    const pane = this.cards.pane.parentElement;
    if (!card) return;
    const top = card.offsetTop - pane.offsetTop;
    if (top < pane.scrollTop || top + card.offsetHeight > pane.scrollTop + pane.clientHeight) pane.scrollTop = top - 10;
  }

  showLines() {
    const t = this.texts;
    const answers = new Map(this.drawn.answers.map((one) => [one.line, one]));
    this.lines.replaceChildren(...this.given.lines.map((row, place) => {
      const last = row.line + row.text.split("\n").length - 1;
      const echoes = [];
      for (let line = row.line; line <= last; line++) {
        const answer = answers.get(line);
        if (answer && row.state !== "undone") echoes.push([answer.value, answer.printed.trimEnd()].filter(Boolean).join("\n"));
      }
      const now = place === this.given.done - 1;
      const label = t("tensors.line.go", { line: row.line, text: row.text }) + (row.state === "undone" ? ` (${t("tensors.line.undone")})` : "");
      return html("li", { class: `line ${row.state}${now ? " now" : ""}` },
        html("button", { type: "button", class: "step", "aria-label": label, "aria-current": now ? "step" : null,
          disabled: this.readOnly, onclick: () => this.act({ kind: "go", done: place + 1 }) },
        html("span", { class: "number", "aria-hidden": "true" }, String(row.line)), html("code", {}, row.text)),
        echoes.length ? html("pre", { class: "echo" }, echoes.join("\n").slice(0, 400)) : null);
    }));
    const now = this.lines.querySelector(".now");
    const pane = this.lines.parentElement; // its own scroll, and never the page's
    if (now) pane.scrollTop = Math.max(now.offsetTop + now.offsetHeight - pane.clientHeight - pane.offsetTop + 12, 0);
  }

  showFailure() {
    const { failure } = this.given;
    const t = this.texts;
    this.failure.hidden = !failure;
    if (!failure) {
      this.failure.replaceChildren();
      return;
    }
    this.failure.replaceChildren(
      html("h4", {}, failure.heading), html("pre", {}, failure.message), failure.why ? html("p", {}, failure.why) : "",
      this.readOnly ? "" : html("div", { class: "buttons" },
        failure.fix ? html("button", { type: "button", class: "main", title: t("tensors.fix.help"), onclick: () => this.act({ kind: "fix" }) }, t("tensors.fix")) : null,
        html("button", { type: "button", onclick: () => this.act({ kind: "go", done: this.firstFailed() }) }, t("tensors.back"))));
  }

  firstFailed() {
    const place = this.given.lines.findIndex((row) => row.state === "failed");
    return place < 1 ? this.given.done - 1 : place;
  }

  // ---- what the reader does

  act(action) {
    if (this.readOnly) return;
    if (this.sent && performance.now() - this.sent.at < PATIENCE) this.queue.push(action);
    else this.send(action);
  }

  // One action at a time: the next is done to what this one made.
  send(action) {
    this.acted = !["go", "walk"].includes(action.kind);
    this.shown = this.selected;
    // A report under way with the old address would make the page read that address again: it waits for the answer.
    clearTimeout(this.resting);
    const nonce = `${Date.now()}.${Math.random()}`;
    this.sent = { nonce, at: performance.now() };
    this.trigger?.("action", { ...action, card: this.selected, panel: this.panels.tab, nonce });
  }

  select(name, tell = true) {
    if (this.selected !== name) this.before = this.selected;
    this.selected = name;
    if (!tell) return;
    this.focus = name;
    this.refresh();
    this.rest();
  }

  rest() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      if (this.sent && performance.now() - this.sent.at < PATIENCE) {
        this.rest();
        return;
      }
      const at = { card: this.selected, panel: this.panels.tab };
      this.asked = JSON.stringify({ card: at.card ?? "", panel: at.panel ?? "" });
      this.report?.("at", at);
    }, REST);
  }

  // A cell under the pointer lights every cell that lies in the same place, and those that feed it or are fed by it.
  point(tensor, element, grad) {
    if (tensor === null) {
      this.cards.light(null);
      this.panels.light(null, null);
      return;
    }
    const card = this.drawn.cards.find((one) => one.tensor === tensor);
    const place = grad ? null : card.places[element];
    this.cards.light((one, at) => !grad && one.storage === card.storage && one.places[at] === place);
    this.panels.light(card.storage, place);
  }

  keys(event) {
    const tag = event.composedPath()[0].tagName;
    if (this.readOnly || !(event.ctrlKey || event.metaKey) || ["INPUT", "TEXTAREA", "SELECT"].includes(tag)) return;
    const key = event.key.toLowerCase();
    const way = key === "z" ? (event.shiftKey ? 1 : -1) : key === "y" ? 1 : 0;
    if (!way) return;
    event.preventDefault();
    this.bar.walk(way);
  }

  // The palette of the theme that Streamlit shows: told by how light its background is.
  dress() {
    const background = getComputedStyle(this.root).getPropertyValue("--st-background-color").trim();
    const theme = dark(background) ? "dark" : "light";
    for (const [name, colour] of Object.entries(this.given.palettes[theme])) {
      this.root.style.setProperty(`--${name.replace("_", "-")}`, colour);
    }
    if (background && background !== "unset") this.root.style.setProperty("--background", background);
    mark(this.root, "data-theme", theme);
  }
}

// Where an element is to be found after everything was drawn anew.
function address(element) {
  if (!element) return null;
  const card = element.closest(".card");
  if (card) {
    const place = `.card[data-name="${CSS.escape(card.dataset.name)}"]`;
    return element.dataset.element ? `${place} ${element.closest(".grad") ? ".grad" : ".value"} td[data-element="${element.dataset.element}"]` : place;
  }
  if (element.dataset.action) return `[data-action="${element.dataset.action}"]`;
  const line = element.closest("li.line");
  return line ? `li.line:nth-child(${[...line.parentElement.children].indexOf(line) + 1}) .step` : null;
}

function dark(colour) {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = "#ffffff";
  canvas.fillStyle = colour || "#ffffff";
  const [, red, green, blue] = /^#(..)(..)(..)/.exec(canvas.fillStyle) ?? [0, "ff", "ff", "ff"];
  return 0.2126 * parseInt(red, 16) + 0.7152 * parseInt(green, 16) + 0.0722 * parseInt(blue, 16) < 110;
}
