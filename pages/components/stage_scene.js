// What every card and edge of the graph says at a moment: words and numbers only, no drawing. The graph, its list for screen
// readers and the card of the selected node all read it here, so that they never disagree.

import { preview, shape, unusual } from "./words.js";

const NO_GRADIENT = new Set(["input", "plain"]);

export class Scene {
  constructor(model, say) {
    this.model = model;
    this.say = say;
    this.incoming = new Map(model.slots.map((slot) => [slot.number, []]));
    for (const arrow of model.arrows) this.incoming.get(arrow.target).push(arrow);
    this.changes = new Map();
  }

  // How often a slot's card has changed up to m: while that stays the same, so do all of its words.
  age(slot, m) {
    if (!this.changes.has(slot.number)) this.changes.set(slot.number, this.changesOf(slot));
    const moments = this.changes.get(slot.number);
    let low = 0;
    let high = moments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (moments[middle] <= m) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  changesOf(slot) {
    const { model } = this;
    const moments = new Set();
    for (const { at, tensor, node } of slot.variants) {
      moments.add(at);
      let before = null;
      for (const [seen, value] of model.history.get(tensor) ?? []) {
        if (value.number !== before) moments.add(seen);
        before = value.number;
      }
      for (const row of model.depositsOf.get(tensor) ?? []) moments.add(row.at);
      for (const event of model.eventsOf.get(node) ?? []) moments.add(event.at);
      if (model.freedAt.has(node)) moments.add(model.freedAt.get(node));
    }
    return [...moments].sort((one, other) => one - other);
  }

  // The card of a slot at m.
  card(slot, m) {
    const { model, say } = this;
    const variant = model.variantAt(slot, m);
    const born = variant.at <= m;
    const node = variant.node === null ? null : model.nodeOf.get(variant.node);
    const tensor = variant.tensor;
    const operation = variant.operation === null ? null : model.operationOf.get(variant.operation);
    const names = model.names.get(tensor) ?? [];
    const now = tensor === null ? null : model.snapshotAt(tensor, m);
    const value = now ?? (variant.value === null ? null : model.values.get(variant.value));
    const retained = slot.kind === "operation" && tensor !== null && Boolean(now?.retains_grad);
    const cut = this.incoming.get(slot.number).find((arrow) => arrow.kind === "cut");
    const written = operation ? model.excerpt(operation.span) : "";
    const title = names.join(", ") || written || operation?.name || node?.label || node?.name || "";
    const engine = node && node.leaf === null ? node.name : "";
    const kind = slot.kind === "operation" ? (retained ? "retained" : "nonleaf") : cut ? "cut" : slot.kind;
    return {
      slot, variant, node, tensor, operation, names, value, born, kind, title, written,
      engine: engine || (slot.kind === "leaf" ? (node ? "AccumulateGrad" : "") : operation?.name ?? ""),
      word: say(`stage.kind.${kind}`),
      shape: value?.shape ? [shape(value.shape), unusual(value)].filter(Boolean).join(" ") : "",
      preview: born && value ? preview(value, 22) : "",
      grad: born ? this.grad(slot, variant, m) : null,
      freed: node !== null && (model.freedAt.get(node.number) ?? Infinity) <= m,
      cut: cut ? cut.reason : "",
    };
  }

  // What is known of a slot's gradient: {word, state, value}. States: number, zero, none, later, passed, never.
  grad(slot, variant, m) {
    const { model, say } = this;
    if (NO_GRADIENT.has(slot.kind)) return null;
    const held = variant.tensor === null ? null : model.gradAt(variant.tensor, m);
    if (slot.kind === "leaf" || held?.value) {
      if (held?.value) return { ...this.number(held.value), stored: true };
      const deposits = model.depositsOf.get(variant.tensor) ?? [];
      const waiting = !held?.deposit && deposits.some((row) => row.at > m);
      return waiting ? { state: "later", word: say("stage.grad.later") } : { state: "none", word: "None" };
    }
    const event = variant.node === null ? null : model.eventAt(variant.node, m);
    if (event) {
      const number = event.grad_outputs.find((one) => one !== null);
      const value = number === undefined ? null : model.values.get(number);
      return value ? { ...this.number(value), stored: false } : { state: "none", word: "None" };
    }
    const comes = variant.node !== null && (model.eventsOf.get(variant.node) ?? []).length > 0;
    return comes ? { state: "later", word: say("stage.grad.later") } : { state: "never", word: say("stage.grad.never") };
  }

  number(value) {
    const elements = value.preview?.values ?? [];
    const zero = elements.length > 0 && !value.preview.truncated && elements.every((element) => element === 0);
    return { state: zero ? "zero" : "number", word: preview(value, 18), value };
  }

  // What flows along a drawn route at m: {state: idle | flowed | flowing, word}, in about `room` characters.
  flow(route, m, active, room) {
    const { model } = this;
    const gradients = route.arrows.map((number) => model.arrows[number]).filter((arrow) => arrow.kind === "gradient");
    if (!active || !gradients.length) return { state: "idle", word: "" };
    let state = "idle";
    const words = [];
    for (const arrow of gradients) {
      const node = model.variantAt(model.slots[arrow.target], m).node;
      const event = node === null ? null : model.eventAt(node, m);
      if (!event || event.pass_ !== active.pass) continue;
      if (!model.edgeAt.has(`${node}:${arrow.position}`)) continue;
      const number = event.grad_inputs[arrow.position];
      if (number === undefined) continue; // it raised: nothing was sent on
      const value = number === null ? null : model.values.get(number);
      state = active.event === event ? "flowing" : state === "flowing" ? state : "flowed";
      words.push(value ? preview(value, room) : "None");
    }
    const single = this.simple(route);
    return { state, word: single ? words.join(" + ") : "" };
  }

  // Both ends are single slots, so a number on the edge says what it means.
  simple(route) {
    return this.model.places[route.source].slot !== null && this.model.places[route.target].slot !== null;
  }

  // One sentence for a slot, for those who hear the graph.
  sentence(slot, m) {
    const { model, say } = this;
    const card = this.card(slot, m);
    const from = this.incoming.get(slot.number).map((arrow) => this.card(model.slots[arrow.source], m).title);
    const parts = [`${card.title}: ${card.word}`];
    if (card.engine) parts.push(card.engine);
    if (from.length) parts.push(say("stage.list.from", { names: [...new Set(from)].join(", ") }));
    if (card.shape) parts.push(card.shape);
    parts.push(card.born ? say("stage.list.value", { value: card.preview || "…" }) : say("stage.list.unborn"));
    if (card.grad) parts.push(say("stage.list.grad", { value: card.grad.word }));
    if (card.freed) parts.push(say("stage.freed"));
    if (card.cut) parts.push(say("stage.list.cut", { reason: say(`stage.cut.${card.cut}`), line: card.variant.span?.[0] ?? "?" }));
    return parts.join("; ");
  }

  // What a group drawn as one says.
  group(place) {
    const group = this.model.groups[place.group];
    return {
      title: this.say(`stage.group.${group.kind}`, { name: group.name }),
      count: this.say("stage.group.size", { count: place.size }),
    };
  }
}
