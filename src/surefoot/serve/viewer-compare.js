/* Two runs side by side: where one is right and the other wrong, and both solutions of a problem. */

const withProblems = (index) => index.runs.filter((run) => run.attempts.length);

const comparePicker = (index, a, b) => {
  const names = withProblems(index).map((run) => run.name);
  const chooser = (label, chosen) =>
    make(
      "select",
      { "aria-label": label },
      names.map((name, i) => make("option", { value: name, selected: i === chosen }, name)),
    );
  const [first, second] = [chooser("First run", a), chooser("Second run", b)];
  const go = () => {
    location.hash = to("compare", first.value, second.value);
  };
  return make(
    "p",
    { class: "picker" },
    "Compare ", first, " with ", second, " ",
    make("button", { class: "plain", type: "button", click: go }, "Side by side"),
  );
};

/* The problems of both runs, by who is right: a mean of 0.5 or more counts as right. */
const sortedPairs = (index, a, b) => {
  const other = new Map(index.runs[b].attempts.map((attempt) => [attempt.id, attempt]));
  const pairs = index.runs[a].attempts
    .filter(({ id }) => other.has(id))
    .map((attempt) => ({ id: attempt.id, a: attempt, b: other.get(attempt.id) }));
  const checked = pairs.filter((pair) => known(pair.a.right) && known(pair.b.right));
  const is = (right, wrong) => (pair) => pair.a.right >= 0.5 === right && pair.b.right >= 0.5 === wrong;
  return {
    onlyA: checked.filter(is(true, false)),
    onlyB: checked.filter(is(false, true)),
    both: checked.filter(is(true, true)),
    neither: checked.filter(is(false, false)),
    unchecked: pairs.filter((pair) => !checked.includes(pair)),
  };
};

const comparePage = (index, a, b) => {
  const [first, second] = [index.runs[a], index.runs[b]];
  const lists = sortedPairs(index, a, b);
  const gap = gapTo(index, b, a);
  const columns = [
    { title: "Problem" },
    { title: said(first.name) },
    { title: "" , number: true },
    { title: said(second.name) },
    { title: "", number: true },
    { title: "Expected", number: true },
  ];
  const answerOf = (attempt) => (known(attempt.answer) ? said(cut(attempt.answer, 40)) : UNKNOWN);
  const rowOf = (pair) => [
    make(
      "span",
      { class: "stack" },
      link(to("compare", first.name, second.name, pair.id), said(cut(pair.id, 80))),
      said(cut(index.problems[pair.id].text, 120), "gist"),
    ),
    outcome(pair.a.right, pair.a.why),
    answerOf(pair.a),
    outcome(pair.b.right, pair.b.why),
    answerOf(pair.b),
    known(index.problems[pair.id].gold) ? said(cut(index.problems[pair.id].gold, 40)) : UNKNOWN,
  ];
  const shownLists = {
    [`Only ${first.name} right`]: lists.onlyA,
    [`Only ${second.name} right`]: lists.onlyB,
    "Both right": lists.both,
    "Both wrong": lists.neither,
  };
  if (lists.unchecked.length) shownLists["Not checked"] = lists.unchecked;
  return [
    make("h1", {}, said(first.name), " against ", said(second.name)),
    gap ? make("p", { class: "headline" }, gapSentence(first, second, gap, lists)) : null,
    filtered(shownLists, (items) => longTable(columns, items, rowOf, "Problems")),
    comparePicker(index, withProblems(index).indexOf(first), withProblems(index).indexOf(second)),
  ];
};

const gapSentence = (first, second, gap, lists) => {
  const { onlyA, onlyB, both, neither } = lists;
  const common = [...onlyA, ...onlyB, ...both, ...neither];
  const mean = (of) => percent(common.reduce((sum, pair) => sum + of(pair).right, 0) / common.length);
  return [
    `Of ${plural(common.length, "problem")} that both have, `,
    said(first.name),
    ` is right on ${mean((pair) => pair.a)} %, `,
    said(second.name),
    ` on ${mean((pair) => pair.b)} %: a difference of `,
    make("b", {}, `${points(gap.diff)} points`),
    ` ${interval(gap.low, gap.high, points)}. They disagree on ${amount(onlyA.length + onlyB.length)}.`,
  ];
};

/* --- one problem --------------------------------------------------------- */

const compareProblem = async (index, a, b, id) => {
  const views = await Promise.all([loadTree(index, a, id), loadTree(index, b, id)]);
  const paths = views.map((view) => pathTo(view, view.chosen[0] ?? firstEnd(view)));
  const texts = paths.map((path, i) => path.map((node) => views[i].steps[node]));
  const same = texts[0].findIndex((text, i) => text !== texts[1][i]);
  const parting = same < 0 && texts[0].length !== texts[1].length ? texts[0].length : same;
  const columns = [a, b].map((r, i) =>
    make(
      "section",
      { class: "side", "aria-label": index.runs[r].name },
      make("h2", {}, runName(index.runs[r], to("run", index.runs[r].name, id))),
      paths[i].length ? facts(endFacts(views[i], paths[i].at(-1))) : make("p", { class: "note" }, "No solution."),
      pathTable(views[i], paths[i], { parting }),
    ),
  );
  return [
    make("h1", { class: "small" }, said(cut(id, 80))),
    problemCard(views[0].problem),
    make("div", { class: "sides" }, columns),
    parting >= 0
      ? make("p", { class: "note" }, `The solutions part at step ${parting + 1}, marked by a line.`)
      : make("p", { class: "note" }, "The two solutions are the same."),
  ];
};

const firstEnd = (view) => Number(Object.keys(view.ends)[0] ?? 0);
