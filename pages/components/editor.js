// Line numbers, indentation and a draft for Streamlit's text area, and the marks of the stage behind its text.
// data: JSON bytes of { key, text, wrong, language }: the area's key, the text the server holds, the line to mark.
//
// The marks: the stage tells what happens at its moment ("stage:source"); as long as the text is the one that ran, it is
// marked here, and choosing a line or characters here moves the stage ("stage:ask").
//
// The draft: what is typed is kept in this tab's sessionStorage together with the text it was typed over, and is put back
// where that text is still what the server holds. So neither a reload nor a visit to another page loses a letter.

const INDENT = "    ";
const ROOM = { least: 560, most: 1100, edge: 16 }; // pixels the field may be high, and its distance to the window's edge
const LINE = { usual: 20, least: 12.8, letters: 1.27, margin: 5 }; // pixels from line to line, per pixel of letters, above all
const PHONE = 640; // pixels; there the program scrolls
const views = new WeakMap();
let told = null; // what the stage said last

document.addEventListener("stage:source", ({ detail }) => {
  told = detail;
  document.dispatchEvent(new Event("editor:paint"));
});

const ask = (detail) => document.dispatchEvent(new CustomEvent("stage:ask", { detail }));

export default function editor({ data, parentElement }) {
  const view = views.get(parentElement) ?? { list: parentElement.querySelector(".lines"), area: null };
  views.set(parentElement, view);
  Object.assign(view, JSON.parse(new TextDecoder().decode(data)));
  document.documentElement.lang = view.language;
  find(view);
  return () => detach(view);
}

// The area may be drawn after us, and be drawn anew by its owner.
function find(view, tries = 100) {
  clearTimeout(view.timer);
  const area = document.querySelector(`.st-key-${view.key} textarea`);
  if (!area) {
    if (tries > 0) view.timer = setTimeout(() => find(view, tries - 1), 50);
    return;
  }
  if (area !== view.area) attach(view, area);
  // The value is set from outside a moment after the data is: look again.
  for (const delay of [0, 50, 250]) setTimeout(() => restore(view), delay);
}

function attach(view, area) {
  detach(view);
  view.area = area;
  view.listeners = {
    input: () => { keep(view); number(view); },
    keydown: (event) => press(view, event),
    scroll: () => follow(view),
    pointerup: () => choose(view),
  };
  for (const [name, listener] of Object.entries(view.listeners)) area.addEventListener(name, listener);
  view.resized = () => fit(view);
  addEventListener("resize", view.resized);
  view.paint = () => paint(view);
  document.addEventListener("editor:paint", view.paint);
  view.list.onclick = ({ target }) => {
    if (target.matches(".stop")) ask({ line: 1 + [...view.list.children].indexOf(target) });
  };
  view.backdrop = document.createElement("div");
  view.backdrop.className = "editor-backdrop";
  view.backdrop.setAttribute("aria-hidden", "true");
  area.before(view.backdrop);
  area.wrap = "off";
  area.spellcheck = false;
  area.autocapitalize = "off";
  area.setAttribute("autocorrect", "off");
  ask({});
}

// As high as the window allows, and a long program in smaller letters where it is then whole on the screen.
function fit(view) {
  const { area, list, backdrop } = view;
  if (!area) return;
  const scrolled = area.closest('[data-testid="stMain"]')?.scrollTop ?? 0;
  const room = Math.min(Math.max(innerHeight - area.getBoundingClientRect().top - scrolled - ROOM.edge, ROOM.least), ROOM.most);
  area.style.setProperty("--room", `${Math.floor(room)}px`);
  const line = Math.floor((20 * (area.clientHeight - 2 * LINE.margin)) / area.value.split("\n").length) / 20;
  const small = line < LINE.usual && line >= LINE.least && innerWidth > PHONE;
  area.style.setProperty("--pad", small ? `${LINE.margin}px` : "0.75rem");
  area.style.setProperty("--line", small ? `${line.toFixed(2)}px` : "1.6");
  area.style.setProperty("--size", small ? `min(0.83rem, ${(line / LINE.letters).toFixed(2)}px)` : "0.83rem");
  const style = getComputedStyle(area);
  list.style.lineHeight = style.lineHeight;
  list.style.fontSize = style.fontSize;
  list.style.paddingTop = style.paddingTop;
  for (const name of ["fontFamily", "fontSize", "lineHeight", "letterSpacing", "tabSize"]) backdrop.style[name] = style[name];
  backdrop.style.padding = `${style.paddingTop} ${style.paddingRight} 0 ${style.paddingLeft}`;
}

function detach(view) {
  clearTimeout(view.timer);
  removeEventListener("resize", view.resized);
  for (const [name, listener] of Object.entries(view.listeners ?? {})) view.area.removeEventListener(name, listener);
  document.removeEventListener("editor:paint", view.paint);
  view.backdrop?.remove();
  view.area = null;
  view.listeners = {};
}

// ---- the draft

const place = (view) => `draft:${view.key}`;

function keep(view) {
  sessionStorage.setItem(place(view), JSON.stringify({ base: view.text, text: view.area.value }));
}

function restore(view) {
  if (!view.area) return;
  const draft = JSON.parse(sessionStorage.getItem(place(view)) ?? "null");
  if (draft && draft.base !== view.text) sessionStorage.removeItem(place(view));
  else if (draft && draft.text !== view.area.value && view.area.value === view.text) write(view.area, draft.text);
  fit(view);
  number(view);
}

// Set the text as if it had been typed, and leave the field, which is when its owner takes it over.
function write(area, text) {
  const { set } = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value");
  const focused = document.activeElement;
  area.focus({ preventScroll: true });
  set.call(area, text);
  area.dispatchEvent(new Event("input", { bubbles: true }));
  if (focused === area) return;
  area.blur();
  focused?.focus?.({ preventScroll: true });
}

// ---- line numbers

function number(view) {
  const { list, area } = view;
  const count = area.value.split("\n").length;
  while (list.children.length > count) list.lastChild.remove();
  while (list.children.length < count) {
    const line = document.createElement("li");
    line.textContent = list.children.length + 1;
    list.append(line);
  }
  const unchanged = area.value === view.text;
  [...list.children].forEach((line, index) => line.classList.toggle("wrong", unchanged && index + 1 === view.wrong));
  paint(view);
}

// ---- the stage's marks

// Whether what is written is what ran, so that the stage's lines and columns are ours.
const ran = (view) => told !== null && view.area !== null && view.area.value.trimEnd() === told.text.trimEnd();

function paint(view) {
  if (!view.area) return;
  const same = ran(view);
  const marks = new Map(same ? told.marks : []);
  const echoes = new Map(same ? told.echoes.map(([line, words, error]) => [line, { words, error }]) : []);
  const stops = new Set(same ? told.stops : []);
  [...view.list.children].forEach((item, place) => {
    item.classList.toggle("stop", stops.has(place + 1));
    item.classList.toggle("now", same && told.line === place + 1);
  });
  const texts = same ? view.area.value.split("\n") : [];
  while (view.backdrop.children.length > texts.length) view.backdrop.lastChild.remove();
  texts.forEach((text, place) => {
    const [mine, echo, now] = [marks.get(place + 1) ?? [], echoes.get(place + 1), told.line === place + 1];
    const key = JSON.stringify([text, mine, echo, now]);
    const old = view.backdrop.children[place];
    if (old?.key === key) return; // most lines stay as they are while the clock runs
    const line = row(text, mine, echo, now);
    line.key = key;
    if (old) old.replaceWith(line);
    else view.backdrop.append(line);
  });
  follow(view);
}

// One line behind the text: the same characters, invisible, in pieces with the marks that cover them. Marks count code
// points.
function row(text, marks, echo, now) {
  const characters = Array.from(text);
  const edges = new Set([0, characters.length]);
  for (const [from, to] of marks) edges.add(Math.min(from, characters.length)).add(Math.min(to, characters.length));
  const cuts = [...edges].sort((one, other) => one - other);
  const line = element("div", now ? "line now" : "line");
  for (let place = 0; place + 1 < cuts.length; place++) {
    const names = marks.filter(([from, to]) => from <= cuts[place] && cuts[place + 1] <= to).map(([, , name]) => name);
    line.append(element("span", names.join(" "), characters.slice(cuts[place], cuts[place + 1]).join("")));
  }
  if (echo) line.append(element("span", echo.error ? "echo error" : "echo", echo.words));
  if (!line.hasChildNodes()) line.append("\u200b");
  return line;
}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function follow(view) {
  const { area } = view;
  const [left, top] = [area.scrollLeft, area.scrollTop];
  if (view.followed === `${left} ${top}`) return;
  view.followed = `${left} ${top}`;
  view.list.scrollTop = top;
  view.backdrop.style.transform = `translate(${-left}px, ${-top}px)`;
}

// A click on a line goes to it; characters that are selected light their node.
function choose(view) {
  const { area } = view;
  if (!ran(view)) return;
  if (area.selectionStart === area.selectionEnd) {
    const [line] = position(area.value, area.selectionStart);
    if (line !== told.line && told.stops.includes(line)) ask({ line });
    return;
  }
  ask({ span: [...position(area.value, area.selectionStart), ...position(area.value, area.selectionEnd)] });
}

function position(text, offset) {
  const lines = text.slice(0, offset).split("\n");
  return [lines.length, Array.from(lines.at(-1)).length];
}

// ---- keys

function press(view, event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const leaving = view.leaving;
  view.leaving = event.key === "Escape"; // Escape, then Tab: out of the editor, for those without a mouse
  if (event.key === "Tab" && !leaving) {
    event.preventDefault();
    if (event.shiftKey) outdent(view.area);
    else indent(view.area);
  } else if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    const before = currentLine(view.area);
    const opens = /:\s*(#.*)?$/.test(before);
    type(`\n${before.match(/^ */)[0]}${opens ? INDENT : ""}`);
  }
}

// What the browser types itself can be undone by the reader.
const type = (text) => document.execCommand("insertText", false, text);

function currentLine(area) {
  const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  return area.value.slice(start, area.selectionStart);
}

// Widen the selection to whole lines, and give them.
function wholeLines(area) {
  const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  const next = area.value.indexOf("\n", area.selectionEnd);
  area.setSelectionRange(start, next < 0 ? area.value.length : next);
  return area.value.slice(area.selectionStart, area.selectionEnd);
}

function indent(area) {
  if (area.selectionStart === area.selectionEnd) {
    type(INDENT.slice(currentLine(area).length % INDENT.length));
    return;
  }
  replaceSelection(area, wholeLines(area).replace(/^(?=.)/gm, INDENT));
}

function outdent(area) {
  replaceSelection(area, wholeLines(area).replace(/^ {1,4}/gm, ""));
}

function replaceSelection(area, text) {
  const start = area.selectionStart;
  type(text);
  area.setSelectionRange(start, start + text.length);
}
