/* The order in which nodes were grown: node i was the i-th. A slider, and a button that plays it. */

const PLAYED_IN = 9; // seconds a large tree takes; a small one shows six nodes a second
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

/* shows(limit) is called with how many nodes are there, the root counted; at first all are. */
const replay = (count, shows) => {
  let timer = 0;
  const slider = make("input", {
    type: "range", min: 1, max: count - 1, value: count - 1, "aria-label": "Nodes grown so far",
    input: () => { stop(); step(Number(slider.value)); },
  });
  const told = make("span", { class: "told soft" }); // not a live region: the slider speaks for itself
  const turn = () => (timer ? stop() : play());
  const button = make("button", { type: "button", class: "plain play", click: turn }, "▶ Replay");

  const tell = (nodes) => {
    slider.value = nodes;
    slider.setAttribute("aria-valuetext", `node ${nodes} of ${count - 1}`);
    told.textContent = `${amount(nodes)} of ${amount(count - 1)} nodes`;
  };
  const step = (nodes) => {
    tell(nodes);
    shows(nodes + 1);
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    button.textContent = "▶ Replay";
    button.setAttribute("aria-pressed", "false");
  };
  /* Less motion where that is wished for: ten pictures, one a second. */
  const play = () => {
    const last = count - 1;
    const rate = CALM.matches ? 1 : Math.min(24, Math.max(6, last / PLAYED_IN));
    const stride = CALM.matches ? Math.ceil(last / 10) : Math.max(1, Math.round(last / PLAYED_IN / rate));
    let nodes = Number(slider.value) >= last ? 0 : Number(slider.value);
    button.textContent = "❚❚ Pause";
    button.setAttribute("aria-pressed", "true");
    timer = setInterval(() => {
      if (!button.isConnected) { stop(); return; }
      nodes = Math.min(last, nodes + stride);
      step(nodes);
      if (nodes >= last) { stop(); announce("Replay finished"); }
    }, 1000 / rate);
  };
  tell(count - 1);
  return make("div", { class: "replay", role: "group", "aria-label": "Replay of the search" }, button, slider, told);
};
