// A pen for the points of the fit chart: a click adds one, dragging moves one, a click on one removes it.
// Points are kept as [x, y] in the units of the data, so that they mean the same in whatever run they come back.

const NEAR = 12; // pixels within which a point is meant
const MOVED = 4; // pixels from which a press is a drag
const REST = 500; // milliseconds without a change after which the points are sent
const FEWEST = 2; // points that a line needs

export class Pen {
  constructor(element, { changed, send }) {
    Object.assign(this, { element, changed, send, on: false, most: 0, dirty: false, held: null });
    const listen = (type, handler) => element.addEventListener(type, handler, { capture: true });
    listen("pointerdown", (event) => this.press(event));
    listen("pointermove", (event) => this.move(event));
    listen("pointerup", (event) => this.release(event));
    listen("pointercancel", (event) => this.release(event));
    // Plotly would zoom.
    for (const type of ["mousedown", "touchstart"]) listen(type, (event) => { if (this.on) event.stopPropagation(); });
  }

  toggle() {
    this.on = !this.on;
    this.element.classList.toggle("live-drawing", this.on);
  }

  // Another run is on the page: its points are taken, unless the reader has changed some since they were sent.
  take(known, most) {
    this.most = most;
    if (!most && this.on) this.toggle();
    this.known = known;
    if (this.dirty && most) this.show();
    else this.points = most ? known.rows.map(([x], index) => [x * known.scale[0] + known.mean[0], known.y[index]]) : [];
  }

  show() {
    const { known, points } = this;
    known.rows = points.map(([x]) => [(x - known.mean[0]) / known.scale[0]]);
    known.y = points.map(([, y]) => y);
    known.count = points.length;
    this.changed();
  }

  // The place of the pointer in pixels of the plot, and the axes there; null outside.
  place(event) {
    const { xaxis, yaxis } = this.element._fullLayout ?? {};
    const area = this.element.querySelector(".nsewdrag")?.getBoundingClientRect();
    if (!xaxis || !area) return null;
    const [x, y] = [event.clientX - area.left, event.clientY - area.top];
    return x < 0 || y < 0 || x > area.width || y > area.height ? null : { x, y, xaxis, yaxis };
  }

  nearest({ x, y, xaxis, yaxis }) {
    let best = -1;
    let least = NEAR;
    this.known.rows.forEach(([value], index) => {
      const far = Math.hypot(xaxis.d2p(value) - x, yaxis.d2p(this.known.y[index]) - y);
      if (far <= least) [best, least] = [index, far];
    });
    return best;
  }

  put(index, { x, y, xaxis, yaxis }) {
    this.points[index] = [xaxis.p2d(x) * this.known.scale[0] + this.known.mean[0], yaxis.p2d(y)];
    this.touch();
  }

  touch() {
    this.dirty = true;
    this.show();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      if (this.held) return this.touch();
      this.dirty = false;
      return this.send(this.points);
    }, REST);
  }

  press(event) {
    const place = this.on && event.button === 0 ? this.place(event) : null;
    if (!place) return;
    event.preventDefault();
    event.stopPropagation();
    const found = this.nearest(place);
    if (found < 0 && this.points.length >= this.most) return;
    this.held = { index: found < 0 ? this.points.length : found, old: found >= 0, from: place, moved: false };
    this.element.setPointerCapture(event.pointerId);
    if (found < 0) this.put(this.held.index, place);
  }

  move(event) {
    const place = this.held && this.place(event);
    if (!place) return;
    event.stopPropagation();
    this.held.moved ||= Math.hypot(place.x - this.held.from.x, place.y - this.held.from.y) > MOVED;
    if (this.held.moved) this.put(this.held.index, place);
  }

  release(event) {
    if (!this.held) return;
    event.stopPropagation();
    const { index, old, moved } = this.held;
    this.held = null;
    if (old && !moved && event.type === "pointerup" && this.points.length > FEWEST) {
      this.points.splice(index, 1);
      this.touch();
    }
  }
}
