/* Elements, texts and numbers. All text of a run enters the page through `shown`, as text. */

const byId = (id) => document.getElementById(id);

/* Controls and direction overrides as their code points, so that nobody hides or turns text. */
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/g;
const codePoint = (c) => `[U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
const shown = (text) => String(text).replace(HIDDEN, codePoint);

/* make("td", {class: "number"}, "12", element, ...): strings become text, null is left out. */
const make = (name, values = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) {
      element.append(child instanceof Node ? child : shown(child));
    }
  }
  return element;
};

/* Text of a run: its direction is its own and does not turn what stands beside it. */
const said = (text, css = "") => make("bdi", { class: css || null, dir: "auto" }, text);

/* A drawing of ours, node by node: [tag, {attribute: value}, [drawings and texts]]. */
const drawn = (drawing) => {
  if (drawing === null) return null;
  const [name, values, children] = drawing;
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
  element.append(...children.map((child) => (typeof child === "string" ? child : drawn(child))));
  return element;
};

const announce = (text) => {
  byId("said").textContent = shown(text);
};

/* --- numbers ------------------------------------------------------------ */

const UNKNOWN = "–";
const known = (value) => value !== null && value !== undefined;
const percent = (value) => (known(value) ? (100 * value).toFixed(1) : UNKNOWN);
const decimal = (value) => (known(value) ? value.toFixed(2).replace("-", "−") : UNKNOWN);
const amount = (value) => (known(value) ? Math.round(value).toLocaleString("en") : UNKNOWN);
const points = (value) => {
  if (!known(value)) return UNKNOWN;
  const text = (100 * value).toFixed(1);
  return Number(text) === 0 ? "0.0" : (value > 0 ? "+" : "") + text.replace("-", "−");
};
const interval = (low, high, show) =>
  known(low) || known(high) ? `[${show(low)}, ${show(high)}]` : "";
const plural = (count, word) => `${amount(count)} ${word}${count === 1 ? "" : "s"}`;

/* --- how a step looks ---------------------------------------------------- */

/* A score as a number in [0, 1] for its colour: odds by the logistic function. */
const share = (score, scale) => {
  if (scale === "odds") return 1 / (1 + Math.exp(-score));
  return Math.min(1, Math.max(0, scale === "signed" ? (score + 1) / 2 : score));
};

/* Blue for 1, grey at one half, orange for 0: apart for the colour-blind, too. */
const tint = (value) => {
  const side = value < 0.5 ? "--bad" : "--good";
  return `color-mix(in oklab, var(${side}) ${Math.round(Math.abs(value - 0.5) * 200)}%, var(--mid))`;
};

/* says: is the step right by this number? By default if it is on the upper side of its scale. */
const pill = (score, scale, truth, says = null) => {
  if (!known(score)) return make("span", { class: "unknown" }, UNKNOWN);
  const value = share(score, scale);
  const astray = known(truth) && (says ?? value >= 0.5) !== truth;
  const element = make("span", { class: astray ? "pill astray" : "pill" }, decimal(score));
  element.style.setProperty("--tint", tint(value));
  if (astray) element.title = "This number and the truth disagree";
  return element;
};

const VERDICTS = { correct: "✓ right", wrong: "✗ wrong", unreadable: "? unreadable" };
const verdictOf = (right) => (known(right) ? (right === 1 ? "correct" : "wrong") : null);
const truthMark = (truth) =>
  known(truth)
    ? make("span", { class: truth ? "yes" : "no" }, truth ? "✓" : "✗")
    : make("span", { class: "unknown" }, UNKNOWN);
