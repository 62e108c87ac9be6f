// The bar above the bench: a new tensor, one typed line, undo and redo. Built once, so that what is typed stays.

import { html, mark } from "./dom.js";

export class Bar {
  constructor(given, t, act) {
    this.t = t;
    this.act = act;
    this.given = given;
    this.maker = this.makeForm(given);
    this.line = html("input", { class: "line-input", type: "text", spellcheck: "false", autocomplete: "off", autocapitalize: "off",
      "aria-label": t("tensors.typed"), title: t("tensors.typed.help"), placeholder: "y = w * x" });
    const typed = html("form", { class: "typed", onsubmit: (event) => this.type(event) },
      html("span", { class: "prompt", "aria-hidden": "true" }, ">>>"), this.line,
      html("button", { type: "submit", class: "main" }, t("tensors.do")));
    this.undo = html("button", { type: "button", class: "undo", title: t("tensors.undo.help"), onclick: () => this.walk(-1) }, t("tensors.undo"));
    this.redo = html("button", { type: "button", class: "redo", title: t("tensors.redo.help"), onclick: () => this.walk(1) }, t("tensors.redo"));
    this.opener = html("button", { type: "button", class: "main new", title: t("tensors.new.help"), "aria-expanded": "false", onclick: () => this.unfold() },
      `+ ${t("tensors.new")}`);
    this.pane = html("section", { class: "bar" },
      html("div", { class: "row" }, this.opener, typed, html("span", { class: "pair" }, this.undo, this.redo)), this.maker);
  }

  // After an action that was not refused, the forms are ready for the next.
  show(given) {
    this.given = given;
    this.undo.disabled = given.done <= 1;
    this.redo.disabled = given.done >= given.count;
    this.fields.name.placeholder = given.free[0];
    // What was refused comes back to its field, unless something else is typed there by now.
    if (this.asked && given.problem) this.line.value ||= this.asked;
    if (this.built && !given.problem) this.fields.name.value = "";
    this.asked = "";
    this.built = false;
  }

  walk(way) {
    this.act({ kind: "walk", way });
  }

  type(event) {
    event.preventDefault();
    this.asked = this.line.value;
    this.line.value = "";
    this.act({ kind: "line", text: this.asked });
  }

  unfold(open = this.maker.hidden) {
    this.maker.hidden = !open;
    mark(this.opener, "aria-expanded", String(open));
    if (open) this.fields.name.focus();
  }

  makeForm(given) {
    const { t } = this;
    const choice = (rows, words = (row) => row) => html("select", {}, ...rows.map((row) => html("option", { value: row }, words(row))));
    const text = (value, size) => html("input", { type: "text", value, size, spellcheck: "false", autocomplete: "off", autocapitalize: "off" });
    this.fields = {
      name: text("", 6),
      fill: choice(given.fills, (row) => (row === "values" ? t("tensors.fill.name.values") : `torch.${row}`)),
      values: html("textarea", { rows: "2", cols: "18", spellcheck: "false", title: t("tensors.field.values.help") }, "1"),
      shape: text("2, 3", 7),
      start: text("0", 4),
      end: text("6", 4),
      step: text("1", 4),
      steps: text("5", 4),
      seed: text("", 4),
      dtype: choice(given.dtypes),
      device: choice(given.devices),
      requires_grad: html("input", { type: "checkbox" }),
    };
    this.labels = Object.fromEntries(Object.entries(this.fields).map(([name, field]) => [name,
      html("label", { class: `field ${name}` }, html("span", {}, t(`tensors.field.${name}`)), field)]));
    this.fields.fill.addEventListener("change", () => this.suit());
    this.fields.dtype.addEventListener("change", () => this.suit());
    this.fields.values.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.create(event);
    });
    const form = html("form", { class: "maker", hidden: true, onsubmit: (event) => this.create(event) },
      ...Object.values(this.labels), html("button", { type: "submit", class: "main" }, t("tensors.create")));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.unfold(false);
        this.opener.focus();
      }
    });
    this.suit();
    return form;
  }

  // Only the fields that matter to this fill.
  suit() {
    const fill = this.fields.fill.value;
    const shown = {
      values: fill === "values",
      shape: ["zeros", "ones", "rand", "randn"].includes(fill),
      seed: ["rand", "randn"].includes(fill),
      start: ["arange", "linspace"].includes(fill),
      end: ["arange", "linspace"].includes(fill),
      step: fill === "arange",
      steps: fill === "linspace",
    };
    for (const [name, on] of Object.entries(shown)) this.labels[name].hidden = !on;
  }

  create(event) {
    event.preventDefault();
    const values = Object.fromEntries(Object.entries(this.fields).map(([name, field]) => [name, field.type === "checkbox" ? field.checked : field.value]));
    this.built = true;
    this.act({ kind: "build", ...values });
  }
}
