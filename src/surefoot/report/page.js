"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const browser = byId("browser");
  if (!browser) return;
  const traces = JSON.parse(byId("report-data").textContent).traces;
  const fits = {
    all: () => true,
    right: (trace) => trace.verdict === "correct",
    wrong: (trace) => trace.verdict === "wrong",
    misled: (trace) => trace.misled,
  };
  const buttons = [...browser.querySelectorAll("[data-filter]")];
  let filter = "all";
  let shown = traces;
  let place = 0;

  /* All text enters the page here, as text. */
  const make = (name, css, text) => {
    const element = document.createElement(name);
    if (css) element.className = css;
    if (text !== undefined && text !== null) element.textContent = text;
    return element;
  };

  /* Blue for 1, grey at one half, orange for 0: apart for the colour-blind, too. */
  const tint = (score) => {
    const side = score < 0.5 ? "--bad" : "--good";
    return `color-mix(in oklab, var(${side}) ${Math.round(Math.abs(score - 0.5) * 200)}%, var(--mid))`;
  };

  const pill = (score, astray) => {
    if (score === null) return make("span", "unknown", "–");
    const element = make("span", astray ? "pill astray" : "pill", score.toFixed(2));
    element.style.setProperty("--tint", tint(score));
    if (astray) element.title = "This score and the truth disagree";
    return element;
  };

  const truthCell = (step) => {
    const cell = make("td", "truth");
    if (step.truth === null) cell.append(make("span", "unknown", "–"));
    else cell.append(make("b", step.truth, step.truth === "correct" ? "✓ correct" : "✗ wrong"));
    if (step.reason) {
      const reason = make("span", "reason", step.reason);
      reason.dir = "auto";
      cell.append(reason);
    }
    return cell;
  };

  const stepRow = (step, index) => {
    const row = make("tr", "");
    const known = step.score !== null && step.truth !== null;
    const astray = known && (step.score >= 0.5) !== (step.truth === "correct");
    const text = make("td", "text");
    const inner = make("div", "", step.text);
    inner.dir = "auto";
    text.append(inner);
    const score = make("td", "score");
    score.dataset.name = "score";
    score.append(pill(step.score, astray));
    const label = make("td", "rollouts", step.label === null ? "–" : step.label.toFixed(2));
    label.dataset.name = "rollouts";
    if (step.score !== null) row.style.setProperty("--tint", tint(step.score));
    row.append(make("td", "number", index + 1), text, score, label, truthCell(step));
    return row;
  };

  const outcome = (trace) => {
    const verdict = { correct: "✓ right", wrong: "✗ wrong", unreadable: "? unreadable" };
    const rows = [
      ["Verdict", verdict[trace.verdict] || "not checked", trace.verdict || ""],
      ["Answer", trace.answer === null ? "none read" : trace.answer, ""],
      ["Expected", trace.gold === null ? "unknown" : trace.gold, ""],
    ];
    if (trace.total !== null) rows.push(["Score", trace.total.toFixed(2), ""]);
    if (trace.chosen_by.length) rows.push(["Chosen by", trace.chosen_by.join(" · "), ""]);
    return rows.map(([name, value, css]) => {
      const pair = make("div", "");
      const shownValue = make("dd", css, value);
      shownValue.dir = "auto";
      pair.append(make("dt", "", name), shownValue);
      return pair;
    });
  };

  const drawBeads = () => {
    byId("beads").replaceChildren(
      ...shown.map((trace, index) => {
        const bead = make("button", `bead ${trace.verdict || ""}`);
        bead.type = "button";
        bead.tabIndex = -1;
        bead.title = `Trace ${index + 1}: ${trace.verdict || "not checked"}`;
        bead.addEventListener("click", () => go(index));
        return bead;
      }),
    );
  };

  const draw = () => {
    const trace = shown[place];
    browser.querySelector(".trace").hidden = !trace;
    byId("empty").hidden = Boolean(trace);
    byId("place").textContent = trace ? `${place + 1} of ${shown.length}` : "0 of 0";
    byId("previous").disabled = place === 0;
    byId("next").disabled = place >= shown.length - 1;
    [...byId("beads").children].forEach((bead, i) => bead.classList.toggle("here", i === place));
    if (!trace) return;
    byId("problem").textContent = trace.problem;
    byId("outcome").replaceChildren(...outcome(trace));
    byId("steps").replaceChildren(...trace.steps.map(stepRow));
  };

  const go = (index) => {
    place = Math.max(0, Math.min(shown.length - 1, index));
    draw();
  };

  const choose = (name) => {
    filter = name;
    shown = traces.filter(fits[name]);
    for (const b of buttons) b.setAttribute("aria-pressed", String(b.dataset.filter === filter));
    drawBeads();
    go(0);
  };

  for (const button of buttons) {
    const count = traces.filter(fits[button.dataset.filter]).length;
    button.append(" ", make("span", "count", count));
    button.disabled = count === 0;
    button.addEventListener("click", () => choose(button.dataset.filter));
  }
  byId("previous").addEventListener("click", () => go(place - 1));
  byId("next").addEventListener("click", () => go(place + 1));
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target instanceof Element && event.target.closest(".scroll, pre")) return;
    const button = buttons[Number(event.key) - 1];
    if (event.key === "ArrowRight") go(place + 1);
    else if (event.key === "ArrowLeft") go(place - 1);
    else if (button && !button.disabled) choose(button.dataset.filter);
    else return;
    event.preventDefault();
  });
  browser.hidden = false;
  choose("all");
})();
