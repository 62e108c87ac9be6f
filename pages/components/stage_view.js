// Looking around in the graph: pan, zoom, fit, by pointer, touch and wheel. Nothing here moves a card against another.

import { html, mark } from "./dom.js";
import { MARGIN } from "./stage_shapes.js";

const FAR = 0.5;
const SCALE = { least: 0.04, most: 3, readable: 0.62, passing: 0.8, largest: 1.15 };

// How large a graph is drawn at first: whole, if its words can be read then; else so that its breadth is whole and only its
// length is moved along.
export function scaleFor(box, extent, direction) {
  const along = direction === "right" ? box.width / extent.width : box.height / extent.height;
  const across = direction === "right" ? box.height / extent.height : box.width / extent.width;
  const scale = Math.min(along, across, SCALE.largest);
  const whole = scale >= SCALE.readable;
  return { whole, scale: whole ? scale : Math.max(SCALE.readable, Math.min(across, SCALE.passing)) };
}

export class View {
  constructor(graph) {
    this.graph = graph;
    this.spot = { x: 0, y: 0, scale: 1 };
    this.moved = false;
    this.fades = Object.fromEntries(["left", "right", "top", "bottom"].map((side) => [side, html("div", { class: `fade ${side}` })]));
    graph.canvas.append(...Object.values(this.fades));
    this.watchPointer();
  }

  fit() {
    const box = this.graph.canvas.getBoundingClientRect();
    if (!box.width || !this.graph.extent) return;
    const { width, height } = this.graph.extent;
    const { scale } = scaleFor(box, this.graph.extent, this.graph.direction);
    this.spot = {
      scale,
      x: width * scale > box.width + 1 ? 0 : (box.width - width * scale) / 2,
      y: height * scale > box.height + 1 ? 0 : (box.height - height * scale) / 2,
    };
    this.place();
  }

  overview() {
    const box = this.graph.canvas.getBoundingClientRect();
    const scale = Math.max(Math.min(box.width / this.graph.extent.width, box.height / this.graph.extent.height, SCALE.largest), SCALE.least);
    this.spot = { scale, x: (box.width - this.graph.extent.width * scale) / 2, y: (box.height - this.graph.extent.height * scale) / 2 };
    this.place();
  }

  place() {
    const { x, y, scale } = this.spot;
    mark(this.graph.layer, "transform", `translate(${x.toFixed(2)} ${y.toFixed(2)}) scale(${scale.toFixed(4)})`);
    this.graph.picture.classList.toggle("far", scale < FAR);
    const { clientWidth, clientHeight } = this.graph.canvas;
    const { width, height } = this.graph.extent;
    const beyond = { left: x < -MARGIN * scale, top: y < -MARGIN * scale,
      right: x + (width - MARGIN) * scale > clientWidth, bottom: y + (height - MARGIN) * scale > clientHeight };
    for (const [side, on] of Object.entries(beyond)) this.fades[side].classList.toggle("on", on);
  }

  zoom(factor, at = null) {
    const box = this.graph.canvas.getBoundingClientRect();
    const x = at ? at.x - box.left : box.width / 2;
    const y = at ? at.y - box.top : box.height / 2;
    const scale = Math.min(Math.max(this.spot.scale * factor, SCALE.least), SCALE.most);
    const real = scale / this.spot.scale;
    this.spot = { scale, x: x - (x - this.spot.x) * real, y: y - (y - this.spot.y) * real };
    this.moved = true;
    this.place();
  }

  // Brings a slot into view, if it is not.
  reveal(slot) {
    const place = this.graph.model.places[this.graph.model.placeOfSlot.get(slot)];
    if (!place) return;
    const box = this.graph.canvas.getBoundingClientRect();
    const { x, y } = this.graph.spot(place);
    const { scale } = this.spot;
    const { card } = this.graph.size;
    const left = x * scale + this.spot.x;
    const top = y * scale + this.spot.y;
    const inside = left >= 0 && top >= 0 && left + card.width * scale <= box.width && top + card.height * scale <= box.height;
    if (inside || !box.width) return;
    this.spot.x = box.width / 2 - (x + card.width / 2) * scale;
    this.spot.y = box.height / 2 - (y + card.height / 2) * scale;
    this.place();
  }

  watchPointer() {
    const pointers = new Map();
    let travelled = 0;
    this.graph.picture.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      travelled = 0;
    });
    this.graph.picture.addEventListener("pointermove", (event) => {
      const card = event.target.closest?.(".card");
      if (!pointers.size) this.graph.choose.hover(card?.dataset.slot === undefined ? null : Number(card.dataset.slot));
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const now = { x: event.clientX, y: event.clientY };
      if (pointers.size === 2) this.pinch(pointers, event.pointerId, before, now);
      else {
        this.spot.x += now.x - before.x;
        this.spot.y += now.y - before.y;
      }
      travelled += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
      if (travelled > 4 && !this.graph.picture.hasPointerCapture(event.pointerId)) this.graph.picture.setPointerCapture(event.pointerId);
      if (travelled > 4) this.moved = true;
      pointers.set(event.pointerId, now);
      this.place();
    });
    const end = (event) => pointers.delete(event.pointerId);
    this.graph.picture.addEventListener("pointerup", end);
    this.graph.picture.addEventListener("pointercancel", end);
    this.graph.picture.addEventListener("pointerleave", () => this.graph.choose.hover(null));
    this.graph.picture.addEventListener("click", (event) => {
      const card = event.target.closest?.(".card");
      if (card && travelled <= 4) this.graph.press(card);
    });
    this.graph.picture.addEventListener("dblclick", (event) => {
      const card = event.target.closest?.(".card");
      if (card?.dataset.slot !== undefined) this.graph.choose.fold(Number(card.dataset.slot));
    });
    this.graph.canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 240), { x: event.clientX, y: event.clientY });
    }, { passive: false });
  }

  pinch(pointers, moving, before, now) {
    const [, other] = [...pointers].find(([number]) => number !== moving);
    const apart = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
    this.zoom(apart(now) / apart(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }
}
