// What can be done to the selected tensor: each button is the code it writes, with holes where something is to be chosen.

import { html, say } from "./dom.js";

const SIGNS = { add: "+", subtract: "−", multiply: "×", divide: "÷", matmul: "@", power: "**" };
const GROUPS = ["backward", "graph", "shape", "place", "apply", "reduce", "move", "name"];
const ALSO = new Set(["sum", "backward", "backward_retain"]);

export class Strip {
  constructor(given, t, act) {
    this.t = t;
    this.act = act;
    this.actions = given.actions;
    this.given = given;
    this.kept = {};
    this.title = html("h3", {});
    this.other = html("input", { class: "other", type: "text", list: "bench-names", size: 6, spellcheck: "false", autocomplete: "off",
      autocapitalize: "off", "aria-label": t("tensors.other.help"), title: t("tensors.other.help"), oninput: () => { this.typed = true; } });
    this.names = html("datalist", { id: "bench-names" });
    this.result = html("input", { class: "result", type: "text", size: 5, spellcheck: "false", autocomplete: "off", autocapitalize: "off",
      "aria-label": t("tensors.result.help"), title: t("tensors.result.help") });
    this.near = html("div", { class: "near" });
    this.far = html("div", { class: "far" });
    this.more = html("details", { class: "more" }, html("summary", { title: t("tensors.more.help") }, t("tensors.more")), this.far);
    this.nobody = html("p", { class: "nobody" }, t("tensors.nobody"));
    this.pane = html("div", { class: "strip" }, this.title, this.near, this.more, this.nobody, this.names);
  }

  show(card, cards, before, free) {
    const { t } = this;
    for (const part of [this.title, this.near, this.more]) part.hidden = !card;
    this.nobody.hidden = Boolean(card);
    if (!card) return;
    const name = card.names[0];
    const fresh = this.target !== name;
    this.target = name;
    say(this.title, t("tensors.acting", { name }));
    this.names.replaceChildren(...cards.flatMap((one) => one.names).map((one) => html("option", { value: one })));
    const known = cards.some((one) => one.names.includes(this.other.value));
    if (fresh || (!known && !this.typed)) {
      const partner = cards.find((one) => one.names.includes(before) && one !== card) ?? cards.findLast((one) => one !== card);
      this.other.value = partner ? partner.names[0] : "2";
      this.typed = false;
    }
    this.result.value = "";
    this.result.placeholder = free;
    if (fresh || !this.near.children.length) this.fill(name);
  }

  fill(name) {
    const { t } = this;
    const of = (group) => this.actions.filter((row) => row.group === group);
    this.near.replaceChildren(
      html("span", { class: "set" },
        ...of("operate").map((row) => html("button", { type: "button", class: "sign", "data-action": row.name,
          title: this.label(row, name), "aria-label": this.label(row, name), onclick: () => this.run(row) }, SIGNS[row.name])),
        html("label", {}, html("span", {}, t("tensors.other")), this.other)),
      html("span", { class: "set" }, ...of("reduce").filter((row) => ALSO.has(row.name)).map((row) => this.whole(row, name))),
      html("span", { class: "set back" }, ...of("backward").filter((row) => ALSO.has(row.name)).map((row) => this.whole(row, name))));
    this.far.replaceChildren(html("label", { class: "named" }, html("span", {}, t("tensors.result")), this.result), ...GROUPS.map((group) => {
      const rows = of(group).filter((row) => !ALSO.has(row.name));
      return html("div", { class: `group ${group}`, role: "group", "aria-label": t(`tensors.group.${group}`) },
        html("h4", {}, t(`tensors.group.${group}`)), html("div", { class: "set" }, ...rows.map((row) => this.whole(row, name))));
    }));
  }

  // The code without its result: what the button says.
  code(row, name) {
    const short = row.template.replace(/\{new\} = /, "").replace(/\n\s+/g, " ");
    const said = short.startsWith("{a}.") && !short.includes(" = ") ? short.slice(3) : short;
    return (said === "{a}" ? "… = {a}" : said).replaceAll("{a}", name);
  }

  label(row, name) {
    return this.code(row, name).replace(/\{other\}/, this.t("tensors.other"));
  }

  // A button that is the code; one with holes is a small form of code and fields.
  whole(row, name) {
    const code = this.code(row, name);
    const back = row.group === "backward";
    if (!row.holes.length) {
      return html("button", { type: "button", class: back ? "code back" : "code", "data-action": row.name, onclick: () => this.run(row) }, code);
    }
    const parts = code.split(/\{(\w+)\}/).map((part, place) => (place % 2 ? this.hole(row, part) : html("code", {}, part)));
    return html("form", { class: "holed", onsubmit: (event) => { event.preventDefault(); this.run(row); } }, ...parts,
      html("button", { type: "submit", class: back ? "go back" : "go", "data-action": row.name, "aria-label": code.replace(/\{\w+\}/g, "…"), title: code.replace(/\{\w+\}/g, "…") }, "▸"));
  }

  hole(row, name) {
    const key = `${row.name}.${name}`;
    const label = `${row.name}: ${name}`;
    const start = this.kept[key] ?? row.defaults[name] ?? "";
    const keep = (event) => { this.kept[key] = event.target.value; };
    const rows = name === "dtype" ? this.given.dtypes : name === "device" ? this.given.devices : null;
    if (rows) {
      const select = html("select", { "aria-label": label, onchange: keep }, ...rows.map((one) => html("option", { value: one }, one)));
      select.value = start;
      this.kept[key] = start;
      return select;
    }
    const suggested = name === "gradient" ? `ones_like(${this.target})` : name === "other" ? this.other.value : "";
    return html("input", { type: "text", value: start, size: Math.max(4, start.length, suggested.length + 1), placeholder: suggested,
      "aria-label": label, spellcheck: "false", autocomplete: "off", autocapitalize: "off", list: ["gradient", "other"].includes(name) ? "bench-names" : null, oninput: keep });
  }

  run(row) {
    const filled = Object.fromEntries(row.holes.map((name) => [name, this.kept[`${row.name}.${name}`] || (name === "other" ? this.other.value : row.defaults[name] ?? "")]));
    this.act({ kind: "do", action: row.name, a: this.target, new: this.result.value, ...filled });
  }
}
