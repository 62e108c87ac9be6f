// The variables: a field and a slider each, and the partial derivative beside it as a number and a bar. A vector or matrix
// shows every element over its partial derivative; the slider moves the chosen one.

import { button, html, mark, say } from "./dom.js";
import { digits } from "./words.js";

export class Variables {
  constructor(view) {
    this.view = view;
    this.element = html("div", { class: "variables" });
    this.forget();
  }

  forget() {
    this.rows = new Map();
    this.chosen = new Map();
    this.open = new Set();
  }

  // Whether the reader is typing that variable's numbers.
  held(name) {
    const field = this.rows.get(name)?.field;
    return Boolean(field) && field.getRootNode().activeElement === field;
  }

  show(variables) {
    const most = Math.max(1e-12, ...variables.flatMap((one) => (one.partial?.elements ?? []).filter(Number.isFinite).map(Math.abs)));
    const kinds = variables.map((one) => `${one.name} ${one.shape}`).join("|");
    if (kinds !== this.kinds || !this.rows.size) {
      this.kinds = kinds;
      this.rows = new Map(variables.map((one) => [one.name, this.row(one)]));
      this.element.replaceChildren(...[...this.rows.values()].map((row) => row.element));
    }
    for (const one of variables) {
      const row = this.rows.get(one.name);
      row.one = one;
      if (this.view.waiting !== null) { // the hand is ahead of the answer
        const typed = numbers(this.view.texts[one.name]);
        if (typed && typed.length === one.elements.length) one.elements = typed;
      }
      this.moved(one);
      const text = this.view.texts[one.name] ?? one.text;
      if (row.field.getRootNode().activeElement !== row.field) row.field.value = text;
      mark(row.field, "aria-invalid", this.spoiled === one.name ? "true" : null);
      this.partials(row, one, most);
    }
  }

  row(one) {
    const { speak, given } = this.view;
    const name = one.name;
    const readOnly = given.readOnly;
    const row = { one };
    row.field = html("input", { type: "text", class: "number", inputmode: one.shape.length ? "text" : "decimal", spellcheck: "false", autocomplete: "off", readonly: readOnly, "aria-label": speak("expressions.number", { name }), title: speak("expressions.number", { name }), oninput: () => this.view.number_(name, row.field.value) });
    row.slider = html("input", { type: "range", step: "any", disabled: readOnly, "aria-label": speak("expressions.slider", { name }), oninput: () => this.slid(row) });
    row.grad = html("output", { class: "grad" });
    row.bar = html("span", { class: "bar", "aria-hidden": "true" }, html("i", {}));
    row.cells = html("div", { class: "cells" });
    row.ends = html("div", { class: "ends", role: "group", "aria-label": speak("expressions.range.of", { name }), title: speak("expressions.range.of", { name }), hidden: !this.open.has(name) }, ...[0, 1, 2].map((place) => html("input", { type: "number", step: "any", class: "small", readonly: readOnly, "aria-label": `${speak("expressions.range.of", { name })} ${place + 1}`, onchange: () => this.view.span(name, [...row.ends.children].map((input) => input.valueAsNumber)) })));
    const more = button("⋯", speak("expressions.range.of", { name }), () => {
      row.ends.hidden = !row.ends.hidden;
      mark(more, "aria-expanded", String(!row.ends.hidden));
      if (row.ends.hidden) this.open.delete(name);
      else this.open.add(name);
    }, { class: "more", "aria-expanded": "false" });
    const wide = one.shape.length > 0;
    row.element = html("div", { class: wide ? "variable wide" : "variable", "data-name": name },
      html("span", { class: "name" }, name), row.field, html("div", { class: "slide" }, row.slider, more),
      wide ? null : html("div", { class: "partial" }, row.bar, row.grad), wide ? row.cells : null, row.ends);
    if (wide) {
      row.cells.style.setProperty("--columns", one.shape[one.shape.length - 1]);
      row.cells.append(...one.names.map((label, place) => button("", label, () => this.choose(row, place), { class: "cell" })));
      for (const cell of row.cells.children) cell.append(html("b", {}), html("i", {}));
    }
    return row;
  }

  choose(row, place) {
    this.chosen.set(row.one.name, place);
    this.moved(row.one);
    this.view.change({ axis: row.one.names[place] });
  }

  place(one) {
    const { axis } = this.view.answer;
    const place = this.chosen.get(one.name) ?? (axis.variable === one.name ? axis.element : 0);
    return Math.min(place, one.elements.length - 1);
  }

  slid(row) {
    const [low, , step] = row.one.range;
    const raw = row.slider.valueAsNumber;
    const snapped = Number((low + Math.round((raw - low) / step) * step).toPrecision(10));
    this.view.move(row.one.name, this.place(row.one), Math.abs(snapped) < step / 1000 ? 0 : snapped);
  }

  // What stands in field, slider and cells follows the numbers of the variable.
  moved(one) {
    const row = this.rows.get(one.name);
    if (!row) return;
    const place = this.place(one);
    const number = one.elements[place];
    const [low, high, step] = one.range;
    mark(row.slider, "min", Math.min(low, number));
    mark(row.slider, "max", Math.max(high, number));
    mark(row.slider, "step", step);
    if (Math.abs(row.slider.valueAsNumber - number) > 1e-9) row.slider.value = number;
    const { min, max } = row.slider;
    row.slider.style.setProperty("--done", `${(100 * (number - min)) / (max - min || 1)}%`);
    mark(row.slider, "aria-valuetext", `${one.names[place]} = ${digits(number)}`);
    if (row.field.getRootNode().activeElement !== row.field) row.field.value = this.view.texts[one.name] ?? one.text;
    [...row.ends.children].forEach((input, end) => { if (input.getRootNode().activeElement !== input) input.value = Number(one.range[end].toPrecision(6)); });
    [...row.cells.children].forEach((cell, at) => {
      say(cell.firstChild, digits(one.elements[at], 3));
      mark(cell, "aria-pressed", String(at === place));
    });
  }

  partials(row, one, most) {
    const { speak } = this.view;
    const partial = one.partial;
    if (!one.shape.length) {
      const number = partial?.elements[0];
      say(row.grad, partial ? `∂f/∂${one.name} = ${digits(number)}` : this.view.given.refused ? "" : speak("expressions.none"));
      mark(row.grad, "title", partial ? digits(number, 9) : null);
      const part = Number.isFinite(number) ? number / most : 0;
      const fill = row.bar.firstChild;
      fill.style.left = `${50 + Math.min(part, 0) * 50}%`;
      fill.style.width = `${Math.abs(part) * 50}%`;
      return;
    }
    [...row.cells.children].forEach((cell, at) => {
      const number = partial?.elements[at];
      say(cell.lastChild, partial ? digits(number, 3) : "–");
      mark(cell, "aria-label", `${one.names[at]} = ${digits(one.elements[at])}, ∂f/∂${one.names[at]} = ${partial ? digits(number) : speak("expressions.none")}`);
      const part = Number.isFinite(number) ? Math.abs(number) / most : 0;
      cell.style.setProperty("--share", `${(part * 55).toFixed(1)}%`);
    });
  }
}

function numbers(text) {
  try {
    return [JSON.parse(text)].flat(3);
  } catch {
    return null;
  }
}
