// Jacobian by both modes and Hessian, as tables whose cells are shaded by size and always hold their number.

import { html } from "./dom.js";
import { digits } from "./words.js";

export function matrices(canvas, answer, speak) {
  const names = answer.variables.flatMap((one) => one.names);
  const { jacobian, hessian, value } = answer;
  const parts = [];
  if (jacobian) {
    const { rows, columns } = jacobian;
    const outputs = value.shape.length ? Array.from({ length: rows }, (_, row) => `f${row}`) : ["f"];
    const cheaper = rows === columns ? "equal" : rows < columns ? "reverse" : "forward";
    parts.push(html("p", { class: "cheaper" }, speak(`expressions.cheaper.${cheaper}`)));
    parts.push(html("div", { class: "sides" },
      table(speak("expressions.jacobian.reverse"), speak("expressions.cost.reverse", { count: rows }), jacobian.reverse, outputs, names, "reverse"),
      table(speak("expressions.jacobian.forward"), speak("expressions.cost.forward", { count: columns }), jacobian.forward, outputs, names, "forward")));
  } else parts.push(html("p", {}, speak("expressions.matrices.many", { limit: 36 })));
  if (hessian) parts.push(table(speak("expressions.hessian"), "", hessian.reverse, names, names, "hessian"));
  else if (jacobian) parts.push(html("p", {}, speak("expressions.hessian.none")));
  canvas.replaceChildren(html("div", { class: "matrices" }, ...parts));
}

function table(title, note, numbers, rows, columns, kind) {
  const most = Math.max(1e-12, ...numbers.filter(Number.isFinite).map(Math.abs));
  const cell = (number) => {
    const share = Number.isFinite(number) ? (Math.abs(number) / most) * 60 : 0;
    const element = html("td", { title: digits(number, 9) }, digits(number, 3));
    element.style.setProperty("--share", `${share.toFixed(1)}%`);
    return element;
  };
  const body = rows.map((row, place) => html("tr", {}, html("th", { scope: "row" }, row), ...columns.map((_, column) => cell(numbers[place * columns.length + column]))));
  return html("figure", { "data-kind": kind }, html("figcaption", {}, html("b", {}, title), note ? html("span", {}, note) : null),
    html("div", { class: "scroll", tabindex: 0 }, html("table", { class: "matrix" }, html("thead", {}, html("tr", {}, html("td", {}), ...columns.map((name) => html("th", { scope: "col" }, name)))), html("tbody", {}, ...body))));
}
