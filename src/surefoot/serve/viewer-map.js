/* The whole tree at a glance, on a canvas: a level a row, a node as wide as the solutions below it,
   coloured by its score, with the truth as a line under it. For the eye and the mouse; whatever
   it shows is in the outline too. */

const MAP_HEIGHT = 216;
const LETTER = 6.2; // mean width in pixels

/* [left, right) of each node in units of leaves: what is below a node lies under it. */
const spans = (view) => {
  const count = view.parents.length;
  const width = new Float64Array(count);
  for (let node = count - 1; node > 0; node -= 1) {
    width[node] ||= 1;
    width[view.parents[node]] += width[node];
  }
  const left = new Float64Array(count);
  const used = new Float64Array(count);
  for (let node = 1; node < count; node += 1) {
    const parent = view.parents[node];
    left[node] = left[parent] + used[parent];
    used[parent] += width[node];
  }
  return { left, width };
};

class TreeMap {
  constructor(view, family, selected) {
    Object.assign(this, { view, family, selected, limit: family.count, current: 0 });
    Object.assign(this, spans(view));
    this.deepest = family.depth.reduce((most, depth) => Math.max(most, depth), 1);
    this.path = new Set();
    this.chosen = new Set(view.chosen.flatMap((leaf) => pathTo(view, leaf)));
    this.tip = make("div", { class: "tip", hidden: true });
    this.canvas = make("canvas", {
      role: "img", "aria-label": this.summary(),
      click: (event) => this.click(event), mousemove: (event) => this.hover(event),
      mouseleave: () => { this.tip.hidden = true; },
    });
    this.element = make("div", { class: "map" }, this.canvas, this.tip);
    this.readColours();
    new ResizeObserver(() => this.draw()).observe(this.element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.readColours();
      this.draw();
    });
  }

  summary() {
    const ends = Object.values(this.view.ends);
    const right = ends.filter(({ verdict }) => verdict === "correct").length;
    return `Map of ${plural(this.family.count - 1, "node")}, ${plural(ends.length, "solution")}, ` +
      `${right} of them right. The list below holds the same.`;
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    const names = { good: "--good", mid: "--mid", bad: "--bad", ink: "--ink", soft: "--soft", line: "--line",
      paper: "--paper", right: "--hue-0", wrong: "--hue-1" };
    this.colours = Object.fromEntries(Object.entries(names).map(([key, name]) => [key, read(name)]));
    this.ramp = Array.from({ length: 65 }, (_, i) => this.mixed(i / 64));
  }

  /* The colour of a score in [0, 1], halfway to the paper so that text can be read on it. */
  mixed(value) {
    const end = rgb(value < 0.5 ? this.colours.bad : this.colours.good);
    const weight = Math.abs(value - 0.5) * 2;
    const full = blend(rgb(this.colours.mid), end, weight);
    return `rgb(${blend(rgb(this.colours.paper), full, 0.62).map(Math.round).join(" ")})`;
  }

  fill(node) {
    const score = this.view.scores?.[node] ?? null;
    if (score === null) return this.colours.line;
    return this.ramp[Math.round(64 * share(score, this.view.scale))];
  }

  /* --- places -------------------------------------------------------------- */

  measure() {
    this.widthPx = this.element.clientWidth || 800;
    this.rowPx = Math.max(5, Math.min(30, MAP_HEIGHT / this.deepest));
    const height = Math.min(MAP_HEIGHT, Math.ceil(this.rowPx * this.deepest));
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(this.widthPx * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = `${height}px`;
    this.scale = this.widthPx / Math.max(1, this.width[0]);
    const depth = this.family.depth[this.current];
    const hidden = this.rowPx * this.deepest - height; // a very deep tree moves with the current node
    this.up = Math.max(0, Math.min(hidden, (depth - 0.5) * this.rowPx - height / 2));
    return ratio;
  }

  box(node) {
    const x = this.left[node] * this.scale;
    const gap = this.scale * this.width[node] > 4 ? 1 : 0;
    const y = (this.family.depth[node] - 1) * this.rowPx - this.up;
    return [x, y, Math.max(0.6, this.width[node] * this.scale - gap), this.rowPx - (this.rowPx > 6 ? 2 : 0.5)];
  }

  /* --- drawing ------------------------------------------------------------- */

  draw() {
    const ratio = this.measure();
    const pen = this.canvas.getContext("2d");
    pen.drawImage(this.nodesDrawn(ratio), 0, 0);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const framed = this.rowPx < 8 ? [] : [...this.chosen].filter((node) => node < this.limit);
    for (const node of framed) this.frame(pen, node, this.colours.soft, 1);
    for (const node of this.path) this.drawPath(pen, node);
  }

  /* All nodes, on a canvas of their own: it is drawn anew only when they look different. */
  nodesDrawn(ratio) {
    const { width, height } = this.canvas;
    const looks = [width, height, this.up, this.limit, this.colours.paper].join();
    if (looks === this.looks) return this.nodes;
    this.looks = looks;
    this.nodes = document.createElement("canvas");
    Object.assign(this.nodes, { width, height });
    const pen = this.nodes.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = "11.5px system-ui, sans-serif";
    pen.textBaseline = "middle";
    for (let node = 1; node < this.family.count; node += 1) this.drawNode(pen, node);
    return this.nodes;
  }

  drawNode(pen, node) {
    const [x, y, width, height] = this.box(node);
    if (y + height < 0 || y > MAP_HEIGHT) return;
    if (node >= this.limit) {
      pen.globalAlpha = 0.28;
      pen.fillStyle = this.colours.line;
      pen.fillRect(x, y, width, height);
      pen.globalAlpha = 1;
      return;
    }
    pen.fillStyle = this.fill(node);
    pen.fillRect(x, y, width, height);
    const truth = this.view.truth?.[node] ?? null;
    if (truth !== null) {
      pen.fillStyle = truth ? this.colours.right : this.colours.wrong;
      pen.fillRect(x, y + height - (height > 10 ? 3 : 1), width, height > 10 ? 3 : 1);
    }
    if (width > 46 && height > 16) this.write(pen, node, x, y, width, height);
  }

  write(pen, node, x, y, width, height) {
    const text = cut(shown(this.view.steps[node]), Math.floor((width - 12) / LETTER) - 1);
    pen.fillStyle = this.colours.ink;
    pen.save();
    pen.beginPath();
    pen.rect(x, y, width - 4, height);
    pen.clip();
    pen.fillText(text, x + 6, y + (height - 2) / 2);
    pen.restore();
  }

  /* A frame, or a shade where rows are too thin for one. */
  drawPath(pen, node) {
    if (this.rowPx >= 8) {
      this.frame(pen, node, this.colours.ink, node === this.current ? 2.5 : 1.5);
      return;
    }
    pen.globalAlpha = node === this.current ? 1 : 0.4;
    pen.fillStyle = this.colours.ink;
    pen.fillRect(...this.box(node));
    pen.globalAlpha = 1;
  }

  frame(pen, node, colour, thickness) {
    const [x, y, width, height] = this.box(node);
    pen.strokeStyle = colour;
    pen.lineWidth = thickness;
    pen.strokeRect(x + 0.5, y + 0.5, Math.max(1, width - 1), Math.max(1, height - 1));
  }

  show(current, limit) {
    Object.assign(this, { current, limit, path: new Set(pathTo(this.view, current)) });
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.draw());
  }

  /* --- the mouse ------------------------------------------------------------ */

  under(event) {
    const frame = this.canvas.getBoundingClientRect();
    const depth = Math.floor((event.clientY - frame.top + this.up) / this.rowPx) + 1;
    const leaf = (event.clientX - frame.left) / this.scale;
    let node = 0;
    for (let level = 0; level < depth; level += 1) {
      node = this.family.children[node].find(
        (child) => this.left[child] <= leaf && leaf < this.left[child] + this.width[child],
      );
      if (node === undefined) return 0;
    }
    return node < this.limit ? node : 0;
  }

  click(event) {
    const node = this.under(event);
    if (node) this.selected(node);
  }

  hover(event) {
    const node = this.under(event);
    this.tip.hidden = !node;
    if (!node) return;
    const frame = this.element.getBoundingClientRect();
    const score = this.view.scores ? ` · ${decimal(this.view.scores[node])}` : "";
    this.tip.replaceChildren(said(cut(this.view.steps[node], 160)), soft(score));
    const x = Math.min(event.clientX - frame.left + 12, frame.width - 280);
    this.tip.style.transform = `translate(${Math.max(0, x)}px, ${event.clientY - frame.top + 18}px)`;
  }
}

const rgb = (hex) => {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, "$&$&") : hex;
  return [1, 3, 5].map((start) => parseInt(full.slice(start, start + 2), 16));
};
const blend = (from, to, weight) => from.map((value, i) => value + (to[i] - value) * weight);
