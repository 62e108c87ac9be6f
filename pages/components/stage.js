// The stage: source, graph, clock and tables of one trace, all at the same moment. The browser holds the whole trace, so a
// step asks nobody; the server hears only where the reader came to rest ("at") and which groups are drawn as one ("closed").
//
//   document (bytes) -> Model -> Scene -> Source, Graph, Clock, Tables  <- one moment m, one selected slot

import { button, html, mark, say } from "./dom.js";
import { Clock } from "./stage_clock.js";
import { Graph } from "./stage_graph.js";
import { readDocument } from "./stage_model.js";
import { savePicture, saveRaster } from "./stage_picture.js";
import { Scene } from "./stage_scene.js";
import { Source } from "./stage_source.js";
import { Tables } from "./stage_tables.js";
import { unpack } from "./msgpack.js";
import { speak } from "./words.js";
import { arrowHeads } from "./stage_heads.js";

const REST = 450;
const ROOM = { least: 520, most: 1100, below: 90, edge: 14 }; // pixels
const MANY = 24; // slots
const SWIFT = 400; // milliseconds between two moves
const stages = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".stage");
  let stage = stages.get(parentElement);
  if (!stage) {
    stage = new Stage(root);
    stages.set(parentElement, stage);
  }
  stage.report = setStateValue;
  stage.ask = setStateValue; // not a trigger: one that meets another rerun on its way would be lost
  stage.receive(data instanceof Uint8Array ? data : new Uint8Array(data));
  return () => {
    stage.close();
    stage.measure.disconnect();
    removeEventListener("resize", stage.take);
    document.removeEventListener("stage:ask", stage.asked);
    stages.delete(parentElement);
  };
}

class Stage {
  constructor(root) {
    this.root = root;
    this.bytes = null;
    this.opened = "";
    this.moment = 0;
    this.selected = null;
    this.hovered = null;
    root.addEventListener("keydown", (event) => this.keys(event));
    this.asked = ({ detail }) => {
      if (!this.elsewhere || !this.source) return;
      const stops = this.source.stops.get(detail.line);
      if (stops) this.goTo(stops, detail.line);
      else if (detail.span) this.characters(detail.span);
      else this.source.tell();
    };
    document.addEventListener("stage:ask", this.asked);
    this.take = () => this.takeRoom();
    this.measure = new ResizeObserver(this.take);
    addEventListener("resize", this.take);
  }

  // As high as the window allows: what stands above it on the page, and little things under it, keep their places.
  takeRoom() {
    const outside = this.root.getRootNode().host ?? this.root;
    const block = outside.closest('[data-testid="stVerticalBlock"]') ?? document.body;
    this.measure.observe(block);
    const scrolled = outside.closest('[data-testid="stMain"]')?.scrollTop ?? 0;
    const { top, bottom } = this.root.getBoundingClientRect();
    const last = Math.max(...[...block.children].map((child) => child.getBoundingClientRect().bottom));
    const below = Math.min(Math.max(last - bottom, 0), ROOM.below);
    const room = Math.min(Math.max(innerHeight - top - scrolled - below - ROOM.edge, ROOM.least), ROOM.most);
    this.root.style.setProperty("--room", `${Math.floor(room)}px`);
  }

  receive(bytes) {
    const { whole, answers } = unpack(bytes);
    if (!this.bytes || whole.length !== this.bytes.length || whole.some((byte, place) => byte !== this.bytes[place])) {
      this.bytes = whole.slice();
      this.open(unpack(this.bytes));
    }
    this.tables.inspector.answers = new Map(answers.map((answer) => [answer.key, answer]));
    this.refresh();
    this.dress();
    this.takeRoom();
  }

  // `given` is {document, texts, source, open: {step, part, node, view}, readOnly, mark}. Without source, an editor on the
  // page shows it: it is told what to mark ("stage:source"), and asks for that, for a line or for a span ("stage:ask").
  open(given) {
    const kept = this.model && this.mark === given.mark ? { position: this.model.position(this.moment), node: this.selected, view: this.graph.preferred } : null;
    const asked = JSON.stringify(given.open);
    const position = kept && asked === this.opened ? kept : { position: given.open, node: given.open.node, view: given.open.view };
    this.opened = asked;
    this.mark = given.mark;
    this.elsewhere = given.source === false;
    this.close();
    this.model = readDocument(given.document);
    this.texts = speak(given.texts);
    this.build(position.view);
    if (!this.model.moments.length) return;
    const { step, part } = position.position;
    this.travelled = step !== null;
    this.moment = step === null ? this.model.moments.length - 1 : this.model.momentOf(step, part);
    this.selected = position.node !== null && position.node >= 0 && position.node < this.model.slots.length ? position.node : null;
    if (this.selected !== null) this.tables.open("node");
    this.refresh();
    this.graph.enter(this.model.placeOfSlot.get(this.selected ?? 0) ?? 0);
  }

  build(view) {
    const scene = new Scene(this.model, this.texts);
    const choose = {
      node: (slot) => this.select(slot),
      hover: (slot) => this.hover(slot),
      open: (group) => this.openGroup(group),
      fold: (slot) => this.fold(slot),
      moment: (stops, line) => this.goTo(stops, line),
      exactly: (m) => this.move(m),
      characters: (span) => this.characters(span),
      ask: (question) => this.ask("ask", { ...question, mark: this.mark, turn: Date.now() }),
      light: (slots) => this.graph.lightPath(slots),
    };
    this.scene = scene;
    this.source = new Source(this.model, this.texts, choose);
    this.graph = new Graph(scene, this.texts, choose);
    this.graph.preferred = view === "right" || view === "down" ? view : null;
    this.graph.picture.prepend(arrowHeads());
    this.clock = new Clock(this.model, this.texts, (m, playing) => this.move(m, playing));
    this.tables = new Tables(scene, this.texts, choose);
    this.graph.onchoice = () => this.rest();
    this.graph.onturn = () => {
      this.refresh();
      if (this.travelled) this.accompany(); // at first the graph is seen from where it begins
    };
    this.addTools();
    const empty = !this.model.moments.length;
    this.root.classList.toggle("empty", empty);
    this.root.classList.toggle("sourceless", this.elsewhere);
    mark(this.root, "aria-label", this.texts("stage.label"));
    this.root.replaceChildren(html("div", { class: "grid" }, this.source.pane, this.graph.pane, this.clock.pane, this.tables.tensors,
      this.tables.side));
    if (empty) say(this.graph.note, this.texts("stage.empty"));
    else if (!this.model.places.length) say(this.graph.note, this.texts("stage.nothing"));
  }

  addTools() {
    const t = this.texts;
    const { graph } = this;
    const background = () => getComputedStyle(this.root).getPropertyValue("--background").trim() || "#ffffff";
    const save = (maker, name) => () => maker(graph, background(), name);
    graph.tools.append(
      button("SVG", t("stage.save.svg"), save(savePicture, "graph.svg")),
      button("PNG", t("stage.save.png"), save(saveRaster, "graph.png")));
    const closed = this.model.layout.closed;
    if (this.model.groups.length) {
      graph.groupButtons.append(
        button(t("stage.groups.open"), t("stage.groups.open.help"), () => this.regroup(() => []), { disabled: !closed.length }),
        button(t("stage.groups.close"), t("stage.groups.close.help"), () => this.regroup(() => this.outermost()),
          { disabled: closed.length > 0 && this.outermost().every((number) => closed.includes(number)) }));
    }
  }

  // A large group opens into the groups inside it, a small one into all that it holds.
  openGroup(group) {
    const place = this.model.places.find((one) => one.group === group);
    const inner = place && place.size > MANY ? this.model.groups.filter(({ parent }) => parent === group) : [];
    this.regroup((closed) => [...closed.filter((number) => number !== group), ...inner.map(({ number }) => number)]);
  }

  outermost() {
    return this.model.groups.filter((group) => group.parent === null).map((group) => group.number);
  }

  // ---- what the reader does

  move(m, playing = false) {
    if (!playing) this.clock.pause();
    this.hurry();
    this.moment = m;
    this.travelled = true;
    this.clock.m = m;
    if (!this.waiting) {
      this.waiting = requestAnimationFrame(() => {
        this.waiting = null;
        this.refresh();
        this.accompany();
      });
    }
    this.rest();
  }

  // While the hand is faster than the picture's short movements, there are none: they would only be in its way.
  hurry() {
    const now = performance.now();
    this.root.classList.toggle("swift", now - (this.lastMove ?? -SWIFT) < SWIFT);
    this.lastMove = now;
    clearTimeout(this.calming);
    this.calming = setTimeout(() => this.root.classList.remove("swift"), SWIFT);
  }

  // Keeps what is happening in sight, where the graph is larger than its pane.
  accompany() {
    const moment = this.model.moments[this.moment];
    let slot;
    if (moment.kind === "event") slot = this.model.slotOfNode.get(this.model.events[moment.row].node);
    else {
      const first = this.model.firstOf(this.moment);
      slot = this.model.slots.find((one) => one.variants.some((variant) => variant.at >= first && variant.at <= this.moment))?.number;
    }
    if (slot !== undefined) this.graph.view.reveal(slot);
  }

  goTo(stops, line) {
    const here = this.model.stepAt(this.moment).span[0] === line;
    const next = stops.find((m) => (here ? m > this.moment : m >= this.moment));
    this.move(next ?? stops[0]);
  }

  select(slot) {
    const same = this.selected === slot;
    this.selected = same ? null : slot;
    if (!same) {
      this.tables.open("node");
      const variant = this.model.variantAt(this.model.slots[slot], this.moment);
      if (variant.at > this.moment) this.move(variant.at);
    }
    this.graph.enter(this.model.placeOfSlot.get(slot));
    this.refresh();
    this.rest();
  }

  hover(slot) {
    if (this.hovered === slot) return;
    this.hovered = slot;
    this.refresh();
  }

  // The node made by exactly these characters, or by the smallest sub-expression around them.
  characters(span) {
    let best = null;
    const inside = ([line, column, endLine, endColumn]) =>
      (line < span[0] || (line === span[0] && column <= span[1])) && (endLine > span[2] || (endLine === span[2] && endColumn >= span[3]));
    const size = ([line, column, endLine, endColumn]) => (endLine - line) * 1000 + endColumn - column;
    for (const slot of this.model.slots) {
      const variant = this.model.variantAt(slot, this.moment);
      if (!variant.span || !inside(variant.span)) continue;
      if (best === null || size(variant.span) <= size(best.span)) best = { span: variant.span, slot: slot.number };
    }
    const named = best ?? this.named(span);
    if (named && named.slot !== this.selected) this.select(named.slot);
  }

  // A bare name: the tensor it is bound to.
  named(span) {
    const text = Array.from(this.model.lines[span[0] - 1] ?? "");
    let [from, to] = [span[1], Math.max(span[3], span[1])];
    const word = (place) => /[\p{L}\p{N}_.]/u.test(text[place] ?? "");
    while (from > 0 && word(from - 1)) from--;
    while (to < text.length && word(to)) to++;
    const name = text.slice(from, to).join("");
    for (const [tensor, names] of this.model.names) {
      if (names.includes(name) && this.model.slotOfTensor.has(tensor)) return { slot: this.model.slotOfTensor.get(tensor) };
    }
    return null;
  }

  fold(slot) {
    const groups = this.model.slots[slot].groups;
    if (groups.length) this.regroup((closed) => [...closed, groups[groups.length - 1]]);
  }

  regroup(change) {
    this.report?.("closed", change(this.model.layout.closed));
  }

  keys(event) {
    if (!this.model?.moments.length) return;
    const tag = event.composedPath()[0].tagName;
    if (tag === "SELECT" || tag === "INPUT" || tag === "TEXTAREA") return;
    if (event.composedPath().some((element) => element.classList?.contains("scroll")) && ["ArrowUp", "ArrowDown", "PageUp", "PageDown"].includes(event.key)) return;
    if (event.key === "Escape" && this.selected !== null) this.select(this.selected);
    else this.clock.keys(event);
  }

  refresh() {
    if (!this.model.moments.length) return;
    const lit = this.hovered ?? this.selected;
    const span = lit === null ? null : this.model.variantAt(this.model.slots[lit], this.moment).span;
    this.source.show(this.moment, span);
    if (this.elsewhere) this.source.tell();
    this.graph.show(this.moment, this.selected, this.hovered);
    this.clock.show(this.moment);
    this.tables.show(this.moment, this.selected);
  }

  rest() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      if (this.clock.playing) {
        this.rest();
        return;
      }
      this.report?.("at", { ...this.model.position(this.moment), node: this.selected, view: this.graph.preferred ?? "" });
    }, REST);
  }

  // The palette of the theme that Streamlit shows: told by how light its background is.
  dress() {
    if (!this.model) return;
    const background = getComputedStyle(this.root).getPropertyValue("--st-background-color").trim();
    const theme = dark(background) ? "dark" : "light";
    for (const [name, colour] of Object.entries(this.model.palettes[theme])) {
      this.root.style.setProperty(`--${name.replace("_", "-")}`, colour);
    }
    if (background && background !== "unset") this.root.style.setProperty("--background", background);
    mark(this.root, "data-theme", theme);
  }

  close() {
    clearTimeout(this.resting);
    clearTimeout(this.calming);
    if (this.waiting) cancelAnimationFrame(this.waiting);
    this.waiting = null;
    this.clock?.pause();
    this.graph?.close();
    this.hovered = null;
  }
}

function dark(colour) {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = "#ffffff";
  canvas.fillStyle = colour || "#ffffff";
  const [, red, green, blue] = /^#(..)(..)(..)/.exec(canvas.fillStyle) ?? [0, "ff", "ff", "ff"];
  return 0.2126 * parseInt(red, 16) + 0.7152 * parseInt(green, 16) + 0.0722 * parseInt(blue, 16) < 110;
}
