// How large cards are, how far apart, where their words stand, and what outline each kind has.

// Two sizes of card: a wide one, and a narrow one that gives more layers of a graph letters of a readable size. `words` are
// [x from the left, baseline] for those that start there and [x from the right, baseline] for those that end there.
export const WIDE = {
  name: "wide",
  card: { width: 176, height: 82 },
  pitch: { right: { along: 236, across: 104 }, down: { along: 130, across: 196 } },
  starts: { title: [12, 20], engine: [12, 37], value: [12, 55], grad: [12, 73] },
  ends: { word: [11, 37], shape: [11, 55], state: [11, 73] },
};
export const NARROW = {
  name: "narrow",
  card: { width: 128, height: 92 },
  pitch: { right: { along: 186, across: 114 }, down: { along: 138, across: 142 } },
  starts: { title: [10, 18], engine: [10, 34], value: [10, 51], shape: [10, 67], grad: [10, 83] },
  ends: { state: [9, 18], word: [9, 67] },
};
export const MARGIN = 20;

const ROUND = 24;
export const LEAF_INDENT = 6; // the round corners of a leaf keep its words away from the edge

// Shapes say what a card is without colour: a leaf is a pill, a computed tensor a rounded box, what needs no gradient
// has straight corners, what was cut off has its corners cut.
export function outline(kind, { width: w, height: h }) {
  if (kind === "leaf") return rounded(w, h, ROUND);
  if (kind === "input") return rounded(w, h, 0);
  if (kind === "cut" || kind === "plain") return `M14 0 H${w - 14} L${w} 14 V${h - 14} L${w - 14} ${h} H14 L0 ${h - 14} V14 Z`;
  return rounded(w, h, kind === "group" ? 4 : 8);
}

function rounded(w, h, r) {
  return `M${r} 0 H${w - r} A${r} ${r} 0 0 1 ${w} ${r} V${h - r} A${r} ${r} 0 0 1 ${w - r} ${h} H${r} A${r} ${r} 0 0 1 0 ${h - r} V${r} A${r} ${r} 0 0 1 ${r} 0 Z`;
}

export function inset({ width: w, height: h }) {
  return `M8 3.5 H${w - 8} A4.5 4.5 0 0 1 ${w - 3.5} 8 V${h - 8} A4.5 4.5 0 0 1 ${w - 8} ${h - 3.5} H8 A4.5 4.5 0 0 1 3.5 ${h - 8} V8 A4.5 4.5 0 0 1 8 3.5 Z`;
}

export function stem({ height: h }) {
  return `M4.5 24 V${h - 24}`;
}
