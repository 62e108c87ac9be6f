// The clock's hands: one slider over statements, one over the operations or the backward sub-steps inside the current one.

import { button, html, mark, say } from "./dom.js";
import { icon } from "./icons.js";
import { Memory } from "./stage_memory.js";

const PACE = { done: 620, operation: 520, event: 520 };

export class Clock {
  constructor(model, texts, move) {
    this.model = model;
    this.texts = texts;
    this.move = move;
    this.playing = null;
    const t = texts;
    this.slider = html("input", { type: "range", class: "statements", min: 0, max: Math.max(model.steps.length - 1, 0), step: 1,
      "aria-label": t("stage.clock.statement"), oninput: () => this.move(model.stepMoments[Number(this.slider.value)]) });
    this.inner = html("input", { type: "range", class: "inside", min: 0, max: 1, step: 1, "aria-label": t("stage.clock.inside"),
      oninput: () => this.move(this.model.firstOf(this.m) + Number(this.inner.value)) });
    this.playButton = button(icon("play"), t("stage.clock.play"), () => this.toggle(), { class: "play" });
    this.words = html("output", { class: "moment", "aria-live": "polite" });
    this.innerWords = html("span", { class: "part" });
    this.loops = html("span", { class: "loops" });
    this.innerRow = html("div", { class: "row within" },
      html("div", { class: "hands" }, this.loops,
        button(icon("out"), t("stage.clock.part.back"), () => this.part(-1)),
        button(icon("in"), t("stage.clock.part.on"), () => this.part(1))),
      html("div", { class: "track" }, this.inner), this.innerWords);
    this.memory = new Memory(model, texts, (place) => this.move(model.stepMoments[place]));
    this.pane = html("section", { class: "clock", "aria-label": t("stage.clock") },
      html("div", { class: "row" },
        html("div", { class: "hands" },
          button(icon("first"), t("stage.clock.first"), () => this.edge(0)),
          button(icon("back"), t("stage.clock.back"), () => this.statement(-1)),
          this.playButton,
          button(icon("next"), t("stage.clock.on"), () => this.statement(1)),
          button(icon("last"), t("stage.clock.last"), () => this.edge(1))),
        html("div", { class: "track" }, this.slider), this.words),
      html("div", { class: "row memory", hidden: !this.memory.most }, html("span", {}), this.memory.track, this.memory.words),
      this.innerRow);
    for (const slider of [this.slider, this.inner]) slider.addEventListener("keydown", (event) => this.keys(event));
  }

  show(m) {
    const { model } = this;
    this.m = m;
    const moment = model.moments[m];
    const step = model.stepAt(m);
    const first = model.firstOf(m);
    const parts = model.doneOf(m) - first;
    this.slider.value = String(moment.step);
    mark(this.slider, "style", `--done:${(100 * moment.step) / Math.max(model.steps.length - 1, 1)}%`);
    const words = this.texts("stage.clock.at", { step: step.tick, steps: model.ticks, line: step.span[0] });
    say(this.words, words);
    mark(this.slider, "aria-valuetext", words);
    this.innerRow.classList.toggle("empty", parts === 0);
    mark(this.inner, "max", Math.max(parts, 1));
    this.inner.value = String(m - first);
    mark(this.inner, "style", `--done:${(100 * (m - first)) / Math.max(parts, 1)}%`);
    this.inner.disabled = parts === 0;
    const part = this.partWords(m, first, parts);
    say(this.innerWords, part);
    mark(this.inner, "aria-valuetext", part);
    this.innerRow.classList.toggle("backward", model.passAt(m) !== null);
    this.showLoops(m);
    this.memory.show(moment.step);
  }

  partWords(m, first, parts) {
    const moment = this.model.moments[m];
    if (parts === 0) return "";
    if (moment.kind === "done") return this.texts("stage.clock.whole", { parts });
    const params = { part: m - first + 1, parts };
    if (moment.kind === "operation") {
      return this.texts("stage.clock.operation", { ...params, name: this.model.operationOf.get(moment.row).name });
    }
    const event = this.model.events[moment.row];
    return this.texts("stage.clock.event", { ...params, name: this.model.nodeOf.get(event.node)?.name ?? "" });
  }

  // One chooser for each loop around the statement, with every iteration that was recorded.
  showLoops(m) {
    const around = this.model.iterationsAt(m);
    const key = around.map(({ number }) => number).join();
    if (this.loopsKey !== key) {
      this.loopsKey = key;
      this.loops.replaceChildren(...around.map(({ number, loop }) => this.chooser(number, loop)));
    }
    around.forEach(({ iteration }, place) => { this.loops.children[place].lastChild.value = String(iteration); });
  }

  chooser(number, loop) {
    const recorded = this.model.recorded(number);
    const total = loop?.length ?? recorded[recorded.length - 1][0] + 1;
    const select = html("select", { onchange: (event) => {
      const found = recorded.find(([iteration]) => String(iteration) === event.target.value);
      if (found) this.move(found[1]);
    } }, ...recorded.map(([iteration]) =>
      html("option", { value: iteration }, this.texts("stage.clock.iteration", { iteration: iteration + 1, total }))));
    return html("label", { title: this.texts("stage.clock.iteration.help", { kept: recorded.length, total }) },
      html("span", { class: "unseen" }, this.texts("stage.clock.loop", { line: loop?.span[0] ?? "?" })), select);
  }

  // ---- moving

  statement(way) {
    const { step, kind } = this.model.moments[this.m];
    const inside = way < 0 && kind !== "done";
    const next = Math.min(Math.max(inside ? step - 1 : step + (kind === "done" || way < 0 ? way : 0), 0), this.model.steps.length - 1);
    this.move(this.model.stepMoments[next]);
  }

  part(way) {
    this.move(Math.min(Math.max(this.m + way, 0), this.model.moments.length - 1));
  }

  edge(end) {
    this.move(end ? this.model.moments.length - 1 : this.model.stepMoments[0]);
  }

  // Arrow keys for all of the stage: left and right a statement, up and down a part of one.
  keys(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key, shiftKey } = event;
    if (key === "ArrowRight") shiftKey ? this.part(1) : this.statement(1);
    else if (key === "ArrowLeft") shiftKey ? this.part(-1) : this.statement(-1);
    else if (key === "ArrowDown") this.part(1);
    else if (key === "ArrowUp") this.part(-1);
    else if (key === "PageDown") this.jump(10);
    else if (key === "PageUp") this.jump(-10);
    else if (key === "Home") this.edge(0);
    else if (key === "End") this.edge(1);
    else if (key === " " && event.target.tagName !== "BUTTON") this.toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  jump(count) {
    const next = Math.min(Math.max(this.model.moments[this.m].step + count, 0), this.model.steps.length - 1);
    this.move(this.model.stepMoments[next]);
  }

  toggle() {
    if (this.playing) this.pause();
    else {
      if (this.m >= this.model.moments.length - 1) this.move(this.model.stepMoments[0]);
      this.tick();
    }
  }

  // Playing goes by statements, and through a backward pass by its sub-steps.
  tick() {
    this.playing = setTimeout(() => {
      if (this.m >= this.model.moments.length - 1) {
        this.pause();
        return;
      }
      this.move(this.following(), true);
      this.tick();
    }, PACE[this.model.moments[this.m].kind]);
    this.offer("pause");
  }

  following() {
    const { moments } = this.model;
    let next = this.m + 1;
    while (moments[next].kind === "operation") next++;
    return next;
  }

  pause() {
    clearTimeout(this.playing);
    this.playing = null;
    this.offer("play");
  }

  // What the middle button does next.
  offer(what) {
    if (this.offered === what) return;
    this.offered = what;
    this.playButton.replaceChildren(icon(what));
    mark(this.playButton, "aria-label", this.texts(`stage.clock.${what}`));
    mark(this.playButton, "title", this.texts(`stage.clock.${what}`));
  }
}
