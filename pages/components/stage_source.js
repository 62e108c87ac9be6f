// The program as it ran: the current statement marked, values of bare expressions, printed output and errors at their
// line. Pointing at a node lights the very characters that made it; selecting characters lights the node.

import { html, mark, say } from "./dom.js";
import { clip, preview, whole } from "./words.js";

const COMMENT = /^(?:[^#'"]|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")*?(#.*)$/;

export class Source {
  constructor(model, texts, choose) {
    this.model = model;
    this.texts = texts;
    this.choose = choose;
    this.rows = html("ol", { class: "code" });
    this.pane = html("section", { class: "source", "aria-label": texts("stage.source") },
      html("div", { class: "tools" }, html("h3", {}, texts("stage.source"))),
      html("div", { class: "scroll" }, this.rows));
    this.scroll = this.rows.parentNode;
    this.stops = this.statementLines();
    this.lines = model.lines.map((text, number) => this.makeLine(text, number + 1));
    this.marked = new Set();
    this.watch();
  }

  // By line: the moments at which a statement that begins there was over.
  statementLines() {
    const stops = new Map();
    this.model.steps.forEach((step, place) => {
      const line = step.span[0];
      if (!stops.has(line)) stops.set(line, []);
      stops.get(line).push(this.model.stepMoments[place]);
    });
    return stops;
  }

  makeLine(text, number) {
    const characters = Array.from(text);
    const comment = COMMENT.exec(text);
    const code = html("code", {});
    const echo = html("span", { class: "echo" });
    const runs = this.stops.get(number)?.length ?? 0;
    const gutter = html("button", { type: "button", class: "number", tabindex: "-1", disabled: !runs,
      "aria-label": this.texts(runs ? "stage.line.go" : "stage.line", { line: number }) }, String(number));
    const row = html("li", { class: runs ? "line ran" : "line", "data-line": number }, gutter, code, echo);
    this.rows.append(row);
    const line = { row, code, echo, gutter, characters, comment: comment ? Array.from(text.slice(0, comment.index + comment[0].length - comment[1].length)).length : Infinity, key: null };
    this.paint(line, []);
    return line;
  }

  // The characters of a line in pieces, each with the marks that cover it. `marks` are [from, to, class].
  paint(line, marks) {
    const key = marks.join("|");
    if (line.key === key) return;
    line.key = key;
    const length = line.characters.length;
    const edges = new Set([0, length, Math.min(line.comment, length)]);
    for (const [from, to] of marks) edges.add(Math.min(from, length)).add(Math.min(to, length));
    const cuts = [...edges].sort((one, other) => one - other);
    const pieces = [];
    for (let place = 0; place + 1 < cuts.length; place++) {
      const [from, to] = [cuts[place], cuts[place + 1]];
      const names = marks.filter(([start, end]) => start <= from && to <= end).map(([, , name]) => name);
      if (from >= line.comment) names.push("comment");
      pieces.push(html("span", names.length ? { class: names.join(" ") } : {}, line.characters.slice(from, to).join("")));
    }
    line.code.replaceChildren(...pieces);
  }

  show(m, lit) {
    const { model } = this;
    const wanted = new Map();
    const put = (span, name) => {
      for (let number = span[0]; number <= Math.min(span[2], this.lines.length); number++) {
        const from = number === span[0] ? span[1] : 0;
        const to = number === span[2] ? span[3] : Infinity;
        if (!wanted.has(number)) wanted.set(number, []);
        wanted.get(number).push([from, to, name]);
      }
    };
    const step = model.stepAt(m);
    const moment = model.moments[m];
    put(step.span, "now");
    if (moment.kind === "operation") put(model.operationOf.get(moment.row).span, "part");
    if (moment.kind === "event") {
      const span = model.nodeOf.get(model.events[moment.row].node)?.span;
      if (span) put(span, "back");
    }
    if (lit) put(lit, "lit");
    for (const number of new Set([...this.marked, ...wanted.keys()])) {
      const line = this.lines[number - 1];
      if (line) this.paint(line, wanted.get(number) ?? []);
    }
    this.marked = new Set(wanted.keys());
    this.wanted = wanted;
    const callers = new Set(this.callers(step));
    this.lines.forEach((line, place) => {
      mark(line.row, "aria-current", place + 1 === step.span[0] ? "step" : null);
      line.row.classList.toggle("calling", callers.has(place + 1));
    });
    this.echo(m);
    if (this.current !== step.span[0]) this.follow(step.span[0]);
    this.current = step.span[0];
  }

  // What is marked now, for an editor that shows the program in our place: by line, its marks [from, to, class] and what
  // it has shown.
  tell() {
    const echoes = this.lines.flatMap(({ echo }, place) =>
      echo.textContent ? [[place + 1, echo.textContent, echo.classList.contains("error")]] : []);
    const detail = { text: this.model.lines.join("\n"), line: this.current, marks: [...this.wanted], echoes,
      stops: [...this.stops.keys()] };
    document.dispatchEvent(new CustomEvent("stage:source", { detail }));
  }

  // The lines that are waiting for the current one to return.
  callers(step) {
    const scopes = new Map(this.model.scopes.map((scope) => [scope.number, scope]));
    const lines = [];
    let scope = scopes.get(step.scope);
    while (scope && scope.parent !== null) {
      const place = this.model.stepOfTick.get(scope.tick);
      if (place !== undefined) lines.push(this.model.steps[place].span[0]);
      scope = scopes.get(scope.parent);
    }
    return lines;
  }

  // What each line has shown so far: the latest value of a bare expression, its latest print, or what it raised.
  echo(m) {
    const until = this.model.moments[m].step;
    const done = this.model.stepMoments[until] <= m ? until : until - 1;
    const latest = new Map();
    for (let place = 0; place <= done; place++) {
      const step = this.model.steps[place];
      if (step.value !== null || step.printed || step.raised || step.warnings.length) latest.set(step.span[0], step);
    }
    const outcome = this.model.outcome;
    const over = done === this.model.steps.length - 1;
    this.lines.forEach((line, place) => {
      const step = latest.get(place + 1);
      const failed = over && outcome && outcome.kind === "failed" && outcome.span?.[0] === place + 1;
      const words = failed ? `${outcome.type}: ${outcome.message}` : step ? this.words(step) : "";
      say(line.echo, clip(words, 200));
      mark(line.echo, "title", words.length > 60 ? words : null);
      line.echo.classList.toggle("error", Boolean(failed || step?.raised));
    });
  }

  words(step) {
    const value = step.value === null ? null : this.model.values.get(step.value);
    const parts = [];
    if (value) parts.push(value.kind === "other" || value.kind === "module" ? whole(value).split("\n")[0] : preview(value, 60));
    if (step.printed) parts.push(step.printed.trimEnd().replace(/\s*\n\s*/g, " ⏎ "));
    parts.push(...step.warnings);
    return parts.join(" · ");
  }

  follow(number) {
    const row = this.lines[number - 1]?.row;
    if (!row) return;
    const top = row.offsetTop;
    const box = this.scroll;
    if (top < box.scrollTop + 24 || top + row.offsetHeight > box.scrollTop + box.clientHeight - 24) {
      box.scrollTop = Math.max(top - box.clientHeight / 2, 0);
    }
  }

  watch() {
    this.rows.addEventListener("pointerup", (event) => {
      const row = event.target.closest?.(".line");
      if (!row) return;
      const picked = this.picked();
      if (picked) this.choose.characters(picked);
      else this.go(Number(row.dataset.line), event.target.closest("button") ? null : this.columnAt(row, event));
    });
    this.rows.addEventListener("keydown", (event) => {
      const row = event.target.closest?.(".line");
      const number = Number(row?.dataset.line);
      if (event.key === "Enter" || event.key === " ") this.go(number, null);
      else if (event.key === "ArrowDown" || event.key === "ArrowUp") this.walk(number, event.key === "ArrowDown" ? 1 : -1);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    const first = this.lines.find((line) => !line.gutter.disabled);
    if (first) mark(first.gutter, "tabindex", "0");
  }

  walk(number, way) {
    for (let next = number + way; next >= 1 && next <= this.lines.length; next += way) {
      const gutter = this.lines[next - 1].gutter;
      if (gutter.disabled) continue;
      mark(this.lines[number - 1].gutter, "tabindex", "-1");
      mark(gutter, "tabindex", "0");
      gutter.focus();
      return;
    }
  }

  // The next time that line runs, or the first when it never runs again.
  go(number, column) {
    const stops = this.stops.get(number);
    if (column !== null) this.choose.characters([number, column, number, column]);
    if (stops) this.choose.moment(stops, number);
  }

  columnAt(row, event) {
    const code = row.querySelector("code");
    if (event.clientX > code.getBoundingClientRect().right) return null;
    let column = 0;
    for (const piece of code.childNodes) {
      const node = piece.firstChild;
      if (!node) continue;
      for (let unit = 0; unit < node.length;) {
        const width = node.data.codePointAt(unit) > 0xffff ? 2 : 1;
        const range = document.createRange();
        range.setStart(node, unit);
        range.setEnd(node, unit + width);
        const box = range.getBoundingClientRect();
        if (event.clientX < box.right && event.clientY <= box.bottom) return column;
        unit += width;
        column += 1;
      }
    }
    return null;
  }

  // The selected characters as a span, or null where nothing is selected.
  picked() {
    const root = this.pane.getRootNode();
    const selection = root.getSelection ? root.getSelection() : document.getSelection();
    if (!selection || selection.isCollapsed || !selection.rangeCount) return null;
    const range = selection.getRangeAt(0);
    const from = this.position(range.startContainer, range.startOffset);
    const to = this.position(range.endContainer, range.endOffset);
    return from && to ? [...from, ...to] : null;
  }

  position(node, offset) {
    const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    const row = element.closest?.(".line");
    if (!row || !this.rows.contains(row)) return null;
    const range = document.createRange();
    range.setStart(row.querySelector("code"), 0);
    range.setEnd(node, offset);
    return [Number(row.dataset.line), Array.from(range.toString()).length];
  }
}
