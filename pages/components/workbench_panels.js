// What lies behind the cards: the ledger of each .grad, the storages, which cells feed which, hooks and output.

import { html, mark } from "./dom.js";
import { digits, shape } from "./words.js";
import { indexOf, letters, line } from "./workbench_words.js";

const TABS = ["ledger", "storage", "cells", "hooks"];

export class Panels {
  constructor(t, choose) {
    this.t = t;
    this.choose = choose;
    this.panels = Object.fromEntries(TABS.map((tab) => [tab, html("div", { class: `panel ${tab}`, role: "tabpanel", tabindex: "0", "aria-label": t(`tensors.panel.${tab}`) })]));
    this.tabs = Object.fromEntries(TABS.map((tab) => [tab, html("button", { type: "button", role: "tab", "data-tab": tab, onclick: () => this.open(tab) }, t(`tensors.panel.${tab}`))]));
    this.bar = html("div", { class: "tabs", role: "tablist" }, ...Object.values(this.tabs));
    this.bar.addEventListener("keydown", (event) => this.walk(event));
    this.pane = html("section", { class: "behind" }, this.bar, ...Object.values(this.panels));
    this.open("ledger", false);
  }

  walk(event) {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!way) return;
    const next = TABS[(TABS.indexOf(this.tab) + way + TABS.length) % TABS.length];
    this.open(next);
    this.tabs[next].focus();
    event.preventDefault();
  }

  open(tab, tell = true) {
    this.tab = tab;
    for (const name of TABS) {
      mark(this.tabs[name], "aria-selected", String(name === tab));
      mark(this.tabs[name], "tabindex", name === tab ? "0" : "-1");
      this.panels[name].hidden = name !== tab;
    }
    if (tell) this.choose.tab(tab);
  }

  show(drawn, selected) {
    this.drawn = drawn;
    this.letters = letters(drawn.storages);
    this.panels.ledger.replaceChildren(...this.ledger());
    this.panels.storage.replaceChildren(...this.storages(selected));
    this.panels.cells.replaceChildren(...this.origin(selected));
    this.panels.hooks.replaceChildren(...this.hooks());
  }

  nothing(code) {
    return [html("p", {}, this.t(code))];
  }

  // ---- the ledger of each .grad

  ledger() {
    const { t } = this;
    const accounts = this.drawn.cards.filter((card) => card.ledger.length);
    if (!accounts.length) return this.nothing("tensors.ledger.never");
    return accounts.map((card) => html("div", { class: "account" }, html("h4", {}, `${card.names[0]}.grad`),
      html("ol", {}, ...card.ledger.map((entry) => html("li", { class: `${entry.kind}${entry.new ? " now" : ""}` },
        html("span", {}, t(`tensors.ledger.${entry.kind}`, { line: entry.line, amount: line(entry.amount) })), html("b", {}, entry.after ? line(entry.after) : "None"))))));
  }

  // ---- storages: the cells of each in order, and under them where each tensor's elements lie

  storages(selected) {
    const { t, drawn } = this;
    if (!drawn.storages.length) return this.nothing("tensors.storage.none");
    const order = [...drawn.storages].sort((one, other) => Number(other.number === selected?.storage) - Number(one.number === selected?.storage));
    return order.map((storage) => {
      const letter = this.letters.get(storage.number);
      const at = (place) => ({ class: "place", "data-storage": storage.number, "data-place": place,
        onpointerenter: () => this.touch(storage.number, place), onpointerleave: () => this.touch(null, null) });
      const tensors = storage.tensors.map((tensor) => drawn.cards.find((card) => card.tensor === tensor)).filter(Boolean);
      if (!storage.cells.length) return html("ul", { class: "laid" }, ...tensors.map((card) => html("li", {}, this.lies(card))));
      return html("table", { class: `laid${storage.number === selected?.storage ? " selected" : ""}` },
        html("thead", {}, html("tr", {}, html("th", { scope: "row" }, t("tensors.storage.place")),
          ...storage.cells.map((_, place) => html("th", { scope: "col", ...at(place) }, String(place))))),
        html("tbody", {},
          html("tr", { class: "cells" }, html("th", { scope: "row" }, t("tensors.card.storage", { letter })),
            ...storage.cells.map((content, place) => html("td", { ...at(place), title: content === null ? null : digits(content, 8) }, content === null ? "·" : digits(content))),
            storage.longer ? html("td", { class: "lies" }, t("tensors.storage.longer")) : null),
          ...tensors.map((card) => this.walkRow(card, storage, at))));
    });
  }

  // Over each place, the index of the element that lies there; several where one cell stands for several.
  walkRow(card, storage, at) {
    const lying = new Map();
    card.places.forEach((place, element) => lying.set(place, [...(lying.get(place) ?? []), indexOf(element, card.value.shape).join(",")]));
    const cells = storage.cells.map((_, place) => {
      const found = lying.get(place) ?? [];
      const text = found.length > 1 ? `×${found.length}` : card.value.shape.length ? found[0] ?? "" : found.length ? "()" : "";
      return html("td", { ...at(place), class: `place${found.length ? " mine" : ""}`, title: found.length > 1 ? found.map((one) => `[${one}]`).join(" ") : null }, text);
    });
    return html("tr", { class: card.value.shape.length && !card.contiguous ? "scattered" : null },
      html("th", { scope: "row" }, html("button", { type: "button", class: "link", onclick: () => this.choose.select(card.names[0]) }, card.names.join(", "))),
      ...cells, html("td", { class: "lies" }, this.lies(card)));
  }

  touch(storage, place) {
    this.light(storage, place);
    this.choose.place(storage, place);
  }

  lies(card) {
    const { t } = this;
    if (!card.strided) return `${card.names.join(", ")}: ${t("tensors.card.novalue", { device: card.device })}`;
    const names = ["i", "j", "k", "l", "m", "n", "o", "p"].slice(0, card.stride.length);
    const terms = [...(card.offset || !card.stride.length ? [String(card.offset)] : []), ...card.stride.map((step, dim) => (step === 1 ? names[dim] : `${step}·${names[dim]}`))];
    const repeats = card.stride.some((step, dim) => step === 0 && card.value.shape[dim] > 1);
    const order = t(repeats ? "tensors.storage.repeats" : card.contiguous ? "tensors.storage.contiguous" : "tensors.storage.scattered");
    const rule = t("tensors.storage.rule", { element: `[${names.join(", ")}]`, place: terms.join(" + ") });
    return [t("tensors.storage.lies", { stride: shape(card.stride), offset: card.offset }), rule, order].join(" · ");
  }

  light(storage, place) {
    for (const cell of this.panels.storage.querySelectorAll("[data-place]")) {
      cell.classList.toggle("lit", place !== null && Number(cell.dataset.storage) === storage && Number(cell.dataset.place) === place);
    }
  }

  // ---- which cells feed which, there in blue and back in orange

  origin(selected) {
    const { t } = this;
    const origin = selected && this.drawn.origins[selected.tensor];
    if (!origin) return this.nothing("tensors.cells.none");
    const name = selected.names[0];
    const told = html("p", { class: "told", role: "status" });
    const forward = [];
    const tables = new Map();
    const draw = (key, title, grid, grad) => {
      const table = numbers(grid, (element) => this.follow(origin, key, element, tables, told, name));
      tables.set(key, table);
      return html("figure", { class: grad ? "back" : "there" }, html("figcaption", {}, html("b", {}, title), " ", html("span", {}, shape(grid.shape))), table);
    };
    const sign = / (\+|-|\*|\/|@|\*\*) /.exec(origin.operation)?.[1];
    origin.sources.forEach((source, place) => {
      if (place) forward.push(html("span", { class: "arrow", "aria-hidden": "true" }, { "-": "−", "*": "×", "/": "÷" }[sign] ?? sign ?? "·"));
      forward.push(draw(`s${place}`, source.name, source.value, false));
    });
    forward.push(html("span", { class: "arrow", "aria-hidden": "true" }, "→"), draw("out", name, origin.value, false));
    const back = [];
    if (origin.arrived) {
      origin.sources.forEach((source, place) => {
        if (source.sent) back.push(draw(`g${place}`, t("tensors.cells.sent", { name: source.name }), source.sent, true));
      });
      if (back.length) back.push(html("span", { class: "arrow", "aria-hidden": "true" }, "←"), draw("arrived", t("tensors.cells.arrived"), origin.arrived, true));
    }
    return [html("p", {}, t("tensors.cells.forward", { name, operation: origin.operation, line: origin.line })),
      ...origin.sources.filter((source) => source.repeated.length).map((source) => html("p", { class: "spread" }, this.spread(source, origin))),
      html("div", { class: "flow" }, ...forward), back.length ? html("div", { class: "flow" }, ...back) : "", told];
  }

  spread(source, origin) {
    const { t } = this;
    const dims = source.repeated.join(", ");
    const there = t("tensors.cells.broadcast", { name: source.name, before: shape(source.value.shape), after: shape(origin.value.shape), dims });
    if (!source.sent) return there;
    return `${there} ${t("tensors.cells.sum", { dims, before: shape(origin.value.shape), after: shape(source.sent.shape) })}`;
  }

  // Light a cell with those it comes from, or those it goes to, in the values and in the gradients.
  follow(origin, key, element, tables, told, name) {
    const lit = new Map([...tables.keys()].map((one) => [one, new Set()]));
    if (element !== null) {
      const output = key === "out" || key === "arrived" ? [element] : origin.sources[Number(key.slice(1))].feeds.flatMap((from, out) => (from.includes(element) ? [out] : []));
      for (const out of output) {
        lit.get("out").add(out);
        lit.get("arrived")?.add(out);
      }
      origin.sources.forEach((source, place) => {
        const mine = key === `s${place}` || key === `g${place}` ? [element] : key === "out" || key === "arrived" ? source.feeds[element] ?? [] : output.flatMap((out) => source.feeds[out] ?? []);
        for (const cell of mine) {
          lit.get(`s${place}`).add(cell);
          lit.get(`g${place}`)?.add(cell);
        }
      });
    }
    for (const [one, cells] of lit) {
      for (const cell of tables.get(one).querySelectorAll("td")) cell.classList.toggle("lit", cells.has(Number(cell.dataset.element)));
    }
    const out = [...lit.get("out")];
    told.textContent = element === null || !out.length ? "" : this.sentence(origin, out, name, lit);
  }

  sentence(origin, out, name, lit) {
    const at = (label, cell, sizes) => `${label}[${indexOf(cell, sizes).join(", ")}]`;
    const many = (label, cells, sizes) => (cells.length > 4 ? `${cells.length} × ${label}` : cells.map((cell) => at(label, cell, sizes)).join(" + "));
    const sources = origin.sources.map((source, place) => many(source.name, [...lit.get(`s${place}`)], source.value.shape)).filter(Boolean).join(", ");
    return this.t("tensors.cells.feeds", { cell: many(name, out, origin.value.shape), sources });
  }

  // ---- hooks and output

  hooks() {
    const { t, drawn } = this;
    const rows = drawn.hooks.map((row) => html("li", { class: row.new ? "now" : null }, t(row.returned ? "tensors.hooks.changed" : "tensors.hooks.looked",
      { line: row.line, name: row.name, given: line(row.given), returned: line(row.returned) })));
    const printed = drawn.answers.map((one) => one.printed).join("");
    if (!rows.length && !printed) return this.nothing("tensors.hooks.none");
    return [rows.length ? html("ol", { class: "fired" }, ...rows) : "", printed ? html("pre", {}, printed) : ""];
  }
}

// A small table of numbers; `touch(element)` is told which is pointed at, null for none.
function numbers(grid, touch) {
  const columns = grid.shape.length ? grid.shape[grid.shape.length - 1] : 1;
  const body = html("tbody", {});
  const cells = grid.cells ?? [];
  for (let start = 0; start < cells.length; start += Math.max(columns, 1)) {
    body.append(html("tr", {}, ...cells.slice(start, start + columns).map((cell, column) => html("td", { "data-element": start + column, tabindex: start + column ? "-1" : "0",
      onpointerenter: () => touch(start + column), onpointerleave: () => touch(null), onfocus: () => touch(start + column), onblur: () => touch(null) }, digits(cell)))));
  }
  const table = html("table", {}, body);
  table.addEventListener("keydown", (event) => {
    const way = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const next = way && table.querySelector(`td[data-element="${Number(event.target.dataset.element) + way}"]`);
    if (!next) return;
    next.focus();
    event.preventDefault();
  });
  return table;
}
