/* Addresses: #/ all runs, #/run/NAME, #/run/NAME/PROBLEM/NODE, #/compare/A/B, #/compare/A/B/PROBLEM. */

let index = null;

const partsOf = (hash) => hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decoded);
const decoded = (part) => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};

const numberOf = (name) => {
  const run = index.runs.findIndex((candidate) => candidate.name === name);
  if (run < 0) throw new Error(`There is no run named ${name} here.`);
  return run;
};

const attemptAt = (run, id) => {
  const place = index.runs[run].attempts.findIndex((attempt) => attempt.id === id);
  if (place < 0) throw new Error(`${index.runs[run].name} has no problem ${id}.`);
  return place;
};

/* What an address shows: {crumbs: [[text, address]], turn: [before, after], content}. */
const route = async ([page, ...names]) => {
  const home = [index.title, "#/"];
  if (page === "run") return runRoute(home, names);
  if (page === "compare") return compareRoute(home, names);
  return { crumbs: [home], content: overview(index) };
};

const runRoute = async (home, [name, id, node]) => {
  const run = numberOf(name);
  const crumbs = [home, [name, to("run", name)]];
  if (id === undefined) return { crumbs, content: runPage(index, run) };
  const place = attemptAt(run, id);
  const beside = [-1, 1].map((by) => index.runs[run].attempts[place + by]);
  return {
    crumbs: [...crumbs, [id, to("run", name, id)]],
    turn: beside.map((attempt) => attempt && to("run", name, attempt.id)),
    content: await problemPage(index, run, id, Number(node) || 0),
  };
};

const compareRoute = async (home, [first, second, id]) => {
  const [a, b] = [numberOf(first), numberOf(second)];
  const crumbs = [home, [`${first} against ${second}`, to("compare", first, second)]];
  if (id === undefined) return { crumbs, content: comparePage(index, a, b) };
  attemptAt(a, id);
  attemptAt(b, id);
  const { onlyA, onlyB, both, neither } = sortedPairs(index, a, b);
  const order = [...onlyA, ...onlyB, ...both, ...neither].map((pair) => pair.id);
  const place = order.indexOf(id);
  const beside = place < 0 ? [] : [order[place - 1], order[place + 1]];
  return {
    crumbs: [...crumbs, [id, to("compare", first, second, id)]],
    turn: beside.map((other) => other && to("compare", first, second, other)),
    content: await compareProblem(index, a, b, id),
  };
};

const drawBar = (crumbs, turn = []) => {
  const links = crumbs.map(([text, address], i) =>
    make("a", { href: address, "aria-current": i === crumbs.length - 1 ? "page" : null }, said(cut(text, 60))),
  );
  byId("crumbs").replaceChildren(...links);
  const names = ["Previous problem", "Next problem"];
  byId("turn").replaceChildren(
    ...["←", "→"].map((sign, i) =>
      turn[i] ? make("a", { href: turn[i], class: "turn", "aria-label": names[i], title: names[i] }, sign) : "",
    ),
  );
};

let visit = 0;
const draw = async () => {
  visit += 1;
  const mine = visit;
  try {
    index ??= await loadIndex();
    const { crumbs, turn, content } = await route(partsOf(location.hash));
    if (mine !== visit) return; // another address was opened meanwhile
    drawBar(crumbs, turn);
    byId("page").replaceChildren(...content.filter(Boolean));
    document.title = crumbs.map(([text]) => shown(cut(text, 60))).reverse().join(" · ");
  } catch (error) {
    drawBar([[index?.title ?? "Runs", "#/"]]);
    byId("page").replaceChildren(make("h1", {}, "This cannot be shown"), make("p", { class: "note" }, error.message));
  }
};

/* Another address: from the top, and a screen reader starts at its content. */
const turnTo = async () => {
  await draw();
  scrollTo(0, 0);
  byId("page").focus({ preventScroll: true });
};

addEventListener("hashchange", turnTo);
draw();
