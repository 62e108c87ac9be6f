// The document of engine/document.py as questions: what was the case at moment m? A moment is a position of the clock;
// every row of the trace happened at one, so "so far" is a comparison of two numbers.

import { unpack } from "./msgpack.js";

const TABLES = ["steps", "operations", "nodes", "edges", "freed", "passes", "events", "deposits", "cuts", "changes",
  "scopes", "loops"];

export function readDocument(bytes) {
  return new Model(unpack(bytes));
}

function last(sorted, m) {
  // The position of the last entry with [0] <= m, or -1.
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle][0] <= m) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function grouped(rows, key) {
  const groups = new Map();
  for (const row of rows) {
    const name = key(row);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  return groups;
}

export class Model {
  constructor(content) {
    const { trace, picture, layout, clock, explained, fields, palettes } = content;
    this.explained = explained;
    const named = (kind, cells) => Object.fromEntries(fields[kind].map((field, place) => [field, cells[place]]));
    this.palettes = palettes;
    this.source = trace.source;
    this.lines = trace.source.split("\n");
    this.ticks = trace.ticks ?? 0;
    this.outcome = trace.outcome ?? null;
    for (const table of TABLES) this[table] = (trace[table] ?? []).map((row) => named(table, row));
    this.values = new Map();
    for (const [kind, ...cells] of trace.values ?? []) {
      const value = { kind, ...named(kind, cells) };
      if (value.preview) value.preview = named("preview", value.preview);
      this.values.set(value.number, value);
    }
    for (const node of this.nodes) {
      node.saved = node.saved.map((row) => named("saved", row));
      for (const row of node.saved) if (row.preview) row.preview = named("preview", row.preview);
    }
    this.moments = clock.moments.map(([step, kind, row]) => ({ step, kind, row }));
    this.stepMoments = clock.steps;
    this.clock = clock;
    this.slots = picture.slots.map((row) => named("slots", row));
    for (const slot of this.slots) slot.variants = slot.variants.map((row) => named("variants", row));
    this.arrows = picture.arrows.map((row) => named("arrows", row));
    this.groups = picture.groups.map((row) => named("groups", row));
    this.places = layout.places.map((row) => named("places", row));
    this.routes = layout.routes.map((row) => named("routes", row));
    this.layout = layout;
    this.index();
  }

  index() {
    this.operationOf = new Map(this.operations.map((row) => [row.number, row]));
    this.nodeOf = new Map(this.nodes.map((row) => [row.number, row]));
    this.passOf = new Map(this.passes.map((row) => [row.number, row]));
    this.stepOfTick = new Map(this.steps.map((row, place) => [row.tick, place]));
    this.loopOf = new Map(this.loops.map((row) => [row.number, row]));
    this.events.forEach((event, place) => { event.at = this.clock.events[place]; });
    this.deposits.forEach((row) => { row.at = this.clock.deposits[row.number]; });
    this.cuts.forEach((row, place) => { row.at = this.clock.cuts[place]; });
    this.eventsOf = grouped(this.events, (event) => event.node);
    this.depositsOf = grouped(this.deposits, (row) => row.tensor);
    this.freedAt = new Map(this.freed.map((row, place) => [row.node, this.clock.freed[place]]));
    this.retained = new Set();
    this.edgeAt = new Set(this.edges.map((edge) => `${edge.from_node}:${edge.position}`));
    this.edgeTo = new Map(this.edges.map((edge) => [`${edge.from_node}:${edge.position}`, edge.to_node]));
    this.updatesOf = grouped(this.explained.updates, (row) => row.tensor);
    this.history = this.readHistories();
    this.names = this.readNames();
    this.slotOfNode = new Map();
    this.slotOfTensor = new Map();
    for (const slot of this.slots) {
      for (const variant of slot.variants) {
        if (variant.node !== null) this.slotOfNode.set(variant.node, slot.number);
        if (variant.tensor !== null) this.slotOfTensor.set(variant.tensor, slot.number);
      }
    }
    this.placeOfSlot = this.readPlaces();
  }

  readPlaces() {
    const direct = new Map();
    const closed = new Map();
    this.places.forEach((place, number) => {
      if (place.slot !== null) direct.set(place.slot, number);
      else closed.set(place.group, number);
    });
    const found = new Map(direct);
    for (const slot of this.slots) {
      const group = slot.groups.find((number) => closed.has(number));
      if (!found.has(slot.number) && group !== undefined) found.set(slot.number, closed.get(group));
    }
    return found;
  }

  // The tensors a variable or a module holds, as [path, value].
  held(name, number) {
    const value = this.values.get(number);
    if (!value) return [];
    if (value.kind === "module") {
      return [...value.parameters, ...value.buffers].map(([path, part]) => [`${name}.${path}`, this.values.get(part)]);
    }
    if (value.kind === "other") return value.parts.map(([path, part]) => [name + path, this.values.get(part)]);
    return value.kind === "tensor" ? [[name, value]] : [];
  }

  // By tensor: [moment, snapshot], oldest first.
  readHistories() {
    const history = new Map();
    const add = (at, value) => {
      if (!value || value.kind !== "tensor") return;
      if (!history.has(value.tensor)) history.set(value.tensor, []);
      history.get(value.tensor).push([at, value]);
      if (value.retains_grad) this.retained.add(value.tensor);
    };
    for (const operation of this.operations) {
      for (const number of operation.outputs) add(this.clock.operations[operation.number], this.values.get(number));
    }
    for (const node of this.nodes) {
      if (node.value !== null) add(this.clock.nodes[node.number], this.values.get(node.value));
    }
    this.steps.forEach((step, place) => {
      for (const [name, number] of step.variables) {
        for (const [, value] of this.held(name, number)) add(this.stepMoments[place], value);
      }
    });
    for (const entries of history.values()) entries.sort((one, other) => one[0] - other[0] || one[1].number - other[1].number);
    return history;
  }

  // By tensor: every name it was ever bound to, in order of first appearance. The program's own names come first; those
  // inside functions count only for tensors that have no other.
  readNames() {
    const names = this.namesIn((step) => step.scope === 0);
    for (const [tensor, inner] of this.namesIn((step) => step.scope !== 0)) {
      if (!names.has(tensor)) names.set(tensor, inner);
    }
    for (const node of this.nodes) {
      if (node.leaf !== null && node.label && !names.has(node.leaf)) names.set(node.leaf, [node.label]);
    }
    return names;
  }

  namesIn(chosen) {
    const names = new Map();
    for (const step of this.steps.filter(chosen)) {
      for (const [name, number] of step.variables) {
        for (const [path, value] of this.held(name, number)) {
          if (!value || value.kind !== "tensor") continue;
          if (!names.has(value.tensor)) names.set(value.tensor, []);
          const known = names.get(value.tensor);
          if (!known.includes(path) && known.length < 6) known.push(path);
        }
      }
    }
    return names;
  }

  // The characters of the source in a span, in one line.
  excerpt([line, column, endLine, endColumn]) {
    const rows = this.lines.slice(line - 1, endLine).map((text) => Array.from(text));
    if (!rows.length) return "";
    rows[rows.length - 1] = rows[rows.length - 1].slice(0, endColumn);
    rows[0] = rows[0].slice(column);
    return rows.map((row) => row.join("").trim()).join(" ");
  }

  stepAt(m) {
    return this.steps[this.moments[m].step];
  }

  // The last moment of the statement that moment belongs to.
  doneOf(m) {
    return this.stepMoments[this.moments[m].step];
  }

  firstOf(m) {
    const place = this.moments[m].step;
    return place === 0 ? 0 : this.stepMoments[place - 1] + 1;
  }

  // The variables as they were at m: those of the step, or of the step before it in its scope while it is not over.
  variablesAt(m) {
    const place = this.moments[m].step;
    if (this.moments[m].kind === "done") return this.steps[place].variables;
    const before = this.stepBefore(place);
    return before === null ? [] : this.steps[before].variables;
  }

  stepBefore(place) {
    const scope = this.steps[place].scope;
    for (let before = place - 1; before >= 0; before--) if (this.steps[before].scope === scope) return before;
    return null;
  }

  snapshotAt(tensor, m) {
    const history = this.history.get(tensor);
    const place = history ? last(history, m) : -1;
    return place < 0 ? null : history[place][1];
  }

  // Why a tensor's .grad is None at m, or null.
  reasonAt(tensor, m) {
    const entries = this.explained.none[tensor] ?? [];
    const place = last(entries, m);
    return place < 0 || entries[place][1] < 0 ? null : this.explained.reasons[entries[place][1]];
  }

  // What a tensor's .grad held at m: {value: snapshot or null, deposit: the row that put it there or null}.
  gradAt(tensor, m) {
    const deposits = (this.depositsOf.get(tensor) ?? []).map((row) => [row.at, row]);
    const place = last(deposits, m);
    const history = this.history.get(tensor) ?? [];
    const seen = last(history, m);
    if (place >= 0 && (seen < 0 || deposits[place][0] >= history[seen][0])) {
      const row = deposits[place][1];
      return { value: row.after === null ? null : this.values.get(row.after), deposit: row };
    }
    const snapshot = seen < 0 ? null : history[seen][1];
    const value = snapshot && snapshot.grad !== null ? this.values.get(snapshot.grad) : null;
    return { value, deposit: place >= 0 ? deposits[place][1] : null };
  }

  variantAt(slot, m) {
    const variants = slot.variants;
    let found = 0;
    for (let place = 1; place < variants.length && variants[place].at <= m; place++) found = place;
    return variants[found];
  }

  // The pass the clock is in, or whose statement has just ended: {pass, event (position) or null}; null outside.
  passAt(m) {
    const first = this.firstOf(m);
    for (let at = m; at >= first; at--) {
      const moment = this.moments[at];
      if (moment.kind === "event") {
        const event = this.events[moment.row];
        return { pass: event.pass_, event: at === m ? event : null, first };
      }
    }
    return null;
  }

  // The latest event of a node at or before m.
  eventAt(node, m) {
    let found = null;
    for (const event of this.eventsOf.get(node) ?? []) if (event.at <= m) found = event;
    return found;
  }

  // What was written until then, as [text, whether it went to the error stream].
  writtenUntil(m) {
    const written = [];
    for (let place = 0; place <= this.moments[m].step; place++) {
      if (this.stepMoments[place] > m) continue;
      const step = this.steps[place];
      if (step.printed) written.push([step.printed, false]);
      for (const line of step.warnings) written.push([`${line}\n`, true]);
    }
    return written;
  }

  // The loops around a moment, outermost first, as {loop, iteration, first: place of the step it begins with}.
  iterationsAt(m) {
    return this.stepAt(m).iterations.map(([number, iteration]) => ({ loop: this.loopOf.get(number), number, iteration }));
  }

  // The recorded iterations of a loop: [iteration, moment at which the first statement in it was over].
  recorded(number) {
    const seen = new Map();
    this.steps.forEach((step, place) => {
      const entry = step.iterations.find(([loop]) => loop === number);
      if (entry && !seen.has(entry[1])) seen.set(entry[1], this.stepMoments[place]);
    });
    return [...seen];
  }

  // A moment from a link: the tick of its statement and the operation inside it, where one is meant.
  momentOf(tick, part) {
    const place = this.stepOfTick.get(tick) ?? this.nearest(tick);
    if (place === undefined) return Math.max(this.moments.length - 1, 0);
    const first = place === 0 ? 0 : this.stepMoments[place - 1] + 1;
    return part === null || part === undefined ? this.stepMoments[place]
      : Math.min(first + Math.max(part, 0), this.stepMoments[place]);
  }

  nearest(tick) {
    let found;
    for (const [known, place] of this.stepOfTick) if (known <= tick) found = place;
    return found ?? (this.steps.length ? 0 : undefined);
  }

  // What a link needs to come back here.
  position(m) {
    if (!this.moments.length) return { step: null, part: null };
    const inside = this.moments[m].kind !== "done";
    return { step: this.stepAt(m).tick, part: inside ? m - this.firstOf(m) : null };
  }
}
