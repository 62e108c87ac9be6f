// Line numbers, indentation and a draft for Streamlit's text area.
// data: JSON bytes of { key, text, wrong, language }: the area's key, the text the server holds, the line to mark.
//
// The draft: what is typed is kept in this tab's sessionStorage together with the text it was typed over, and is put back
// where that text is still what the server holds. So neither a reload nor a visit to another page loses a letter.

const INDENT = "    ";
const views = new WeakMap();

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
    scroll: () => { view.list.scrollTop = area.scrollTop; },
  };
  for (const [name, listener] of Object.entries(view.listeners)) area.addEventListener(name, listener);
  area.wrap = "off";
  area.spellcheck = false;
  area.autocapitalize = "off";
  area.setAttribute("autocorrect", "off");
  const style = getComputedStyle(area);
  view.list.style.lineHeight = style.lineHeight;
  view.list.style.fontSize = style.fontSize;
  view.list.style.paddingTop = style.paddingTop;
}

function detach(view) {
  clearTimeout(view.timer);
  for (const [name, listener] of Object.entries(view.listeners ?? {})) view.area.removeEventListener(name, listener);
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
  list.scrollTop = area.scrollTop;
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
