// How many bytes the graph holds for backward after each statement: a line under the slider that drops when they are freed.

import { html, mark, say, svg } from "./dom.js";

const WIDTH = 1000;
const HEIGHT = 18;

export class Memory {
  constructor(model, texts, go) {
    this.held = model.steps.map((step) => step.graph_bytes);
    this.most = Math.max(0, ...this.held);
    this.texts = texts;
    this.dot = svg("line", { class: "now", y1: 0, y2: HEIGHT });
    this.words = html("small", {});
    const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      svg("path", { class: "held", d: this.path() }), this.dot);
    this.track = html("div", { class: "track", title: texts("stage.memory"), onclick: (event) => {
      const box = drawing.getBoundingClientRect();
      go(Math.min(Math.max(Math.round(((event.clientX - box.left) / box.width) * (this.held.length - 1)), 0), this.held.length - 1));
    } }, this.most ? drawing : null);
  }

  x(place) {
    return (WIDTH * place) / Math.max(this.held.length - 1, 1);
  }

  y(bytes) {
    return HEIGHT - 1 - ((HEIGHT - 2) * bytes) / Math.max(this.most, 1);
  }

  // Steps, not slopes: the bytes change when a statement is over.
  path() {
    let path = `M0 ${HEIGHT}`;
    this.held.forEach((bytes, place) => { path += `H${this.x(place).toFixed(1)}V${this.y(bytes).toFixed(1)}`; });
    return `${path}H${WIDTH}V${HEIGHT}Z`;
  }

  show(place) {
    if (this.most === 0) return;
    mark(this.dot, "x1", this.x(place));
    mark(this.dot, "x2", this.x(place));
    say(this.words, this.texts("stage.memory.at", { bytes: this.held[place].toLocaleString("en"), most: this.most.toLocaleString("en") }));
  }
}
