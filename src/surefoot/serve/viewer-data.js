/* Where data comes from: the page itself if it holds some, else the server it came from. */

const held = document.querySelector("script.viewer-index");
const heldTrees = new Map(
  [...document.querySelectorAll("script.viewer-tree")].map((e) => [e.dataset.key, e]),
);
let token = held ? "" : sessionStorage.getItem("token") || "";

const fetchJson = async (path, values = {}) => {
  const address = new URL(path, location.origin + location.pathname.replace(/\/?$/, "/"));
  for (const [key, value] of Object.entries(values)) address.searchParams.set(key, value);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(address, { headers });
  if (answer.status === 401 || answer.status === 403) {
    token = await askToken();
    sessionStorage.setItem("token", token);
    return fetchJson(path, values);
  }
  if (!answer.ok) throw new Error(`The server answered ${answer.status}: ${await reason(answer)}`);
  return answer.json();
};

const reason = async (answer) => {
  const text = await answer.text();
  try {
    const told = JSON.parse(text);
    return told.detail || told.error.message;
  } catch {
    return text.slice(0, 200);
  }
};

/* The token stays with this tab: closing it forgets. */
const askToken = () =>
  new Promise((resolve) => {
    const field = make("input", { type: "password", id: "token", autocomplete: "off", required: true });
    const take = (event) => {
      event.preventDefault();
      resolve(field.value.trim());
    };
    const form = make(
      "form",
      { class: "token", submit: take },
      make("label", { for: "token" }, token ? "That token is not accepted. Another:" : "Bearer token"),
      field,
      make("button", { class: "plain" }, "Open"),
    );
    byId("page").replaceChildren(make("h1", {}, "This server wants a token"), form);
    field.focus();
  });

const loadIndex = async () => (held ? JSON.parse(held.textContent) : fetchJson("index.json"));

const trees = new Map(); // the last few that were opened
const loadTree = async (index, run, problem) => {
  const place = index.runs[run].attempts.findIndex(({ id }) => id === problem);
  const key = `${run}/${place}`;
  if (!trees.has(key)) {
    const data = held
      ? JSON.parse(heldTrees.get(key).textContent)
      : await fetchJson("tree.json", { run: index.runs[run].name, problem });
    trees.set(key, data);
    if (trees.size > 8) trees.delete(trees.keys().next().value);
  }
  return trees.get(key);
};
