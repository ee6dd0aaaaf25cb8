/* The outline of a tree: a list of rows of which only those in sight are in the document, so
   10,000 nodes scroll like ten. The keyboard is that of a tree view (WAI-ARIA practices). */

const ROW = 34; // pixels, as in viewer.css
const AROUND = 12; // rows kept above and below those in sight
const INDENT = [15, 170]; // pixels a level, and at most for all of them
const FLAT = 5; // pixels a level below which rows say their depth instead

const pathTo = (view, node) => {
  const path = [];
  for (; node > 0; node = view.parents[node]) path.push(node);
  return path.reverse();
};

/* What the arrays of a view do not say at once: children, depths, places among siblings. */
const familyOf = (view) => {
  const count = view.parents.length;
  const children = Array.from({ length: count }, () => []);
  const depth = new Uint32Array(count);
  const place = new Uint32Array(count);
  for (let node = 1; node < count; node += 1) {
    const parent = view.parents[node];
    place[node] = children[parent].push(node);
    depth[node] = depth[parent] + 1;
  }
  return { count, children, depth, place };
};

const COLUMNS = [
  { name: "scores", title: "Score", hint: "the verifier's score of the step" },
  { name: "labels", title: "Label", hint: "evidence that the step is right" },
  { name: "truth", title: "Truth", hint: "what an exact checker or an oracle says" },
  { name: "values", title: "Value", hint: "mean of what the search backed up" },
  { name: "visits", title: "Visits", hint: "how often the search came by" },
];

class Outline {
  /* selected(node) is called when another node becomes the current one. */
  constructor(view, family, selected) {
    Object.assign(this, { view, family, selected });
    this.open = new Uint8Array(family.count);
    this.limit = family.count; // nodes from here on are not grown yet, see replay
    this.current = 0;
    this.chosen = new Set(view.chosen.flatMap((leaf) => pathTo(view, leaf)));
    this.columns = COLUMNS.filter(({ name }) => view[name]);
    this.rows = [];
    this.drawnRows = new Map(); // node -> its element
    const deepest = family.depth.reduce((most, depth) => Math.max(most, depth), 1);
    this.indent = Math.min(INDENT[0], INDENT[1] / deepest);
    this.flat = this.indent < FLAT;
    this.build();
    this.openFirst();
  }

  build() {
    const titles = this.columns.map(({ title, hint }) => make("span", { title: hint }, title));
    const head = make("div", { class: "outline-head", "aria-hidden": "true" }, make("span", {}, "Step"), titles);
    this.sizer = make("div", { class: "sizer", role: "none" });
    this.tree = make(
      "div",
      {
        class: "outline", role: "tree", tabindex: "0", "aria-label": "Steps that were tried",
        keydown: (event) => this.key(event), scroll: () => this.soon(), click: (event) => this.click(event),
      },
      this.sizer,
    );
    this.element = make("div", { class: this.flat ? "outline-frame flat" : "outline-frame" }, head, this.tree);
    this.element.style.setProperty("--indent", `${this.indent}px`);
    this.element.style.setProperty("--columns", this.columns.length);
    this.element.style.setProperty("--nodes", this.family.count - 1);
  }

  /* All of a small tree; of a large one the first level and what was chosen. */
  openFirst() {
    if (this.family.count <= 400) this.open.fill(1);
    for (const node of [0, ...this.chosen]) this.open[node] = 1;
    this.list();
  }

  /* --- which rows there are ---------------------------------------------- */

  grown(node) {
    const { children } = this.family;
    return this.limit === this.family.count ? children[node] : children[node].filter((n) => n < this.limit);
  }

  list() {
    this.rows = [];
    const stack = this.grown(0).slice().reverse();
    while (stack.length) {
      const node = stack.pop();
      this.rows.push(node);
      if (this.open[node]) {
        const below = this.grown(node);
        for (let i = below.length - 1; i >= 0; i -= 1) stack.push(below[i]);
      }
    }
    this.rowOf = new Map(this.rows.map((node, row) => [node, row]));
    this.sizer.style.height = `${this.rows.length * ROW}px`;
    for (const element of this.drawnRows.values()) element.remove();
    this.drawnRows.clear();
    this.draw();
  }

  soon() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.draw();
    });
  }

  /* Puts the rows in sight into the document, and takes the others out. */
  draw() {
    const height = this.tree.clientHeight || 600;
    const from = Math.max(0, Math.floor(this.tree.scrollTop / ROW) - AROUND);
    const until = Math.min(this.rows.length, Math.ceil((this.tree.scrollTop + height) / ROW) + AROUND);
    const wanted = new Set(this.rows.slice(from, until));
    for (const [node, element] of this.drawnRows) {
      if (wanted.has(node)) continue;
      element.remove();
      this.drawnRows.delete(node);
    }
    const fresh = [];
    for (let row = from; row < until; row += 1) {
      const node = this.rows[row];
      if (this.drawnRows.has(node)) continue;
      const element = this.rowElement(node);
      element.style.transform = `translateY(${row * ROW}px)`;
      this.drawnRows.set(node, element);
      fresh.push(element);
    }
    this.sizer.append(...fresh);
  }

  rowElement(node) {
    const { view, family } = this;
    const end = view.ends[node];
    const below = this.grown(node).length;
    const astray = view.truth && view.truth[node] === false && view.truth[view.parents[node]] !== false;
    const element = make(
      "div",
      {
        role: "treeitem", id: `node-${node}`, "data-node": node,
        class: `row${this.chosen.has(node) ? " chosen" : ""}${astray ? " first-error" : ""}`,
        "aria-level": family.depth[node], "aria-posinset": family.place[node],
        "aria-setsize": this.grown(view.parents[node]).length,
        "aria-selected": String(node === this.current),
        "aria-expanded": below ? String(Boolean(this.open[node])) : null,
        "aria-label": this.spoken(node),
      },
      make(
        "span",
        { class: "step" },
        make("span", { class: "twist", "aria-hidden": "true" }, below ? (this.open[node] ? "▾" : "▸") : ""),
        this.flat ? make("span", { class: "depth" }, amount(family.depth[node])) : null,
        said(cut(view.steps[node], 300), "text"),
        end && end.verdict ? make("span", { class: `badge ${end.verdict}` }, VERDICTS[end.verdict]) : null,
        view.chosen.includes(node) ? make("span", { class: "badge crown" }, "chosen") : null,
      ),
      this.columns.map(({ name }) => make("span", { class: "cell" }, this.cell(name, node))),
    );
    element.style.setProperty("--level", family.depth[node] - 1);
    return element;
  }

  cell(name, node) {
    const value = this.view[name][node];
    const truth = this.view.truth ? this.view.truth[node] : null;
    if (name === "scores") return pill(value, this.view.scale, truth);
    if (name === "labels") return pill(value, "unit", truth, this.view.hard?.[node]);
    if (name === "truth") return truthMark(value);
    return name === "visits" ? amount(value) : decimal(value);
  }

  /* A row as a screen reader says it. */
  spoken(node) {
    const { view } = this;
    const end = view.ends[node];
    const parts = [shown(cut(view.steps[node], 300))];
    if (view.scores) parts.push(`score ${decimal(view.scores[node])}`);
    if (view.labels && known(view.labels[node])) parts.push(`label ${decimal(view.labels[node])}`);
    if (view.truth && known(view.truth[node])) parts.push(view.truth[node] ? "correct" : "wrong");
    if (view.visits && known(view.visits[node])) parts.push(plural(view.visits[node], "visit"));
    if (end) parts.push(`a solution ends here, ${end.verdict || "not checked"}`);
    if (view.chosen.includes(node)) parts.push("chosen");
    return parts.join(", ");
  }

  /* --- moving -------------------------------------------------------------- */

  /* Makes a node the current one and brings it in sight. */
  select(node) {
    if (node <= 0 || node >= this.limit) return;
    const closed = pathTo(this.view, this.view.parents[node]).filter((n) => !this.open[n]);
    for (const ancestor of closed) this.open[ancestor] = 1;
    if (closed.length) this.list();
    this.mark(node);
    const [top, height] = [this.rowOf.get(node) * ROW, this.tree.clientHeight];
    if (top < this.tree.scrollTop) this.tree.scrollTop = top;
    else if (top + ROW > this.tree.scrollTop + height) this.tree.scrollTop = top + ROW - height;
    this.draw();
    this.selected(node);
  }

  mark(node) {
    this.drawnRows.get(this.current)?.setAttribute("aria-selected", "false");
    this.current = node;
    this.drawnRows.get(node)?.setAttribute("aria-selected", "true");
    this.tree.setAttribute("aria-activedescendant", `node-${node}`);
  }

  toggle(nodes, open) {
    for (const node of nodes) this.open[node] = open ? 1 : 0;
    this.list();
  }

  click(event) {
    const row = event.target.closest(".row");
    if (!row) return;
    const node = Number(row.dataset.node);
    if (event.target.closest(".twist")) this.toggle([node], !this.open[node]);
    this.select(node);
  }

  /* Goes to the next node with this text in its step; returns how many there are. */
  find(text) {
    const wanted = text.toLowerCase();
    const found = [];
    for (let node = 1; node < this.limit; node += 1) {
      if (this.view.steps[node].toLowerCase().includes(wanted)) found.push(node);
    }
    if (found.length) this.select(found.find((node) => node > this.current) ?? found[0]);
    return found.length;
  }

  /* Shows the nodes before `limit` only, as if the others were not there yet. */
  grow(limit) {
    this.limit = limit;
    this.list();
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const move = this.moves()[event.key];
    if (!move || !this.rows.length) return;
    event.preventDefault();
    const node = move(this.rowOf.get(this.current) ?? -1);
    if (node !== undefined) this.select(node);
  }

  /* Each key: from the row of the current node (-1 without one) to the next node. */
  moves() {
    const { rows, view } = this;
    const at = (row) => rows[Math.max(0, Math.min(rows.length - 1, row))];
    const page = Math.max(1, Math.floor(this.tree.clientHeight / ROW) - 1);
    return {
      ArrowDown: (row) => at(row + 1),
      ArrowUp: (row) => at(row - 1),
      PageDown: (row) => at(row + page),
      PageUp: (row) => at(row - page),
      Home: () => at(0),
      End: () => at(rows.length - 1),
      ArrowRight: (row) => this.inwards(at(row)),
      ArrowLeft: (row) => this.outwards(at(row)),
      Enter: (row) => this.switched(at(row)),
      " ": (row) => this.switched(at(row)),
      "*": (row) => this.widened(at(row)),
      c: () => view.chosen.find((node) => node < this.limit),
    };
  }

  inwards(node) {
    const below = this.grown(node);
    if (!below.length) return node;
    if (this.open[node]) return below[0];
    this.toggle([node], true);
    return node;
  }

  outwards(node) {
    if (this.open[node] && this.grown(node).length) {
      this.toggle([node], false);
      return node;
    }
    return this.view.parents[node] || node;
  }

  switched(node) {
    this.toggle([node], !this.open[node]);
    return node;
  }

  widened(node) {
    this.toggle(this.family.children[this.view.parents[node]], true);
    return node;
  }
}
