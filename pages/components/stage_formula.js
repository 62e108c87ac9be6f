// Formulas of engine/mathml.py as elements the browser draws by itself, with numbers put in for names.

import { preview } from "./words.js";

const MATHML = "http://www.w3.org/1998/Math/MathML";

// [element, child or text, ...] as an element. `numbers` gives a text for a name, or nothing.
export function math(formula, numbers = () => null) {
  const root = document.createElementNS(MATHML, "math");
  root.append(build(formula, numbers));
  return root;
}

// name = formula, as one. A name may have an index: ["g", "a"].
export function equation(name, formula, numbers) {
  const left = Array.isArray(name) ? ["msub", ...name.map((part) => ["mi", part])] : ["mi", name];
  const root = math(["mrow", left, ["mo", "="]]);
  root.firstChild.append(build(formula, numbers ?? (() => null))); // in one row: as a block, math breaks between children
  return root;
}

function build([kind, ...inside], numbers) {
  if (kind === "mi" && inside.length === 1) {
    const number = numbers(inside[0]);
    if (number !== null && number !== undefined) return put(number);
  }
  const element = document.createElementNS(MATHML, kind);
  for (const part of inside) element.append(Array.isArray(part) ? build(part, numbers) : part);
  return element;
}

// A negative number stands in parentheses.
function put(number) {
  const element = document.createElementNS(MATHML, "mn");
  const text = String(number).replace(/-/g, "−");
  element.append(text.startsWith("−") ? `(${text})` : text);
  element.setAttribute("class", "put");
  return element;
}

// The text of a value inside a formula: a number, or the first elements.
export function inserted(value) {
  return value ? preview(value, 20) : null;
}
