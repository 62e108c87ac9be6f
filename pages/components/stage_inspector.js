// Everything about the selected node or tensor at one moment: why None, value and gradient as sheets, the formula with its
// numbers, what it saved, and what PyTorch answers when asked.

import { button, html } from "./dom.js";
import { equation, inserted } from "./stage_formula.js";
import { sheet } from "./stage_heat.js";
import { answered } from "./stage_answers.js";
import { broadcast, update } from "./stage_workings.js";
import { digits, preview, shape, whole } from "./words.js";

const LETTERS = ["a", "b", "c"];

export class Inspector {
  constructor(scene, texts, choose) {
    this.scene = scene;
    this.model = scene.model;
    this.texts = texts;
    this.choose = choose;
    this.turns = new Map();
  }

  show(panel, m, selected) {
    this.panel = panel;
    this.m = m;
    this.selected = selected;
    const slot = selected === null ? null : this.model.slots[selected];
    if (!slot) {
      panel.replaceChildren(html("p", {}, this.texts("stage.node.none")));
      return;
    }
    const facts = this.scene.card(slot, m);
    const top = panel.scrollTop;
    panel.replaceChildren(html("h4", {}, facts.title), html("div", { class: "inspected" }, html("dl", {}, ...this.rows(facts, m)), this.asking(facts)));
    panel.scrollTop = top;
    this.reveal(panel);
  }

  // What was asked comes into view when it is answered.
  reveal(panel) {
    if (!this.asked || !this.answers?.has(this.asked)) return;
    const found = [...panel.querySelectorAll(".question")].find((one) => one.dataset.question === this.asked);
    if (found) panel.scrollTop += found.getBoundingClientRect().top - panel.getBoundingClientRect().top - 8;
    this.asked = null;
  }

  again() {
    this.show(this.panel, this.m, this.selected);
  }

  rows(facts, m) {
    const t = this.texts;
    const rows = [];
    const add = (name, content, className = "") => {
      if (content) rows.push(html("dt", {}, t(`stage.node.${name}`)), html("dd", { class: className }, content));
    };
    add("kind", `${facts.word}${facts.freed ? ` · ${t("stage.freed")}` : ""}`);
    add("engine", facts.engine);
    add("written", facts.written === facts.title ? "" : facts.written);
    if (facts.variant.span) add("line", this.lineButton(facts.variant));
    add("cut", facts.cut ? t(`stage.cut.${facts.cut}`) : "");
    if (facts.born && facts.value) {
      add("value", this.numbers(facts.value, "value"), "value");
      add("statistics", this.statistics(facts.value));
    } else add("value", t("stage.unborn"));
    if (facts.grad) add("grad", facts.grad.value ? this.numbers(facts.grad.value, "gradient") : facts.grad.word, "grad");
    if (facts.grad?.value && facts.grad.stored === false) add("stored", t("stage.grad.passed"));
    add("why", this.why(facts, m));
    this.formula(facts, m, add);
    add("passes", this.passes(facts, m));
    add("saved", this.saved(facts));
    if (facts.value?.version) add("version", t("stage.node.versions", { version: facts.value.version }));
    add("kernels", facts.operation?.kernels.join(", "));
    const spread = facts.node ? this.model.explained.broadcast[facts.node.number] : undefined;
    if (spread !== undefined) add("broadcast", broadcast(this.model.explained.broadcasts[spread], t));
    const steps = this.model.updatesOf.get(facts.tensor)?.filter((row) => row.at <= m) ?? [];
    if (steps.length) add("updates", update(steps[steps.length - 1], this.model, t, this.choose));
    return rows;
  }

  lineButton(variant) {
    const [line, column] = variant.span;
    return button(this.texts("stage.node.at", { line, column: column + 1 }), this.texts("stage.node.go"), () => this.choose.exactly(variant.at));
  }

  // A number in words; more than one as a sheet.
  numbers(value, kind) {
    if (!value.preview || value.preview.values.length < 2) return html("pre", {}, whole(value));
    const key = `${kind}:${this.selected}`;
    if (!this.turns.has(key)) this.turns.set(key, { row: 0, column: 0 });
    return sheet(value, kind, this.texts, this.turns.get(key), () => this.again());
  }

  statistics(value) {
    const seen = value.preview;
    if (!seen || seen.minimum === null || seen.values.length < 2) return "";
    const text = this.texts("stage.node.range", { minimum: digits(seen.minimum), maximum: digits(seen.maximum), mean: digits(seen.mean) });
    return seen.nonfinite ? `${text} · ${this.texts("stage.node.nonfinite", { count: seen.nonfinite })}` : text;
  }

  // Why .grad is None here and now, with the lines it is about.
  why(facts, m) {
    const reason = facts.born ? this.model.reasonAt(facts.tensor, m) : null;
    if (!reason) return null;
    return html("div", { class: "why" }, html("p", {}, this.texts(reason.code, this.spoken(reason))), html("p", {}, this.texts(`${reason.code}.way`, this.spoken(reason))),
      ...[reason.cause, reason.span].filter(Boolean).map((span) => this.toLine(span)));
  }

  // The same in one text, for a tensor that has no card.
  reason(tensor, m) {
    const reason = this.model.reasonAt(tensor, m);
    return reason ? `${this.texts(reason.code, this.spoken(reason))}\n${this.texts(`${reason.code}.way`, this.spoken(reason))}` : null;
  }

  spoken(reason) {
    const cut = reason.params.reason;
    return cut === undefined ? reason.params : { ...reason.params, reason: this.texts(`stage.cut.${cut}`) };
  }

  toLine(span) {
    const stops = this.model.steps.flatMap((step, place) => (step.span[0] === span[0] ? [this.model.stepMoments[place]] : []));
    return stops.length ? button(this.texts("stage.line", { line: span[0] }), this.texts("stage.line.go", { line: span[0] }),
      () => this.choose.exactly(stops[stops.length - 1])) : null;
  }

  formula(facts, m, add) {
    const { node } = facts;
    const row = node ? this.model.explained.formulas[this.model.explained.formula[node.number]] : null;
    if (!row) return;
    const event = this.model.eventAt(node.number, m);
    const number = this.putIn(node, event);
    const stands = LETTERS.flatMap((letter, position) => {
      const goes = position < row.vjps.length ? this.model.edgeTo.get(`${node.number}:${position}`) : undefined;
      return goes === undefined ? [] : [`${letter} = ${this.nameOf(goes)}`];
    });
    add("formula", html("div", { class: "formula" }, equation("y", row.forward),
      html("small", {}, [...stands, `y = ${facts.title}`, this.texts("stage.node.arriving")].join(" · ")), html("p", {}, this.texts(row.code))));
    const sends = row.vjps.map((vjp, position) => {
      const sent = event ? event.grad_inputs[position] : undefined;
      const goes = this.model.edgeTo.get(`${node.number}:${position}`);
      if (goes === undefined) return null;
      const value = sent === null || sent === undefined ? null : this.model.values.get(sent);
      return html("li", {}, html("small", {}, this.texts("stage.node.to", { name: this.nameOf(goes) })), equation(["g", LETTERS[position]], vjp),
        value ? html("div", { class: "put" }, equation(["g", LETTERS[position]], vjp, number), ` = ${preview(value, 24)}`) : null);
    }).filter(Boolean);
    if (sends.length) add("sends", html("ul", { class: "formula" }, ...sends));
  }

  nameOf(number) {
    const node = this.model.nodeOf.get(number);
    const slot = this.model.slotOfNode.get(number);
    return node?.label || (slot === undefined ? node?.name : this.scene.card(this.model.slots[slot], this.m).title) || "?";
  }

  // The numbers that stand for the names of a node's formula, at the pass it last fired in.
  putIn(node, event) {
    const places = this.model.explained.numbers[node.number] ?? {};
    const arrived = event?.grad_outputs.length === 1 ? event.grad_outputs[0] ?? undefined : undefined; // several have no one name
    return (name) => {
      if (name === "g") return arrived === undefined ? null : inserted(this.model.values.get(arrived));
      const place = places[name];
      if (!place) return null;
      if (place[0] === "text") return place[1];
      if (place[0] === "value") return inserted(this.model.values.get(place[1]));
      const saved = node.saved[place[1]];
      return inserted({ kind: "tensor", shape: saved.shape, preview: saved.preview });
    };
  }

  passes(facts, m) {
    const events = facts.node ? (this.model.eventsOf.get(facts.node.number) ?? []).filter((event) => event.at <= m) : [];
    if (!events.length) return null;
    return html("ol", {}, ...events.slice(-12).map((event) => html("li", {},
      this.texts("stage.node.pass", { pass: event.pass_ + 1, incoming: this.listed(event.grad_outputs), outgoing: this.listed(event.grad_inputs) || "–" }))));
  }

  listed(list) {
    return list.map((number) => (number === null ? "None" : preview(this.model.values.get(number), 22))).join(", ");
  }

  saved(facts) {
    if (!facts.node?.saved.length) return null;
    const bytes = facts.node.saved.reduce((sum, row) => sum + row.nbytes, 0);
    return html("ul", {}, bytes ? html("li", {}, this.texts(facts.freed ? "stage.node.freed" : "stage.node.held", { bytes })) : null,
      ...facts.node.saved.filter((row) => !row.name.includes("_sym_")).map((row) => html("li", {}, html("code", {}, row.name.replace("_saved_", "")), " ", this.kept(row, facts))));
  }

  kept(row, facts) {
    if (row.shape === null) return row.text;
    if (facts.freed) return this.texts("stage.freed");
    return `${shape(row.shape)} ${preview({ kind: "tensor", shape: row.shape, preview: row.preview }, 26)}`;
  }

  // ---- what PyTorch is asked

  asking(facts) {
    const kinds = [];
    if (facts.node && facts.node.leaf === null) kinds.push("jacobian", "kernels");
    if (facts.slot.kind === "leaf" && facts.node) kinds.push("paths", "truth", "forward");
    if (!kinds.length || !this.choose.ask) return "";
    const rows = kinds.map((kind) => {
      const question = this.question(kind, facts);
      const known = this.answers?.get(question.key);
      const waiting = this.asked === question.key && !known;
      return html("div", { class: "question", "data-question": question.key }, known ? answered(kind, known, this) : button(
        this.texts(waiting ? "stage.ask.waiting" : `stage.ask.${kind}`), this.texts(`stage.ask.${kind}.help`), () => {
          this.asked = question.key;
          this.choose.ask(question);
          this.again();
        }, { class: "ask", disabled: waiting }));
    });
    return html("div", { class: "questions" }, ...rows);
  }

  question(kind, { node }) {
    const events = this.model.eventsOf.get(node.number) ?? [];
    const event = kind === "paths" ? events.filter((one) => one.at <= this.m).pop() ?? events[0] : null;
    const subject = ["paths", "truth", "forward"].includes(kind) ? node.leaf : node.number;
    const other = event ? event.pass_ : null;
    return { kind, subject, other, key: `${kind}:${subject}:${other}` };
  }
}
