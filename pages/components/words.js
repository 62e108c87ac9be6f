// Numbers, shapes and sentences as the stage shows them: four significant digits, everything on demand.

export function digits(value, significant = 4) {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) {
    const sign = value[1] < 0 || Object.is(value[1], -0) ? "-" : "+";
    return `${digits(value[0], significant)}${sign}${digits(Math.abs(value[1]), significant)}j`;
  }
  if (typeof value !== "number") return String(value);
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return Object.is(value, -0) ? "-0" : String(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) {
    const [mantissa, power] = value.toExponential(significant - 1).split("e");
    return `${mantissa.replace(/\.?0+$/, "")}e${power.replace("+", "")}`;
  }
  return String(Number(value.toPrecision(significant)));
}

// A shape as PyTorch writes it: (5, 3), (1,), ().
export function shape(sizes) {
  return sizes.length === 1 ? `(${sizes[0]},)` : `(${sizes.join(", ")})`;
}

export const ELLIPSIS = "…";

// The first elements of a value in one line of at most `room` characters.
export function preview(value, room = 24) {
  if (!value) return "";
  if (value.kind === "number") return clip(digits(value.value), room);
  if (value.kind === "module") return clip(value.type, room);
  if (value.kind === "other") return clip(value.repr, room);
  if (!value.preview) return ELLIPSIS;
  const elements = value.preview.values;
  if (value.shape.length === 0 || (elements.length === 1 && !value.preview.truncated)) return digits(elements[0]);
  let line = "[";
  for (let place = 0; place < elements.length; place++) {
    const next = (place ? ", " : "") + digits(elements[place], 3);
    const rest = place < elements.length - 1 || value.preview.truncated;
    if (line.length + next.length + (rest ? 4 : 1) > room) {
      return place ? `${line}, ${ELLIPSIS}]` : `${digits(elements[0], 2)} ${ELLIPSIS}`;
    }
    line += next;
  }
  return line + (value.preview.truncated ? `, ${ELLIPSIS}]` : "]");
}

// All recorded elements, one row of the last dimension to a line.
export function whole(value) {
  if (!value) return "";
  if (value.kind !== "tensor" && value.kind !== "array") return value.repr ?? String(value.value);
  if (!value.preview) return ELLIPSIS;
  const width = value.shape.length ? value.shape[value.shape.length - 1] : 1;
  const cells = value.preview.values.map((element) => digits(element, 8));
  const lines = [];
  for (let start = 0; start < cells.length; start += Math.max(width, 1)) {
    lines.push(cells.slice(start, start + Math.max(width, 1)).join("  "));
  }
  return lines.join("\n") + (value.preview.truncated ? `\n${ELLIPSIS}` : "");
}

export function clip(text, room) {
  const characters = Array.from(text);
  return characters.length > room ? characters.slice(0, Math.max(room - 1, 1)).join("") + ELLIPSIS : text;
}

// Of a path the end says more: …linear.weight.
export function clipPath(text, room) {
  const characters = Array.from(text);
  return characters.length > room && /^[\w.]+$/.test(text) ? ELLIPSIS + characters.slice(1 - room).join("") : clip(text, room);
}

// About how wide a text is, in pixels, when Latin characters are that wide.
export function width(text, latin) {
  let sum = 0;
  for (const one of text) sum += one.codePointAt(0) > 0x2e7f ? latin * 1.8 : latin;
  return sum;
}

// dtype and device are said only where they are not the default.
export function unusual(value) {
  const words = [];
  if (value?.dtype && value.dtype !== "float32") words.push(value.dtype);
  if (value?.device && value.device !== "cpu") words.push(value.device);
  return words.join(" ");
}

// speak(texts)("stage.line", {line: 3}): a sentence of the catalogue with its parameters put in, literally.
export function speak(texts) {
  return (code, params = {}) =>
    (texts[code] ?? code).replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole));
}
