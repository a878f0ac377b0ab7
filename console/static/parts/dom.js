// Makes and fills DOM nodes. No text is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** An HTML element: h("p", {class: "note", click: f}, "text", child) */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/** An SVG element. */
export const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** Change a node's text only when it differs: screen readers and selections stay undisturbed. */
export function setText(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

/** Change an attribute only when it differs; true sets it empty, false and null remove it. */
export function setAttribute(node, name, value) {
  const wanted = value === true ? "" : value;
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(wanted)) node.setAttribute(name, wanted);
}

const rowsOf = new WeakMap();

/**
 * Make the children of `parent` match `items`, in order, keeping the node of each key.
 * `create(item)` gives {node, update}; `update(item)` is called for old and new ones. Returns the rows by key.
 */
export function keyed(parent, items, keyOf, create) {
  const old = rowsOf.get(parent) ?? new Map();
  const rows = new Map();
  let place = parent.firstChild;
  for (const item of items) {
    const key = keyOf(item);
    const row = old.get(key) ?? create(item);
    rows.set(key, row);
    row.update?.(item);
    if (row.node === place) place = place.nextSibling;
    else parent.insertBefore(row.node, place);
  }
  for (const [key, row] of old) if (!rows.has(key)) row.node.remove();
  rowsOf.set(parent, rows);
  return rows;
}
