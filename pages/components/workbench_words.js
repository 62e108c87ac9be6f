// Numbers and places as the workbench writes them.

import { digits } from "./words.js";

// A grid's numbers in one line, for labels and ledgers.
export function line(grid, most = 6) {
  if (!grid) return "None";
  if (!grid.cells) return "…";
  if (!grid.shape.length) return digits(grid.cells[0]);
  const shown = grid.cells.slice(0, most).map((cell) => digits(cell)).join(", ");
  return `[${shown}${grid.cells.length > most || grid.truncated ? ", …" : ""}]`;
}

// The index of the element at that place of a shape, row-major.
export function indexOf(element, sizes) {
  const index = [];
  for (let dim = sizes.length - 1; dim >= 0; dim--) {
    index.unshift(element % sizes[dim]);
    element = Math.floor(element / sizes[dim]);
  }
  return index;
}

// Storages are lettered in the order in which they appear: A, B, ..., Z, A1, ...
export function letters(storages) {
  return new Map(storages.map((one, place) => [one.number, String.fromCharCode(65 + (place % 26)) + (place >= 26 ? Math.floor(place / 26) : "")]));
}
