/* Tables, filters and addresses that several pages share. */

const to = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;
const link = (address, ...children) => make("a", { href: address }, ...children);

/* columns: [{title, number}]; rows: [[cell, ...]], the first of each its head. */
const table = (columns, rows, values = {}) => {
  const head = columns.map(({ title, number }) =>
    make("th", { scope: "col", class: number ? "number" : "words" }, title),
  );
  const body = rows.map((cells) =>
    make("tr", {}, cells.map((cell, i) => cellOf(cell, columns[i], i === 0))),
  );
  return make(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": values.label || null },
    make("table", {}, make("thead", {}, make("tr", {}, head)), make("tbody", {}, body)),
  );
};

const cellOf = (cell, column, first) => {
  if (first) return make("th", { scope: "row" }, cell);
  return make("td", { class: column.number ? "number" : "words" }, cell);
};

const soft = (text) => make("span", { class: "soft" }, text);

const ROWS_AT_ONCE = 200;

/* A table of many rows: the first few hundred, and the others on demand. */
const longTable = (columns, items, rowOf, label) => {
  const part = items.slice(0, ROWS_AT_ONCE);
  const whole = table(columns, part.map(rowOf), { label });
  const left = items.length - part.length;
  if (left <= 0) return whole;
  const more = make("button", { class: "plain", click: showAll }, `Show ${plural(left, "more row")}`);
  function showAll() {
    more.remove();
    const rest = table(columns, items.slice(ROWS_AT_ONCE).map(rowOf));
    whole.querySelector("tbody").append(...rest.querySelectorAll("tbody tr"));
  }
  return make("div", {}, whole, more);
};

/* Buttons that choose among lists: {name: items}; draw(items) makes what is shown. */
const filtered = (lists, draw) => {
  const place = make("div", {});
  const buttons = Object.entries(lists).map(([name, items]) =>
    make(
      "button",
      { type: "button", click: () => choose(name), disabled: items.length === 0, "aria-pressed": "false" },
      name,
      " ",
      make("span", { class: "count" }, amount(items.length)),
    ),
  );
  const names = Object.keys(lists);
  const choose = (name) => {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(names[i] === name)));
    place.replaceChildren(draw(lists[name]));
  };
  choose(names[0]);
  const group = make("div", { class: "filters", role: "group", "aria-label": "Show" }, buttons);
  return make("div", {}, make("div", { class: "controls" }, group), place);
};

const facts = (rows) =>
  make(
    "dl",
    { class: "facts" },
    rows.filter(([, value]) => known(value)).map(([name, value]) =>
      make("div", {}, make("dt", {}, name), make("dd", {}, value)),
    ),
  );

const outcome = (right, why) => {
  if (why) return make("span", { class: "soft", title: shown(why) }, "unfinished");
  if (!known(right)) return make("span", { class: "unknown" }, "not checked");
  if (right !== 0 && right !== 1) return make("span", {}, `${percent(right)} % right`);
  return make("span", { class: right ? "yes" : "no" }, right ? "✓ right" : "✗ wrong");
};
