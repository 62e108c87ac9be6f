// A value as a sheet of cells: the stronger the colour, the farther from zero. Numbers stand in the cells while they fit;
// what does not fit is turned over page by page.

import { button, html } from "./dom.js";
import { digits, ELLIPSIS } from "./words.js";

const ROWS = 8;
const WIDE = 10; // columns in which a number still fits
const COLUMNS = 32;

// `kind` is "value" or "gradient": whose colour it has. `turn` is where the reader is: {row, column}, kept by the caller.
export function sheet(value, kind, texts, turn, redraw, lit = null) {
  const elements = value.preview?.values ?? [];
  const columns = value.shape.length ? Math.max(value.shape[value.shape.length - 1], 1) : 1;
  const rows = Math.ceil(elements.length / columns);
  const most = strongest(elements);
  const width = Math.min(columns, columns <= WIDE ? WIDE : COLUMNS);
  const [row, column] = [Math.min(turn.row, Math.max(rows - 1, 0)), Math.min(turn.column, columns - 1)];
  const body = html("tbody", {});
  for (let y = row; y < Math.min(row + ROWS, rows); y++) {
    const line = html("tr", {});
    for (let x = column; x < Math.min(column + width, columns); x++) {
      const place = y * columns + x;
      if (place < elements.length) line.append(cell(elements[place], most, columns <= WIDE, place, lit));
    }
    body.append(line);
  }
  const pages = html("div", { class: "pages" });
  const go = (label, code, change, disabled) => pages.append(button(label, texts(code), () => { Object.assign(turn, change); redraw(); }, { disabled }));
  if (rows > ROWS) {
    go("↑", "stage.sheet.up", { row: Math.max(row - ROWS, 0) }, row === 0);
    go("↓", "stage.sheet.down", { row: row + ROWS }, row + ROWS >= rows);
  }
  if (columns > width) {
    go("←", "stage.sheet.left", { column: Math.max(column - width, 0) }, column === 0);
    go("→", "stage.sheet.right", { column: column + width }, column + width >= columns);
  }
  if (pages.children.length || value.preview?.truncated) {
    pages.append(html("small", {}, texts("stage.sheet.rows", { first: row, last: Math.min(row + ROWS, rows) - 1, rows })
      + (value.preview?.truncated ? ` ${ELLIPSIS}` : "")));
  }
  return html("div", { class: `sheet ${kind}` }, html("table", {}, body), pages.children.length ? pages : null);
}

function strongest(elements) {
  let most = 0;
  for (const one of elements) {
    const size = magnitude(one);
    if (Number.isFinite(size) && size > most) most = size;
  }
  return most;
}

function magnitude(one) {
  return Array.isArray(one) ? Math.hypot(...one) : Math.abs(Number(one));
}

function cell(element, most, numbered, place, lit) {
  const size = magnitude(element);
  const share = most && Number.isFinite(size) ? Math.round((62 * size) / most) : 0;
  const text = digits(element);
  return html("td", { style: `--share:${share}%`, title: `[${place}] ${digits(element, 8)}`, "data-odd": Number.isFinite(size) ? null : "true",
    "data-lit": lit?.has(place) ? "true" : null }, numbered ? text : "");
}
