/* All runs: the plot and the table. One run: its problems. */

const gapTo = (index, base, run) => {
  const pair = index.pairs.find(({ a, b }) => (a === base && b === run) || (a === run && b === base));
  if (!pair) return null;
  const turned = pair.a === base; // the pair holds a - b; wanted is run - base
  return turned ? { diff: -pair.diff, low: flip(pair.high), high: flip(pair.low) } : pair;
};
const flip = (value) => (known(value) ? -value : null);
const sure = ({ low, high }) => known(low) && (low > 0 || high < 0);

const gapCell = (gap) => {
  if (!gap) return UNKNOWN;
  const text = points(gap.diff);
  return [sure(gap) ? make("b", {}, text) : text, " ", soft(interval(gap.low, gap.high, points))];
};

const runName = (run, address) =>
  make(
    "span",
    { class: "named" },
    drawn(run.swatch),
    address ? link(address, said(run.name)) : said(run.name),
  );

const overview = (index) => {
  const base = index.runs.findIndex((run) => run.attempts.length > 0);
  const others = index.pairs.length > 0;
  const columns = [
    { title: "Run" },
    { title: "" },
    { title: "Accuracy, %", number: true },
    ...(others ? [{ title: make("span", {}, "Against ", said(index.runs[base].name)), number: true }] : []),
    { title: "Policy tokens", number: true },
    { title: "Verifier tokens", number: true },
    { title: "Problems", number: true },
  ];
  const rowOf = (run, i) => [
    runName(run, run.attempts.length ? to("run", run.name) : null),
    drawn(run.strip) || "",
    [percent(run.accuracy), " ", soft(interval(run.low, run.high, percent))],
    ...(others ? [gapCell(gapTo(index, base, i))] : []),
    amount(run.policy_tokens),
    amount(run.verifier_tokens),
    run.attempts.length ? amount(run.attempts.length) : UNKNOWN,
  ];
  const opened = index.runs.filter((run) => run.attempts.length);
  return [
    make("h1", {}, said(index.title)),
    table(columns, index.runs.map(rowOf), { label: "Runs" }),
    make(
      "p",
      { class: "note" },
      "Brackets hold 95 % intervals over problems. A difference is paired by problem, in points, and bold " +
        "where its interval leaves out 0. Tokens are means per problem. An unfinished search counts as wrong.",
    ),
    opened.length > 1 ? comparePicker(index, 0, 1) : null,
    index.plot
      ? make("section", {}, make("h2", {}, "Accuracy against budget"), plotOf(index))
      : null,
  ];
};

const plotOf = (index) =>
  make("div", { class: "scroll wide", tabindex: "0", role: "region", "aria-label": "Plot" }, drawn(index.plot));

const runPage = (index, r) => {
  const run = index.runs[r];
  const columns = [
    { title: "Problem" },
    { title: "Outcome" },
    { title: "Answer", number: true },
    { title: "Expected", number: true },
    { title: "Solutions", number: true },
    { title: "Nodes", number: true },
  ];
  const rowOf = (attempt) => [
    make(
      "span",
      { class: "stack" },
      link(to("run", run.name, attempt.id), said(cut(attempt.id, 80))),
      said(cut(index.problems[attempt.id].text, 160), "gist"),
    ),
    outcome(attempt.right, attempt.why),
    known(attempt.answer) ? said(cut(attempt.answer, 40)) : UNKNOWN,
    known(index.problems[attempt.id].gold) ? said(cut(index.problems[attempt.id].gold, 40)) : UNKNOWN,
    amount(attempt.solutions),
    amount(attempt.nodes),
  ];
  const lists = {
    All: run.attempts,
    Right: run.attempts.filter(({ right }) => right === 1),
    Wrong: run.attempts.filter(({ right, why }) => right === 0 && !why),
    Unfinished: run.attempts.filter(({ why }) => why),
  };
  const mixed = run.attempts.filter(({ right }) => known(right) && right > 0 && right < 1);
  if (mixed.length) lists.Mixed = mixed;
  return [
    make("h1", {}, runName(run)),
    facts([
      ["Accuracy", known(run.accuracy) ? `${percent(run.accuracy)} % ${interval(run.low, run.high, percent)}` : null],
      ["Problems", amount(run.attempts.length)],
      ["Policy tokens a problem", known(run.policy_tokens) ? amount(run.policy_tokens) : null],
      ["Verifier tokens a problem", known(run.verifier_tokens) ? amount(run.verifier_tokens) : null],
      ["From", said(run.source)],
    ]),
    filtered(lists, (items) => longTable(columns, items, rowOf, "Problems")),
  ];
};

const cut = (text, most) => (text.length > most ? `${text.slice(0, most)}…` : text);
