// What came back for a question: Jacobians as sheets, kernels as a list, paths with what each contributed, the truth badge.

import { button, html } from "./dom.js";
import { sheet } from "./stage_heat.js";
import { digits, preview, shape } from "./words.js";

const SUPERSCRIPTS = "¹²³⁴⁵⁶⁷⁸⁹⁰";

export function answered(kind, answer, inspector) {
  const t = inspector.texts;
  const heading = html("h5", {}, t(`stage.ask.${kind}`));
  if (answer.text) return html("div", {}, heading, html("p", {}, answer.text));
  return html("div", {}, heading, ...{ jacobian, kernels, paths, truth, forward }[kind](answer, inspector));
}

function jacobian(answer, inspector) {
  return answer.rows.map((row) => {
    const key = `jacobian:${inspector.selected}:${row.label}`;
    if (!inspector.turns.has(key)) inspector.turns.set(key, { row: 0, column: 0 });
    const columns = row.inputs.reduce((product, size) => product * size, 1);
    const value = { kind: "tensor", shape: [row.values.length / columns, columns], preview: { values: row.values, truncated: row.truncated } };
    const to = inspector.model.edgeTo.get(`${answer.key.split(":")[1]}:${row.label}`);
    return html("div", {}, html("p", {}, inspector.texts("stage.answer.input", { name: to === undefined ? row.label : inspector.nameOf(to), outputs: shape(row.outputs), inputs: shape(row.inputs) })),
      sheet(value, "gradient", inspector.texts, inspector.turns.get(key), () => inspector.again()));
  });
}

function kernels(answer, inspector) {
  if (!answer.rows.length) return [html("p", {}, inspector.texts("stage.answer.nothing"))];
  return [html("ol", {}, ...answer.rows.map((row) => html("li", {}, html("code", {}, row.label))))];
}

function paths(answer, inspector) {
  const t = inspector.texts;
  const { model } = inspector;
  const part = (values, room) => preview({ kind: "tensor", shape: answer.shape, preview: { values } }, room);
  const heading = answer.rows.length === 1 && !answer.others ? t("stage.paths.one", { pass: answer.pass + 1 }) : t("stage.paths.sum", { pass: answer.pass + 1, count: answer.count });
  return [html("p", {}, heading, answer.total ? html("b", {}, ` ${part(answer.total, 40)}`) : null),
    answer.changed ? html("p", { class: "changed" }, answer.changed) : null,
    html("ol", { class: "paths" }, ...answer.rows.map((row) => html("li", {},
      button(walked(row, inspector), t("stage.paths.light"), () => inspector.choose.light(row.nodes.map((number) => model.slotOfNode.get(number)))),
      row.values ? html("b", {}, part(row.values, 30)) : html("small", {}, row.text)))),
    answer.others ? html("p", { class: "rest" }, `${answer.others} `, answer.rest ? html("b", {}, part(answer.rest, 30)) : null) : null];
}

// The names along a path; where two edges lead from one node to the next, as in y * y, the arrow says which.
function walked(row, inspector) {
  const { model } = inspector;
  return row.nodes.map((number, place) => {
    if (place === row.nodes.length - 1) return inspector.nameOf(number);
    const twins = model.edges.filter((edge) => edge.from_node === number && edge.to_node === row.nodes[place + 1]);
    return `${inspector.nameOf(number)} ${twins.length > 1 ? "→" + SUPERSCRIPTS[row.inputs[place] % 10] : "→"} `;
  }).join("");
}

function truth(answer, inspector) {
  const row = answer.rows[0];
  const head = ["element", "grad", "measured"].map((name) => html("th", { scope: "col" }, inspector.texts(`stage.truth.${name}`)));
  return [html("p", { class: row.right ? "badge right" : "badge wrong" }, row.right ? "✓ " : "✕ ", row.text),
    html("table", { class: "compare" }, html("thead", {}, html("tr", {}, ...head)), html("tbody", {}, ...row.checked.map(([place, exact, measured]) => html("tr", {},
      html("th", { scope: "row" }, `[${place}]`), html("td", {}, digits(exact, 7)), html("td", {}, digits(measured, 7))))))];
}

// Each variable with how fast it moves (forward mode) and how fast the output moves with it (backward mode).
function forward(answer, inspector) {
  const t = inspector.texts;
  const held = (row, values) => preview({ kind: "tensor", shape: row.shape, preview: { values } }, 22);
  const head = ["variable", "forward", "backward", "product"].map((name) => html("th", { scope: "col" }, t(`stage.forward.${name}`)));
  return [html("p", {}, t("stage.forward.says", { name: answer.rows[0].name })),
    html("table", { class: "compare both" }, html("thead", {}, html("tr", {}, ...head)),
      html("tbody", {}, ...answer.rows.map((row) => html("tr", {},
        html("th", { scope: "row", title: row.line === null ? null : t("stage.line", { line: row.line }) }, row.name),
        html("td", { class: "value" }, held(row, row.forward)),
        html("td", { class: "grad" }, row.backward === null ? html("small", {}, t("stage.forward.passed")) : held(row, row.backward)),
        html("td", {}, row.product === null ? "–" : digits(row.product)))))),
    answer.left ? html("p", {}, t("stage.forward.left", { count: answer.left })) : null,
    html("p", { class: answer.right ? "badge right" : "badge wrong" }, answer.right ? "✓ " : "≠ ", answer.says)];
}
