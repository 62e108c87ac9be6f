// The workings of one operation laid open: which cells a broadcast reads, and an optimizer step as an equation.

import { button, html } from "./dom.js";
import { equation, math, inserted } from "./stage_formula.js";
import { digits, preview, shape } from "./words.js";

// Pointing at a cell of the result lights the cells it reads; at a cell of an input, the cells that read it.
export function broadcast(row, t) {
  const grids = [];
  const light = (chosen) => {
    for (const [grid, cells] of grids) [...grid.children].forEach((cell, place) => cell.classList.toggle("lit", chosen.some(([which, one]) => which === cells && one === place)));
  };
  const box = html("div", { class: "broadcast" });
  const words = [html("p", {}, t("stage.broadcast.says", { inputs: row.inputs.map(shape).join(", "), shape: shape(row.shape) }))];
  if (row.reads.length) {
    const draw = (sizes, which) => {
      const columns = sizes.length ? sizes[sizes.length - 1] : 1;
      const count = sizes.reduce((product, size) => product * size, 1);
      const cells = Array.from({ length: count }, (_, place) => html("i", { onpointerenter: () => point(which, place) }));
      const grid = html("div", { class: which < 0 ? "cells gradient" : "cells value", style: `--columns:${columns}` }, ...cells);
      grids.push([grid, which]);
      return html("figure", {}, html("figcaption", {}, which < 0 ? `${t("stage.broadcast.result")} ${shape(sizes)}` : shape(sizes)), grid);
    };
    const point = (which, place) => {
      const results = which < 0 ? [place] : row.reads[which].flatMap((cell, result) => (cell === place ? [result] : []));
      light([...results.map((one) => [-1, one]), ...(which < 0 ? row.reads.map((reads, input) => [input, reads[place]]) : [[which, place]])]);
    };
    box.append(...row.inputs.map((sizes, which) => draw(sizes, which)), draw(row.shape, -1));
    box.addEventListener("pointerleave", () => light([]));
  }
  row.inputs.forEach((sizes, which) => {
    const dims = row.summed[which];
    const count = dims.reduce((product, dim) => product * row.shape[dim], 1);
    words.push(html("p", {}, t(dims.length ? "stage.broadcast.back" : "stage.broadcast.whole", { shape: shape(sizes), dims: dims.join(", "), count })));
  });
  return html("div", {}, words[0], box, ...words.slice(1));
}

// The parameter, its gradient, the optimizer's buffers, and the equation that made the new parameter of them.
export function update(row, model, t, choose) {
  const value = (number) => model.values.get(number);
  const known = { w: inserted(value(row.before)), g: inserted(value(row.grad)) };
  for (const [name, number] of Object.entries(row.numbers)) known[name] = digits(number);
  const buffers = Object.entries(row.buffers).map(([name, values]) => [name, { kind: "tensor", shape: [values.length], preview: { values } }]);
  for (const [name, held] of buffers) known[name] = inserted(held);
  const step = model.stepAt(row.at);
  const table = [["w", value(row.before)], ["g", value(row.grad)], ...buffers];
  return html("div", { class: "formula" },
    button(t("stage.update.says", { optimizer: row.optimizer, line: step.span[0] }), t("stage.line.go", { line: step.span[0] }), () => choose.exactly(row.at)),
    equation("w′", row.equation),
    html("div", { class: "put" }, math(row.equation, (name) => known[name] ?? null), ` = ${preview(value(row.after), 24)}`),
    html("table", { class: "compare" }, html("tbody", {}, ...table.map(([name, held]) => html("tr", {}, html("th", { scope: "row" }, name), html("td", {}, preview(held, 40)))))));
}
