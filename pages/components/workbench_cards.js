// One card for each tensor: its numbers in blue, its gradient in orange, and what PyTorch says of it. Cells are edited in
// place: Enter or a double click opens one, arrows walk.

import { html } from "./dom.js";
import { digits, shape, unusual } from "./words.js";
import { indexOf, line, letters } from "./workbench_words.js";

const WIDE = 64; // elements of a preview

export class Cards {
  constructor(t, choose) {
    this.t = t;
    this.choose = choose;
    this.pane = html("div", { class: "cards" });
    this.pane.addEventListener("pointerover", (event) => this.over(event));
    this.pane.addEventListener("focusin", (event) => this.over(event));
    this.pane.addEventListener("pointerleave", () => this.choose.point(null));
    this.pane.addEventListener("focusout", () => this.choose.point(null));
  }

  show(drawn, selected) {
    this.cards = drawn.cards;
    this.letters = letters(drawn.storages);
    this.pane.replaceChildren(...drawn.cards.map((card) => this.card(card, card === selected)));
  }

  // Light the cells for which `test(card, element)` holds; null puts all out.
  light(test) {
    for (const cell of this.pane.querySelectorAll("td[data-element]:not(.grad td)")) {
      const card = this.cards[Number(cell.dataset.card)];
      cell.classList.toggle("lit", test !== null && test(card, Number(cell.dataset.element)));
    }
  }

  over(event) {
    const cell = event.target.closest?.("td[data-element]");
    if (!cell) {
      this.choose.point(null);
      return;
    }
    this.choose.point(this.cards[Number(cell.dataset.card)].tensor, Number(cell.dataset.element), Boolean(cell.closest(".grad")));
  }

  kind(card) {
    return card.leaf ? (card.requires_grad ? "leaf" : "plain") : "nonleaf";
  }

  card(card, selected) {
    const { t } = this;
    const kind = this.kind(card);
    const word = t(`tensors.card.${kind}`);
    const name = card.names[0];
    const label = t("tensors.card.label", { name, shape: shape(card.value.shape), dtype: card.dtype, word, values: line(card.value),
      grad: card.grad ? line(card.grad) : t(`tensors.grad.${card.state}`) });
    const element = html("article", { class: `card ${kind}${selected ? " selected" : ""}${card.fresh ? " fresh" : ""}`, tabindex: "0",
      "data-name": name, "aria-label": label, "aria-current": selected ? "true" : null },
    html("header", {}, html("h4", {}, name), html("span", { class: "shape" }, `${shape(card.value.shape)} ${unusual(card)}`.trim()),
      html("span", { class: "word" }, word)),
    html("div", { class: "grids" },
      html("div", { class: "value" }, html("h5", {}, t("tensors.card.value")), this.grid(card, card.value, false)),
      html("div", { class: `grad ${card.state}${card.regraded ? " regraded" : ""}` }, html("h5", {}, ".grad"),
        card.grad ? this.grid(card, card.grad, true) : html("p", { class: "nothing" }, t(`tensors.grad.${card.state}`)))),
    this.trail(card),
    html("p", { class: "facts" }, ...this.facts(card)),
    selected && card.why ? html("p", { class: "why" }, card.why) : null,
    card.grad && card.dtype.startsWith("complex") ? html("p", { class: "why" }, t("tensors.card.conjugate")) : null);
    element.addEventListener("click", (event) => {
      if (!event.target.closest("td, input")) this.choose.select(name);
      else if (!selected && !event.target.closest("input")) this.choose.select(name);
    });
    element.addEventListener("keydown", (event) => {
      if (event.target === element && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        this.choose.select(name);
      }
    });
    return element;
  }

  // How the gradient of a single number grew: 1, 2, 3, 4.
  trail(card) {
    if (card.ledger.length < 2 || card.value.cells?.length !== 1) return null;
    const steps = card.ledger.slice(-6).flatMap((entry, place) => [place || card.ledger.length > 6 ? html("span", { class: "then" }, "→") : null,
      html("b", { class: entry.new ? "new" : null }, entry.after ? digits(entry.after.cells?.[0] ?? 0) : "None")]);
    return html("p", { class: "trail" }, html("span", { class: "what" }, ".grad"), ...steps.filter(Boolean));
  }

  facts(card) {
    const { t } = this;
    const views = card.holders.filter((one) => one.kind === "view").map((one) => one.name);
    const nodes = card.holders.filter((one) => one.kind === "saved").map((one) => one.name);
    const facts = [];
    if (card.node) facts.push([card.node, "node"]);
    if (card.requires_grad && card.leaf) facts.push(["requires_grad", "flag"]);
    if (card.retains) facts.push(["retains_grad", "flag"]);
    if (card.freed) facts.push([t("tensors.card.freed"), "flag"]);
    facts.push([t("tensors.card.version", { version: card.version }), card.version ? "flag changed" : "flag"]);
    if (card.strided) facts.push([t("tensors.card.storage", { letter: this.letters.get(card.storage) }), "flag"]);
    if (card.names.length > 1) facts.push([t("tensors.card.held", { names: card.names.join(", ") }), "held"]);
    if (views.length) facts.push([t("tensors.card.view", { names: views.join(", ") }), "held"]);
    if (nodes.length) facts.push([t("tensors.card.saved", { nodes: [...new Set(nodes)].join(", ") }), "held"]);
    return facts.map(([text, kind]) => html("span", { class: kind, title: kind.startsWith("flag") && text === t("tensors.card.version", { version: card.version }) ? t("tensors.card.version.help") : null }, text));
  }

  // ---- a tensor's numbers as a table; with more than two dimensions, one table for each index before the last two

  grid(card, grid, grad) {
    const { t } = this;
    if (!grid.cells) return html("p", { class: "nothing" }, t("tensors.card.novalue", { device: card.device }));
    if (!grid.cells.length) return html("p", { class: "nothing" }, t("tensors.card.empty"));
    const place = this.cards.indexOf(card);
    const columns = grid.shape.length ? grid.shape[grid.shape.length - 1] : 1;
    const rows = grid.shape.length > 1 ? grid.shape[grid.shape.length - 2] : 1;
    const blocks = [];
    for (let start = 0; start < grid.cells.length; start += rows * columns) {
      const body = html("tbody", {});
      for (let row = 0; row < rows && start + row * columns < grid.cells.length; row++) {
        body.append(html("tr", {}, ...grid.cells.slice(start + row * columns, Math.min(start + (row + 1) * columns, grid.cells.length))
          .map((cell, column) => this.cell(card, place, start + row * columns + column, cell, grad, grid))));
      }
      const index = indexOf(start, grid.shape).slice(0, -2).join(", ");
      blocks.push(html("div", {}, index ? html("p", { class: "block" }, `[${index}]`) : null,
        html("table", { role: "grid", "aria-label": `${card.names[0]}${grad ? ".grad" : ""}${index ? `[${index}]` : ""}` }, body)));
    }
    if (grid.truncated) blocks.push(html("p", { class: "nothing" }, t("tensors.card.more", { count: WIDE })));
    return html("div", { class: "numbers" }, ...blocks);
  }

  cell(card, place, element, content, grad, grid) {
    const editable = !grad && !this.choose.readOnly;
    const changed = !grad && card.changed.includes(element);
    const index = indexOf(element, grid.shape).join(", ");
    const cell = html("td", { "data-card": place, "data-element": element, tabindex: element ? "-1" : "0", class: changed ? "changed" : null,
      title: digits(content, 8), "aria-label": editable ? `${digits(content)}. ${this.t("tensors.cell.edit", { index, name: card.names[0] })}` : digits(content) }, digits(content));
    cell.addEventListener("keydown", (event) => this.walk(event, cell, card, element, editable, grid));
    if (editable) {
      cell.addEventListener("dblclick", () => this.edit(cell, card, element, grid));
      // Fingers have no double click that a page may keep: a second tap on a selected card opens the cell.
      cell.addEventListener("click", (event) => {
        if (event.pointerType === "touch" && cell.closest(".card.selected")) this.edit(cell, card, element, grid);
      });
    }
    return cell;
  }

  walk(event, cell, card, element, editable, grid) {
    if (event.target !== cell || event.ctrlKey || event.metaKey || event.altKey) return;
    const columns = grid.shape.length ? grid.shape[grid.shape.length - 1] : 1;
    const way = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (way) {
      const next = cell.closest(".numbers").querySelector(`td[data-element="${element + way}"]`);
      next?.focus();
      event.preventDefault();
      event.stopPropagation();
    } else if (editable && (event.key === "Enter" || event.key === "F2" || /^[\d.+-]$/.test(event.key))) {
      this.edit(cell, card, element, grid, event.key.length === 1 ? event.key : null);
      event.preventDefault();
      event.stopPropagation();
    }
  }

  edit(cell, card, element, grid, typed = null) {
    if (cell.querySelector("input")) return;
    const before = cell.textContent;
    const index = indexOf(element, grid.shape);
    const field = html("input", { type: "text", value: typed ?? before, size: Math.max(before.length, 4), spellcheck: "false",
      "aria-label": this.t("tensors.cell.new", { name: card.names[0], index: index.join(", ") }) });
    let over = false;
    const end = (commit) => {
      if (over) return;
      over = true;
      const text = field.value.trim();
      cell.replaceChildren(before);
      if (commit !== null) cell.focus();
      if (commit && text && text !== before) this.choose.edit(card, index, text);
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") end(true);
      else if (event.key === "Escape") end(false);
    });
    field.addEventListener("blur", () => end(null));
    cell.replaceChildren(field);
    field.focus();
    if (typed === null) field.select();
  }
}
