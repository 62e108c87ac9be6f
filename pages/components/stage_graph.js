// The graph as SVG. Places come from the layout and never move; a step only changes words, classes and the flow on edges.

import { button, html, mark, say, svg } from "./dom.js";
import { icon } from "./icons.js";
import { LEAF_INDENT, MARGIN, NARROW, WIDE, inset, outline, stem } from "./stage_shapes.js";
import { View, scaleFor } from "./stage_view.js";
import { clip, clipPath, preview, width } from "./words.js";

const LETTER = { title: 8.2, engine: 5.9, word: 6, value: 7.3, shape: 6.7 };

export class Graph {
  constructor(scene, texts, choose) {
    this.scene = scene;
    this.model = scene.model;
    this.texts = texts;
    this.choose = choose;
    this.direction = null;
    this.size = WIDE;
    this.layer = svg("g", {});
    this.picture = svg("svg", { class: "picture", role: "group", "aria-label": texts("stage.graph.label") }, this.layer);
    this.list = html("ol", { class: "listing" });
    this.listing = html("div", { class: "list unseen" }, this.list);
    this.note = html("p", { class: "note" });
    this.tools = this.makeTools();
    this.pane = html("section", { class: "graph", "aria-label": texts("stage.graph") },
      this.tools, html("div", { class: "canvas" }, this.picture), this.note, this.listing);
    this.canvas = this.picture.parentNode;
    this.view = new View(this);
    this.watchKeys();
    this.watcher = new ResizeObserver(() => this.resized());
    this.watcher.observe(this.canvas);
  }

  makeTools() {
    const t = this.texts;
    this.groupButtons = html("span", { class: "groups" });
    return html("div", { class: "tools" },
      html("h3", {}, t("stage.graph")),
      this.groupButtons,
      html("span", { class: "spring" }),
      button(icon("minus"), t("stage.zoom.out"), () => this.view.zoom(1 / 1.25)),
      button(icon("plus"), t("stage.zoom.in"), () => this.view.zoom(1.25)),
      button(icon("fit"), t("stage.fit.help"), () => { this.view.moved = false; this.view.fit(); }),
      button(icon("all"), t("stage.all.help"), () => { this.view.moved = true; this.view.overview(); }),
      button(icon("turn"), t("stage.turn"), () => this.turn(this.direction === "right" ? "down" : "right")),
      (this.listButton = button(t("stage.list"), t("stage.list.help"), () => this.showList(this.listing.classList.contains("unseen")), { "aria-pressed": "false" })));
  }

  showList(shown) {
    this.listing.classList.toggle("unseen", !shown);
    mark(this.listButton, "aria-pressed", String(shown));
    if (shown) this.readAloud();
  }

  // ---- drawing, once for each layout and direction

  spot(place) {
    return this.point(place.along, place.across);
  }

  point(along, across) {
    const pitch = this.size.pitch[this.direction];
    return this.direction === "right"
      ? { x: along * pitch.along + MARGIN, y: across * pitch.across + MARGIN }
      : { x: across * pitch.across + MARGIN, y: along * pitch.along + MARGIN };
  }

  draw(direction) {
    this.direction = direction;
    this.size = this.fitting(direction);
    const { model } = this;
    this.layer.replaceChildren();
    const edges = svg("g", { class: "edges" });
    const labels = svg("g", { class: "labels" });
    const cards = svg("g", { class: "cards" });
    this.layer.append(edges, cards, labels);
    const ports = this.ports();
    this.edges = model.routes.map((route, number) => this.drawEdge(route, ports.get(number), edges, labels));
    this.cards = model.places.map((place, number) => this.drawCard(place, number, cards));
    this.extent = this.measure(direction, this.size);
    this.enter(this.entrance ?? 0);
    const hidden = model.layout.hidden + model.layout.left_out;
    say(this.note, hidden ? this.texts("stage.hidden", { hidden, drawn: model.places.length }) : "");
  }

  // The size of card with which the whole graph is in its pane in the largest letters; where neither is whole, that with
  // which more of it is.
  fitting(direction) {
    const box = { width: this.canvas.clientWidth, height: this.canvas.clientHeight };
    const [wide, narrow] = [WIDE, NARROW].map((size) => scaleFor(box, this.measure(direction, size), direction));
    if (wide.whole || narrow.whole) return !wide.whole || (narrow.whole && narrow.scale > 1.04 * wide.scale) ? NARROW : WIDE;
    return narrow.scale >= wide.scale ? NARROW : WIDE;
  }

  measure(direction, size) {
    const { length, breadth } = this.model.layout;
    const pitch = size.pitch[direction];
    const along = (length - 1) * pitch.along;
    const across = (breadth - 1) * pitch.across;
    const [right, bottom] = direction === "right" ? [along, across] : [across, along];
    return { width: right + size.card.width + 2 * MARGIN, height: bottom + size.card.height + 2 * MARGIN };
  }

  // Where edges enter a card: side by side in the order of their sources, so that `x + x` shows two.
  ports() {
    const entering = new Map();
    this.model.routes.forEach((route, number) => {
      if (!entering.has(route.target)) entering.set(route.target, []);
      entering.get(route.target).push(number);
    });
    const ports = new Map();
    for (const numbers of entering.values()) {
      const side = (number) => {
        const route = this.model.routes[number];
        const before = route.bends.length ? route.bends[route.bends.length - 1][1] : this.model.places[route.source].across;
        return before;
      };
      numbers.sort((one, other) => side(one) - side(other));
      numbers.forEach((number, place) => ports.set(number, (place + 1) / (numbers.length + 1)));
    }
    return ports;
  }

  drawEdge(route, port, edges, labels) {
    const { model } = this;
    const arrows = route.arrows.map((number) => model.arrows[number]);
    const kind = arrows.some((arrow) => arrow.kind === "gradient") ? "gradient"
      : arrows.some((arrow) => arrow.kind === "cut") ? "cut" : "plain";
    const strands = arrows.filter((arrow) => arrow.kind === "gradient").length;
    const group = svg("g", { class: `edge ${kind}` });
    const paths = [];
    const several = this.scene.simple(route) ? Math.max(strands, 1) : 1;
    for (let strand = 0; strand < several; strand++) {
      const shift = (strand - (several - 1) / 2) * 12;
      const path = this.path(route, port, shift, arrows.some((arrow) => arrow.carried));
      paths.push(svg("path", { class: "line", d: path, "marker-end": `url(#tip-${kind})` }));
      paths.push(svg("path", { class: "flow", d: path, "marker-start": "url(#tip-flow)" }));
    }
    group.append(...paths);
    edges.append(group);
    const middle = this.middle(route, port);
    const label = svg("g", { class: "label", transform: `translate(${middle.x} ${middle.y})` });
    const plate = svg("rect", { class: "plate", x: -20, y: -9, width: 40, height: 18, rx: 9 });
    const word = svg("text", { class: "vjp", "text-anchor": "middle", dy: "0.35em" });
    label.append(plate, word);
    labels.append(label);
    if (kind === "cut") this.drawCut(route, port, arrows.find((one) => one.kind === "cut"), group, { label, plate, word });
    return { group, label, plate, word, kind, route, state: "" };
  }

  // Two strokes across the edge where it ends, and the reason on the rim of what was cut off.
  drawCut(route, port, arrow, group, { label, plate, word }) {
    const [, end] = this.ends(route, port);
    const right = this.direction === "right";
    group.append(svg("g", { class: "scissors", transform: `translate(${end.x - (right ? 20 : 0)} ${end.y - (right ? 0 : 18)})` },
      svg("path", { d: right ? "M-2 -8 L-6 8 M6 -8 L2 8" : "M-8 -2 L8 -6 M-8 6 L8 2" })));
    const line = this.model.variantAt(this.model.slots[arrow.target], Infinity).span?.[0] ?? "?";
    const text = this.texts("stage.cut.at", { reason: this.texts(`stage.cut.${arrow.reason}`), line });
    this.plate(label, plate, word, text);
    const { x, y } = this.spot(this.model.places[route.target]);
    const { width: wide, height: high } = this.size.card;
    mark(label, "transform", `translate(${x + wide / 2} ${right ? y - 11 : y + high + 10})`);
    label.classList.add("shown", "cut");
  }

  plate(label, plate, word, text) {
    say(word, text);
    const wide = Math.max(20, width(text, 6.4) + 12);
    mark(plate, "width", wide);
    mark(plate, "x", -wide / 2);
  }

  ends(route, port, shift = 0) {
    const from = this.spot(this.model.places[route.source]);
    const to = this.spot(this.model.places[route.target]);
    const { width: wide, height: high } = this.size.card;
    return this.direction === "right"
      ? [{ x: from.x + wide + 2, y: from.y + high / 2 + shift }, { x: to.x - 3, y: to.y + high * port + shift }]
      : [{ x: from.x + wide / 2 + shift, y: from.y + high + 2 }, { x: to.x + wide * port + shift, y: to.y - 3 }];
  }

  // The points an edge goes through: its ends, and on its way straight through each layer that it passes, so that it is
  // behind no card there.
  through(route, port, shift) {
    const [start, end] = this.ends(route, port, shift);
    const { width: wide, height: high } = this.size.card;
    const bends = route.bends.flatMap(([along, across]) => {
      const { x, y } = this.point(along, across);
      return this.direction === "right"
        ? [{ x, y: y + high / 2 + shift }, { x: x + wide, y: y + high / 2 + shift }]
        : [{ x: x + wide / 2 + shift, y }, { x: x + wide / 2 + shift, y: y + high }];
    });
    return [start, ...bends, end];
  }

  path(route, port, shift, carried) {
    const points = this.through(route, port, shift);
    if (carried) return this.loop(points[0], points[points.length - 1]);
    let path = `M${points[0].x} ${points[0].y}`;
    for (let place = 1; place < points.length; place++) {
      const a = points[place - 1];
      const b = points[place];
      path += this.direction === "right"
        ? ` C${(a.x + b.x) / 2} ${a.y} ${(a.x + b.x) / 2} ${b.y} ${b.x} ${b.y}`
        : ` C${a.x} ${(a.y + b.y) / 2} ${b.x} ${(a.y + b.y) / 2} ${b.x} ${b.y}`;
    }
    return path;
  }

  // On to the next iteration: around the outside, back to where the loop begins.
  loop(start, end) {
    const reach = 46;
    return this.direction === "right"
      ? `M${start.x} ${start.y} C${start.x + reach} ${start.y - 3 * reach} ${end.x - reach} ${end.y - 3 * reach} ${end.x} ${end.y}`
      : `M${start.x} ${start.y} C${start.x + 4 * reach} ${start.y + reach} ${end.x + 4 * reach} ${end.y - reach} ${end.x} ${end.y}`;
  }

  middle(route, port) {
    const points = this.through(route, port, 0);
    const place = Math.floor((points.length - 1) / 2);
    const a = points[place];
    const b = points[place + 1];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  }

  drawCard(place, number, cards) {
    const { x, y } = this.spot(place);
    const group = svg("g", { class: "card", transform: `translate(${x} ${y})`, tabindex: "-1", role: "button", "data-place": number });
    const parts = {};
    const line = (name, dx, dy, anchor) => {
      parts[name] = svg("text", { class: name, x: dx, y: dy, "text-anchor": anchor });
      return parts[name];
    };
    parts.outline = svg("path", { class: "outline" });
    parts.inner = svg("path", { class: "inner" });
    parts.hint = svg("title", {});
    const { card: { width: wide, height: high }, starts, ends } = this.size;
    group.append(parts.hint, svg("rect", { class: "halo", x: -5, y: -5, width: wide + 10, height: high + 10, rx: 12 }),
      parts.outline, parts.inner,
      ...Object.entries(starts).map(([name, [left, base]]) => line(name, left, base)),
      ...Object.entries(ends).map(([name, [right, base]]) => line(name, wide - right, base, "end")),
      line("distant", wide / 2, high / 2 + 9, "middle"));
    cards.append(group);
    if (place.group !== null) {
      const words = this.scene.group(place);
      group.classList.add("group");
      mark(parts.outline, "d", outline("group", this.size.card));
      mark(parts.inner, "d", `M6 ${high + 4} H${wide - 6} M12 ${high + 8} H${wide - 12}`);
      say(parts.title, clip(words.title, Math.floor((wide - 20) / LETTER.title)));
      say(parts.hint, words.title);
      say(parts.engine, words.count);
      say(parts.value, this.texts("stage.group.open"));
      say(parts.distant, clip(words.title, 11));
      mark(group, "aria-label", `${words.title}, ${words.count}`);
    }
    return { group, parts, place, kind: "" };
  }

  // ---- one moment

  show(m, selected, lit) {
    if (!this.cards) return;
    this.moment = m;
    const active = this.model.passAt(m);
    const current = this.model.moments[m];
    const firing = active?.event ? this.model.slotOfNode.get(active.event.node) : undefined;
    const operation = current.kind === "operation" ? current.row : null;
    for (const card of this.cards) this.showCard(card, m, selected, lit, firing, operation);
    for (const edge of this.edges) this.showEdge(edge, m, active);
    if (!this.listing.classList.contains("unseen")) this.readAloud();
    else this.later();
  }

  // The cards of one path of the gradient, until another is lit or the same one again.
  lightPath(slots) {
    const same = this.litPath?.join() === slots.join();
    this.litPath = same ? null : slots;
    const places = new Set((this.litPath ?? []).map((slot) => this.model.placeOfSlot.get(slot)));
    this.cards.forEach((card, number) => card.group.classList.toggle("onpath", places.has(number)));
  }

  showCard(card, m, selected, lit, firing, operation) {
    const { group, place } = card;
    if (place.slot === null) {
      group.classList.toggle("lit", lit !== null && this.model.placeOfSlot.get(lit) === this.model.places.indexOf(place));
      return;
    }
    const slot = this.model.slots[place.slot];
    this.light(card, { selected: selected === slot.number, lit: lit === slot.number, firing: firing === slot.number,
      working: operation !== null && slot.variants.some((variant) => variant.operation === operation) });
    const age = this.scene.age(slot, m);
    if (card.age !== age) this.rewrite(card, slot, m);
    card.age = age;
  }

  // The classes that come and go with the clock and the pointer, written only where they differ.
  light(card, states) {
    const key = Object.values(states).join();
    if (card.lights === key) return;
    card.lights = key;
    for (const [name, on] of Object.entries(states)) card.group.classList.toggle(name, on);
    mark(card.group, "aria-pressed", String(states.selected));
  }

  rewrite(card, slot, m) {
    const { group, parts } = card;
    const facts = this.scene.card(slot, m);
    card.born = facts.born;
    if (card.kind !== facts.kind) {
      card.kind = facts.kind;
      group.classList.remove("leaf", "input", "nonleaf", "retained", "plain", "cut");
      group.classList.add(facts.kind);
      this.indent(parts, facts.kind === "leaf" ? LEAF_INDENT : 0);
      mark(parts.outline, "d", outline(facts.kind, this.size.card));
      mark(parts.inner, "d", facts.kind === "retained" ? inset(this.size.card) : facts.kind === "leaf" ? stem(this.size.card) : "");
    }
    group.classList.toggle("unborn", !facts.born);
    group.classList.toggle("freed", facts.freed);
    mark(group, "data-slot", slot.number);
    this.write(parts, facts);
    mark(parts.grad, "data-state", facts.grad?.state);
    say(parts.distant, clip(facts.title, 11));
    say(parts.hint, `${facts.title}\n${facts.engine} ${facts.shape}`);
    mark(group, "aria-label", this.focused === slot.number ? this.scene.sentence(slot, m) : facts.title);
  }

  indent(parts, more) {
    for (const [name, [left]] of Object.entries(this.size.starts)) mark(parts[name], "x", left + more);
    for (const [name, [right]] of Object.entries(this.size.ends)) mark(parts[name], "x", this.size.card.width - right - more / 2);
  }

  // The words on a card, each with the room that its neighbour leaves. A long grad_fn stands alone on a wide card: it says
  // itself that the tensor was computed.
  write(parts, facts) {
    const t = this.texts;
    const narrow = this.size === NARROW;
    const all = this.size.card.width - 2 * this.size.starts.title[0] - (facts.kind === "leaf" ? 1.5 * LEAF_INDENT : 0);
    const fit = (letter, neighbour = "", theirs = 0) =>
      Math.max(Math.floor((all - (neighbour ? width(neighbour, theirs) + 6 : 0)) / letter), 4);
    const alone = !narrow && facts.kind === "nonleaf" && width(facts.engine + facts.word, LETTER.engine) > all - 8;
    const word = alone ? "" : facts.word;
    const sizes = facts.born ? facts.shape : "";
    const state = facts.freed ? t("stage.freed") : "";
    say(parts.title, clipPath(facts.title, narrow ? fit(LETTER.title, state, LETTER.word) : fit(LETTER.title)));
    say(parts.word, word);
    say(parts.engine, clip(facts.engine, narrow ? fit(LETTER.engine) : fit(LETTER.engine, word, LETTER.word)));
    parts.engine.classList.toggle("sign", /^\W+$/.test(facts.engine));
    say(parts.shape, narrow ? clip(sizes, fit(LETTER.shape, word, LETTER.word)) : sizes);
    const value = narrow ? fit(LETTER.value) : fit(LETTER.value, sizes, LETTER.shape);
    say(parts.value, facts.born ? (facts.value ? `= ${preview(facts.value, value - 2)}` : "") : t("stage.unborn"));
    say(parts.state, state);
    say(parts.grad, this.gradient(facts.grad, narrow ? fit(LETTER.value) : fit(LETTER.value, state, LETTER.word), narrow));
  }

  // A gradient that only passed through is told from one that is kept; where there is little room, by an arrow.
  gradient(grad, room, narrow) {
    if (!grad) return "";
    const passed = grad.stored === false;
    const lead = passed && narrow ? "← " : `${this.texts(passed ? "stage.grad.flow" : "stage.grad")} `;
    return lead + (grad.value ? preview(grad.value, Math.max(room - Math.ceil(width(lead, 1)), 4)) : grad.word);
  }

  showEdge(edge, m, active) {
    const unborn = this.cards[edge.route.target].born === false;
    if (edge.unborn !== unborn) {
      edge.unborn = unborn;
      edge.group.classList.toggle("unborn", unborn);
      edge.label.classList.toggle("unborn", unborn);
    }
    if (!active && edge.state === "idle") return;
    const flow = this.scene.flow(edge.route, m, active, this.size === NARROW && this.direction === "right" ? 7 : 11);
    if (edge.state !== flow.state) {
      edge.group.classList.remove("idle", "flowed", "flowing");
      edge.group.classList.add(flow.state);
      edge.label.classList.toggle("flowing", flow.state === "flowing");
      edge.state = flow.state;
    }
    if (edge.kind !== "cut") {
      edge.label.classList.toggle("shown", flow.word !== "");
      if (flow.word && edge.word.textContent !== flow.word) this.plate(edge.label, edge.plate, edge.word, flow.word);
    }
  }

  // The list follows when the clock rests: nobody hears thirty sentences a second.
  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.readAloud(), 400);
  }

  readAloud() {
    const places = this.model.places.filter((place) => place.slot !== null || place.group !== null);
    const lines = places.map((place) => (place.slot === null
      ? Object.values(this.scene.group(place)).join(", ")
      : this.scene.sentence(this.model.slots[place.slot], this.moment)));
    while (this.list.children.length > lines.length) this.list.lastChild.remove();
    lines.forEach((line, number) => {
      if (number >= this.list.children.length) this.list.append(html("li", {}));
      say(this.list.children[number], line);
    });
  }

  turn(direction) {
    this.preferred = direction;
    this.onchoice?.();
    this.draw(direction);
    this.view.moved = false;
    this.view.fit();
    this.onturn?.();
  }

  resized() {
    const breadth = this.canvas.clientWidth;
    if (!breadth || !this.model.places.length) return;
    const first = !this.direction;
    const anew = first || (!this.view.moved && this.fitting(this.direction) !== this.size);
    if (anew) this.draw(first ? this.preferred ?? (breadth < 520 ? "down" : "right") : this.direction);
    if (!this.view.moved) this.view.fit();
    if (anew) this.onturn?.();
  }

  press(card) {
    const place = this.model.places[Number(card.dataset.place)];
    if (place.group !== null) this.choose.open(place.group);
    else this.choose.node(place.slot);
  }

  // One card is in the tab order; arrows go along the edges from there.
  watchKeys() {
    this.picture.addEventListener("focusin", (event) => {
      const card = event.target.closest?.(".card");
      if (!card) return;
      this.focused = card.dataset.slot === undefined ? null : Number(card.dataset.slot);
      if (this.focused !== null) {
        mark(card, "aria-label", this.scene.sentence(this.model.slots[this.focused], this.moment));
        this.view.reveal(this.focused);
      }
      this.choose.hover(this.focused);
    });
    this.picture.addEventListener("focusout", () => this.choose.hover(null));
    this.picture.addEventListener("keydown", (event) => {
      const card = event.target.closest?.(".card");
      if (!card) return;
      if (event.key === "Enter" || event.key === " ") this.press(card);
      else if (event.key === "+" || event.key === "=") this.view.zoom(1.25);
      else if (event.key === "-") this.view.zoom(1 / 1.25);
      else if (event.key === "0") { this.view.moved = false; this.view.fit(); }
      else if (event.key.startsWith("Arrow")) this.walk(Number(card.dataset.place), event.key);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  walk(from, key) {
    const here = this.spot(this.model.places[from]);
    const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[key];
    let best = null;
    this.model.places.forEach((place, number) => {
      const { x, y } = this.spot(place);
      const ahead = (x - here.x) * way[0] + (y - here.y) * way[1];
      const aside = Math.abs((x - here.x) * way[1]) + Math.abs((y - here.y) * way[0]);
      if (ahead <= 1) return;
      const cost = ahead + 2.5 * aside;
      if (best === null || cost < best.cost) best = { cost, number };
    });
    if (best) this.focus(best.number);
  }

  focus(number) {
    this.enter(number);
    this.cards[number].group.focus();
  }

  // Which card the tab key reaches.
  enter(number) {
    this.entrance = number;
    if (!this.cards) return;
    for (const card of this.cards) mark(card.group, "tabindex", "-1");
    if (this.cards[number]) mark(this.cards[number].group, "tabindex", "0");
  }

  close() {
    this.watcher.disconnect();
    clearTimeout(this.timer);
  }
}
