// A read-only field with a link in it, and a button that copies it.
// data: JSON bytes of { link, label, copy, copied }

export default function copyLink({ data: bytes, parentElement }) {
  const data = JSON.parse(new TextDecoder().decode(bytes));
  const root = parentElement.querySelector(".copy-link");
  if (!root.firstChild) build(root);
  const [label, field, button] = root.children;
  label.firstChild.data = data.label;
  field.value = data.link;
  button.textContent = data.copy;
  button.onclick = async () => {
    await copy(field);
    button.textContent = data.copied;
    setTimeout(() => { button.textContent = data.copy; }, 2000);
  };
}

function build(root) {
  const label = document.createElement("label");
  const field = document.createElement("input");
  const button = document.createElement("button");
  label.append("");
  label.htmlFor = field.id = "link";
  field.readOnly = true;
  field.onfocus = () => field.select();
  button.type = "button";
  button.setAttribute("aria-live", "polite");
  root.append(label, field, button);
}

async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // The clipboard is closed to pages that are not served over HTTPS, and to most frames.
    field.focus();
    field.select();
    document.execCommand("copy");
  }
}
