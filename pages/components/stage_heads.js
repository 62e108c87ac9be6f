// The heads of edges: values arrive at the consumer, gradients at the producer.

import { svg } from "./dom.js";

export function arrowHeads() {
  const head = (name) => svg("marker", { id: `tip-${name}`, class: `tip ${name}`, viewBox: "0 0 8 8", refX: 7, refY: 4,
    markerWidth: 7, markerHeight: 7, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" },
  svg("path", { d: "M0.5 0.8 L7.5 4 L0.5 7.2 Z" }));
  return svg("defs", {}, head("gradient"), head("plain"), head("cut"), head("flow"));
}
