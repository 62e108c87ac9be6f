// The tables under the picture: every tensor at this moment and what changed; the ledger of each leaf's .grad; what was
// printed so far; everything about the selected node.

import { html, mark, say } from "./dom.js";
import { Inspector } from "./stage_inspector.js";
import { preview, shape, unusual, whole } from "./words.js";

const TABS = ["ledger", "node", "output"];

// Tensors, and what holds some, come before plain numbers and lists, each in order of first appearance.
const carries = ({ value, inside, holder }) => inside || holder || value.kind === "tensor" || value.kind === "module";

export class Tables {
  constructor(scene, texts, choose) {
    this.scene = scene;
    this.model = scene.model;
    this.texts = texts;
    this.choose = choose;
    const t = texts;
    this.body = html("tbody", {});
    this.tensors = html("section", { class: "tensors", "aria-label": t("stage.tensors") },
      html("div", { class: "scroll", tabindex: "0" }, html("table", {},
        html("thead", {}, html("tr", {}, ...["name", "value", "grad", "flags"].map((name) =>
          html("th", { scope: "col" }, t(`stage.column.${name}`))))),
        this.body)));
    this.panels = Object.fromEntries(TABS.map((tab) => [tab, html("div", { class: "scroll panel", role: "tabpanel", tabindex: "0", "aria-label": t(`stage.${tab}`) })]));
    this.tabs = Object.fromEntries(TABS.map((tab) => [tab,
      html("button", { type: "button", role: "tab", onclick: () => this.open(tab) }, t(`stage.${tab}`))]));
    this.bar = html("div", { class: "tabs", role: "tablist" }, ...Object.values(this.tabs));
    this.bar.addEventListener("keydown", (event) => this.walk(event));
    this.side = html("section", { class: "side" }, this.bar, ...Object.values(this.panels));
    this.inspector = new Inspector(scene, texts, choose);
    this.open("ledger");
  }

  walk(event) {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way) return;
    const next = TABS[(TABS.indexOf(this.tab) + way + TABS.length) % TABS.length];
    this.open(next);
    this.tabs[next].focus();
    event.preventDefault();
    event.stopPropagation();
  }

  open(tab) {
    this.tab = tab;
    for (const name of TABS) {
      mark(this.tabs[name], "aria-selected", String(name === tab));
      mark(this.tabs[name], "tabindex", name === tab ? "0" : "-1");
      this.panels[name].hidden = name !== tab;
    }
    if (this.m !== undefined) this.showSide();
  }

  show(m, selected) {
    this.m = m;
    this.selected = selected;
    this.showTensors(m);
    this.showSide();
  }

  showSide() {
    if (this.tab === "ledger") this.showLedger(this.m);
    else if (this.tab === "node") this.inspector.show(this.panels.node, this.m, this.selected);
    else this.showOutput(this.m);
  }

  showOutput(m) {
    const written = this.model.writtenUntil(m).map(([text, error]) => html("span", { class: error ? "error-stream" : null }, text));
    this.panels.output.replaceChildren(...(written.length ? written : [this.texts("stage.output.nothing")]));
  }

  // ---- tensors

  rowsAt(m) {
    const rows = [];
    for (const [name, number] of this.model.variablesAt(m)) {
      const value = this.model.values.get(number);
      if (!value) continue;
      const parts = value.kind === "module" || value.kind === "other" ? this.model.held(name, number) : [];
      rows.push({ name, value, grad: this.gradOf(value, m), holder: parts.length > 0 });
      for (const [path, part] of parts) if (part) rows.push({ name: path, word: path.slice(name.length), value: part, grad: this.gradOf(part, m), inside: true });
    }
    return [...rows.filter(carries), ...rows.filter((row) => !carries(row))];
  }

  gradOf(value, m) {
    if (value.kind !== "tensor") return null;
    const slot = this.model.slotOfTensor.get(value.tensor);
    if (!value.requires_grad) return { word: "None", state: "unneeded" };
    const held = this.model.gradAt(value.tensor, m).value;
    if (held) return this.scene.number(held);
    const facts = slot === undefined ? null : this.scene.card(this.model.slots[slot], m);
    const waits = value.is_leaf && facts?.grad?.state === "later";
    return { word: "None", state: waits ? "later" : "none" };
  }

  showTensors(m) {
    const rows = this.rowsAt(m);
    const before = new Map(m > 0 ? this.rowsAt(m - 1).map((row) => [row.name, row]) : []);
    while (this.body.children.length > rows.length) this.body.lastChild.remove();
    rows.forEach((row, number) => {
      if (number >= this.body.children.length) {
        this.body.append(html("tr", { onclick: (event) => this.pick(event) }, html("th", { scope: "row" }), html("td", { class: "value" }), html("td", { class: "grad" }), html("td", { class: "flags" })));
      }
      this.showRow(this.body.children[number], row, before.get(row.name));
    });
  }

  pick(event) {
    const tensor = event.currentTarget.dataset.tensor;
    const slot = tensor === undefined ? undefined : this.model.slotOfTensor.get(Number(tensor));
    if (slot !== undefined) this.choose.node(slot);
  }

  showRow(element, row, before) {
    const { value, grad } = row;
    const [name, cell, gradCell, flags] = element.children;
    const sizes = value.kind === "tensor" || value.kind === "array" ? `${shape(value.shape)} ${unusual(value)}`.trim() : "";
    const words = value.kind === "module" ? value.type : preview(value, 36);
    const first = before ? (before.value.kind === "module" ? before.value.type : preview(before.value, 36)) : null;
    mark(element, "data-tensor", value.kind === "tensor" ? value.tensor : null);
    element.classList.toggle("inside", Boolean(row.inside));
    say(name, row.word ?? row.name);
    mark(name, "title", row.name);
    if (cell.children.length === 0) cell.append(html("div", { class: "pair" }, html("span", {}), html("small", {})));
    say(cell.firstChild.children[0], words);
    say(cell.firstChild.children[1], sizes);
    mark(cell, "title", value.kind === "tensor" || value.kind === "array" ? whole(value).slice(0, 600) : null);
    const changed = before === undefined ? "new" : first !== words || before.value.version !== value.version ? "changed" : null;
    mark(cell, "data-change", changed);
    say(gradCell, grad ? grad.word : "");
    mark(gradCell, "data-state", grad?.state);
    const reason = grad?.word === "None" ? this.inspector.reason(value.tensor, this.m) : null;
    mark(gradCell, "title", reason ? reason : grad?.state === "later" ? this.texts("stage.grad.later") : grad?.value ? whole(grad.value).slice(0, 600) : null);
    mark(gradCell, "data-change", before && grad && before.grad && before.grad.word !== grad.word ? "changed" : null);
    const says = this.flags(value).join(" · ");
    say(flags, says);
    mark(flags, "title", says);
  }

  flags(value) {
    const t = this.texts;
    if (value.kind === "module") return [t(value.training ? "stage.flag.training" : "stage.flag.evaluating")];
    if (value.kind !== "tensor") return [value.kind === "array" ? "numpy" : value.type ?? ""];
    const words = [];
    words.push(value.is_leaf ? t("stage.flag.leaf") : this.model.nodeOf.get(value.node)?.name ?? t("stage.flag.nonleaf"));
    if (value.requires_grad) words.push("requires_grad");
    if (value.retains_grad) words.push("retains_grad");
    if (value.is_inference) words.push("inference");
    if (value.version) words.push(t("stage.flag.version", { version: value.version }));
    return words;
  }

  // ---- ledger

  showLedger(m) {
    const { model, texts: t } = this;
    const panel = this.panels.ledger;
    const state = [...model.depositsOf.values()].map((rows) => {
      const happened = rows.filter((row) => row.at <= m);
      return [happened.length, happened.filter((row) => this.isNow(row, m)).length];
    }).join(";");
    if (this.told === state) return;
    this.told = state;
    const accounts = [...model.depositsOf].map(([tensor, rows]) => {
      const happened = rows.filter((row) => row.at <= m);
      const names = model.names.get(tensor) ?? [];
      const entries = happened.slice(-40).map((row) => this.entry(row, m));
      const left = happened.length - entries.length;
      return html("div", { class: "account" },
        html("h4", {}, `${names[0] ?? model.slots[model.slotOfTensor.get(tensor)]?.kind ?? "?"}.grad`),
        entries.length ? html("ol", {}, left > 0 ? html("li", { class: "left" }, t("stage.ledger.left", { count: left })) : null, ...entries)
          : html("p", {}, t("stage.ledger.empty")));
    });
    panel.replaceChildren(...(accounts.length ? accounts : [html("p", {}, t("stage.ledger.never"))]));
    panel.scrollTop = panel.scrollHeight;
  }

  isNow(row, m) {
    return row.at === m || row.at === this.model.doneOf(m);
  }

  entry(row, m) {
    const { model, texts: t } = this;
    const value = (number) => (number === null ? null : model.values.get(number));
    const line = model.steps[model.stepOfTick.get(row.tick)]?.span[0] ?? "?";
    const after = row.after === null ? "None" : preview(value(row.after), 26);
    const what = row.kind === "deposit" ? this.deposit(row, line, row.amount === null ? "" : preview(value(row.amount), 20))
      : t(`stage.ledger.${row.kind}`, { line });
    return html("li", { class: `${row.kind}${this.isNow(row, m) ? " now" : ""}` },
      html("button", { type: "button", onclick: () => this.choose.exactly(row.at) }, what), html("b", {}, after));
  }

  // In a loop the iteration says when; of long loops not every pass was recorded, so their count would say nothing.
  deposit(row, line, amount) {
    const { model, texts: t } = this;
    const added = amount.startsWith("-") ? `− ${amount.slice(1)}` : `+ ${amount}`;
    const around = model.steps[model.stepOfTick.get(row.tick)]?.iterations ?? [];
    if (!around.length) return t("stage.ledger.deposit", { amount: added, pass: (row.pass_ ?? 0) + 1, line });
    return t("stage.ledger.deposit.loop", { amount: added, iteration: around[around.length - 1][1] + 1, line });
  }
}
