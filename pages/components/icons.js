// Our few icons, drawn on a grid of 16: glyphs of fonts differ or are missing.

import { svg } from "./dom.js";

const PATHS = {
  first: "M4 3 V13 M13 3 L6 8 L13 13 Z",
  last: "M12 3 V13 M3 3 L10 8 L3 13 Z",
  back: "M11 3 L4 8 L11 13 Z",
  next: "M5 3 L12 8 L5 13 Z",
  play: "M5 2.5 L13 8 L5 13.5 Z",
  pause: "M4.5 3 V13 M11.5 3 V13",
  in: "M3 5 H9 V11 M6 8 L9 11.5 L12 8",
  out: "M3 11 H9 V5 M6 8 L9 4.5 L12 8",
  minus: "M3 8 H13",
  plus: "M3 8 H13 M8 3 V13",
  fit: "M2 6 V2 H6 M10 2 H14 V6 M14 10 V14 H10 M6 14 H2 V10",
  all: "M2 2 H14 V14 H2 Z M5 5 H8 V8 H5 Z M10 9 H12 V11 H10 Z",
  turn: "M3 4 H10 A3 3 0 0 1 13 7 V13 M10.5 10.5 L13 13 L15.5 10.5",
};

export function icon(name) {
  const heavy = name === "pause";
  return svg("svg", { viewBox: "0 0 16 16", width: 14, height: 14, class: `icon icon-${name}`, "aria-hidden": "true" },
    svg("path", { d: PATHS[name], "stroke-width": heavy ? 3 : 1.5 }));
}
