/* One problem of a run: its map, its outline, and the path to the current node. */

const MOST_STEPS = 120; // of a path shown at once
const MOST_LETTERS = 20000; // of a step

const problemCard = (problem) =>
  make(
    "div",
    { class: "question" },
    make("p", { class: "problem", dir: "auto" }, problem.problem),
    known(problem.answer)
      ? make("p", { class: "expected" }, make("span", { class: "soft" }, "Expected "), said(cut(problem.answer, 200)))
      : null,
  );

/* How the solution that ends at `node` came out, if one does. */
const endFacts = (view, node) => {
  const end = view.ends[node];
  if (!end) return [];
  const css = { correct: "yes", wrong: "no" }[end.verdict] || "soft";
  return [
    ["Outcome", make("span", { class: css }, VERDICTS[end.verdict] || "not checked")],
    ["Answer", known(end.answer) ? said(cut(end.answer, 200)) : "none read"],
    ["Score of the whole", known(end.total) ? decimal(end.total) : null],
  ];
};

/* The steps of a path with all that is known of them. go(node) makes the rows clickable;
   parting: index of the first step that differs from another path. */
const pathTable = (view, path, { go = null, parting = -1 } = {}) => {
  const skipped = Math.max(0, path.length - MOST_STEPS);
  const columns = [["scores", "Score"], ["labels", "Label"], ["truth", "Truth"]].filter(([name]) => view[name]);
  const head = ["#", "Step", ...columns.map(([, title]) => title)];
  const rows = path.slice(skipped).map((node, i) => stepRow(view, node, skipped + i, { columns, go, parting }));
  if (!rows.length) return null;
  return make(
    "div",
    {},
    skipped ? make("p", { class: "note" }, `The first ${plural(skipped, "step")} of this path are not shown.`) : null,
    make(
      "table",
      { class: "steps path" },
      make("thead", {}, make("tr", {}, head.map((title) => make("th", { scope: "col" }, title)))),
      make("tbody", {}, rows),
    ),
  );
};

const stepRow = (view, node, place, { columns, go, parting }) => {
  const truth = view.truth?.[node] ?? null;
  const score = view.scores?.[node] ?? null;
  const cells = {
    scores: () => make("td", { class: "score" }, pill(score, view.scale, truth)),
    labels: () => make("td", { class: "score" }, labelOf(view, node, truth)),
    truth: () => make("td", { class: "truth" }, truthOf(view, node, truth)),
  };
  const text = make("div", { dir: "auto" }, cut(view.steps[node], MOST_LETTERS));
  const row = make(
    "tr",
    { class: place === parting ? "parting" : null, click: go ? () => go(node) : () => {} },
    make("td", { class: "number" }, place + 1),
    make("td", { class: "text" }, text),
    columns.map(([name]) => cells[name]()),
  );
  if (known(score)) row.style.setProperty("--tint", tint(share(score, view.scale)));
  return row;
};

const labelOf = (view, node, truth) => {
  const shownPill = pill(view.labels[node], "unit", truth, view.hard?.[node]);
  const counts = view.counts[node];
  if (!counts || !counts[1]) return shownPill;
  return [shownPill, make("span", { class: "counts" }, `${counts[0]} of ${counts[1]}`)];
};

const truthOf = (view, node, truth) => {
  if (!known(truth)) return make("span", { class: "unknown" }, UNKNOWN);
  const reason = view.reasons[node];
  return [
    make("b", { class: truth ? "correct" : "wrong" }, truth ? "✓ correct" : "✗ wrong"),
    reason ? make("span", { class: "reason", dir: "auto" }, reason) : null,
  ];
};

/* --- the page ---------------------------------------------------------------- */

const problemPage = async (index, r, id, first) => {
  const view = await loadTree(index, r, id);
  const family = familyOf(view);
  const attempt = index.runs[r].attempts.find((a) => a.id === id);
  const head = [make("h1", { class: "small" }, said(cut(id, 80))), problemCard(view.problem)];
  if (family.count < 2) {
    return [...head, make("p", { class: "note" }, shown(attempt?.why || "No step was kept of this problem."))];
  }
  return [...head, ...workbench(index, r, id, { view, family, first })];
};

const workbench = (index, r, id, { view, family, first }) => {
  const side = make("section", { class: "side", "aria-label": "Path to the current step" });
  const select = (node) => outline.select(node);
  const outline = new Outline(view, family, (node) => {
    map.show(node, outline.limit);
    side.replaceChildren(...sideOf(view, family, node, select).filter(Boolean));
    addressOf(to("run", index.runs[r].name, id, node));
  });
  const map = new TreeMap(view, family, select);
  const player = replay(family.count, (limit) => {
    outline.grow(limit);
    outline.select(limit - 1);
  });
  const start = first > 0 && first < family.count ? first : view.chosen[0] || firstEnd(view) || 1;
  requestAnimationFrame(() => select(start)); // once it is in the document and has a height
  return [
    make("div", { class: "mapped" }, map.element, make("div", { class: "under-map" }, player, legend(view))),
    make(
      "div",
      { class: "bench" },
      make("section", { "aria-label": "All steps" }, treeTools(outline, family), outline.element),
      side,
    ),
  ];
};

/* The address follows the current node, a moment later: browsers limit how often it may change. */
let waiting = 0;
const addressOf = (address) => {
  clearTimeout(waiting);
  const page = location.hash;
  waiting = setTimeout(() => {
    if (location.hash === page) history.replaceState(null, "", address);
  }, 400);
};

const treeTools = (outline, family) => {
  const all = Array.from({ length: family.count }, (_, node) => node);
  const button = (text, click) => make("button", { type: "button", class: "plain", click }, text);
  const ends = Object.keys(outline.view.ends).length;
  return make(
    "div",
    { class: "tools" },
    make("span", { class: "soft" }, `${plural(family.count - 1, "node")}, ${plural(ends, "solution")}`),
    finder(outline),
    button("Open all", () => outline.toggle(all, true)),
    button("Close all", () => outline.toggle(all, false)),
    outline.view.chosen.length ? button("Chosen", () => outline.select(outline.view.chosen[0])) : null,
    make("span", { class: "keys soft" }, make("kbd", {}, "↑"), " ", make("kbd", {}, "↓"), " move, ",
      make("kbd", {}, "→"), " ", make("kbd", {}, "←"), " open and close",
      outline.view.chosen.length ? [", ", make("kbd", {}, "c"), " chosen"] : null),
  );
};

/* The browser's own search sees only the rows in sight; this one all. Enter goes to the next. */
const finder = (outline) => {
  const field = make("input", {
    type: "search", placeholder: "Find a step", "aria-label": "Find a step", "aria-keyshortcuts": "Enter",
    keydown: (event) => {
      if (event.key !== "Enter" || !field.value) return;
      event.preventDefault();
      const found = outline.find(field.value);
      announce(found ? plural(found, "step") : "No step has this text");
      field.classList.toggle("nothing", !found);
    },
  });
  return field;
};

const sideOf = (view, family, node, go) => [
  make("h2", {}, `Path to node ${amount(node)}`),
  facts([
    ...endFacts(view, node),
    ["Depth", amount(family.depth[node])],
    ["Value", view.values ? decimal(view.values[node]) : null],
    ["Visits", view.visits ? amount(view.visits[node]) : null],
  ]),
  pathTable(view, pathTo(view, node), { go }),
];

const legend = (view) =>
  make(
    "p",
    { class: "note scale" },
    view.scores
      ? ["Score ", make("span", {}, view.scale === "unit" ? "0" : "low"), make("span", { class: "ramp" }),
        make("span", {}, view.scale === "unit" ? "1" : "high")]
      : null,
    view.truth ? make("span", { class: "yes line-key" }, "━ right") : null,
    view.truth ? make("span", { class: "no line-key" }, "━ wrong") : null,
    view.by.truth ? make("span", {}, "by ", said(view.by.truth)) : null,
    view.by.scores ? make("span", {}, "scores by ", said(view.by.scores)) : null,
    view.by.labels ? make("span", {}, "labels by ", said(view.by.labels)) : null,
  );
