// Take the picture with you: the SVG as drawn at this moment, whole, with its colours written out; or the same as PNG.

const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-family", "font-size", "font-weight", "display"];

export function pictureText(graph, background) {
  const { width, height } = graph.extent;
  const copy = graph.picture.cloneNode(true);
  copyStyles(graph.picture, copy);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.querySelector(":scope > g")?.removeAttribute("transform");
  const sheet = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  sheet.setAttribute("width", "100%");
  sheet.setAttribute("height", "100%");
  sheet.setAttribute("fill", background);
  copy.prepend(sheet);
  return new XMLSerializer().serializeToString(copy);
}

function copyStyles(from, to) {
  const style = getComputedStyle(from);
  for (const name of KEPT) {
    const value = style.getPropertyValue(name);
    if (value) to.style.setProperty(name, value);
  }
  to.removeAttribute("class");
  to.removeAttribute("tabindex");
  Array.from(from.children).forEach((child, place) => copyStyles(child, to.children[place]));
}

export function savePicture(graph, background, name) {
  save(new Blob([pictureText(graph, background)], { type: "image/svg+xml" }), name);
}

export async function saveRaster(graph, background, name) {
  const { width, height } = graph.extent;
  const scale = Math.min(2, 8000 / Math.max(width, height));
  const address = URL.createObjectURL(new Blob([pictureText(graph, background)], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(width * scale);
    canvas.height = Math.ceil(height * scale);
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const content = await new Promise((done) => canvas.toBlob(done, "image/png"));
    if (content) save(content, name);
  } finally {
    URL.revokeObjectURL(address);
  }
}

function save(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
