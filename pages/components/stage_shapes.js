// How large cards are, how far apart, and what outline each kind has.

export const CARD = { width: 176, height: 82 };
export const PITCH = { right: { along: 228, across: 104 }, down: { along: 130, across: 196 } };
export const MARGIN = 22;

// Shapes say what a card is without colour: a leaf is a pill, a computed tensor a rounded box, what needs no gradient
// has straight corners, what was cut off has its corners cut.
export function outline(kind) {
  const { width: w, height: h } = CARD;
  if (kind === "leaf") return rounded(w, h, 26);
  if (kind === "input") return rounded(w, h, 0);
  if (kind === "cut" || kind === "plain") return `M14 0 H${w - 14} L${w} 14 V${h - 14} L${w - 14} ${h} H14 L0 ${h - 14} V14 Z`;
  return rounded(w, h, kind === "group" ? 4 : 8);
}

function rounded(w, h, r) {
  return `M${r} 0 H${w - r} A${r} ${r} 0 0 1 ${w} ${r} V${h - r} A${r} ${r} 0 0 1 ${w - r} ${h} H${r} A${r} ${r} 0 0 1 0 ${h - r} V${r} A${r} ${r} 0 0 1 ${r} 0 Z`;
}

export function inset() {
  const { width: w, height: h } = CARD;
  return `M8 3.5 H${w - 8} A4.5 4.5 0 0 1 ${w - 3.5} 8 V${h - 8} A4.5 4.5 0 0 1 ${w - 8} ${h - 3.5} H8 A4.5 4.5 0 0 1 3.5 ${h - 8} V8 A4.5 4.5 0 0 1 8 3.5 Z`;
}

export function stem() {
  return `M4.5 24 V${CARD.height - 24}`;
}
