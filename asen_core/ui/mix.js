// Several attributes in one question: a pill beside those of the single attributes, and how much each counts below.
const state = { on: false, weights: {}, unlike: [] };
const root = element.querySelector(".mix");
const pill = Object.assign(document.createElement("button"), { type: "button", className: "plain mixed", textContent: "Mix…" });
pill.title = "Weigh several attributes, or ask for garments that are different in one";
const panel = Object.assign(document.createElement("fieldset"), { className: "mixing", hidden: true });
const said = document.createElement("p");
said.className = "muted";
said.textContent = "How much each counts. Different leaves out garments that are alike there.";
const legend = Object.assign(document.createElement("legend"), { textContent: "Mix attributes" });
panel.append(legend);
const rows = props.attributes.map(([attribute, name]) => {
  const row = Object.assign(document.createElement("div"), { className: "weigh" });
  const label = document.createElement("label");
  const slider = Object.assign(document.createElement("input"), { type: "range", min: 0, max: 100, step: 5, value: 0 });
  const share = document.createElement("output");
  const unlike = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: "Different" });
  unlike.ariaLabel = `Different in ${name.toLowerCase()}`;
  label.append(Object.assign(document.createElement("span"), { textContent: name }), slider, share);
  row.append(label, unlike);
  slider.addEventListener("input", () => {
    state.weights[attribute] = Number(slider.value);
    show();
  });
  slider.addEventListener("change", ask);
  unlike.addEventListener("click", () => {
    const apart = state.unlike.includes(attribute);
    state.unlike = apart ? state.unlike.filter((a) => a !== attribute) : [...state.unlike, attribute];
    if (!apart) state.weights[attribute] = 0;
    show();
    ask();
  });
  panel.append(row);
  return { attribute, name, slider, share, unlike };
});
panel.append(said);
root.replaceChildren(pill, panel);

function show() {
  const total = rows.reduce((sum, r) => sum + (state.weights[r.attribute] ?? 0), 0);
  for (const { attribute, name, slider, share, unlike } of rows) {
    const weight = state.weights[attribute] ?? 0;
    const apart = state.unlike.includes(attribute);
    slider.value = weight;
    slider.disabled = apart;
    share.textContent = apart ? "" : weight ? `${Math.round((100 * weight) / total)} %` : "–";
    slider.setAttribute("aria-valuetext", weight ? share.textContent : "does not count");
    unlike.setAttribute("aria-pressed", apart);
  }
  panel.hidden = !state.on;
  pill.setAttribute("aria-expanded", state.on);
  pill.setAttribute("aria-pressed", state.on);
  element.closest("#answers").toggleAttribute("data-mix", state.on);
}
const keep = () => (props.value = JSON.parse(JSON.stringify(state)));
function ask() {
  keep();
  document.body.classList.add("asen-busy");
  trigger("mixed", {});
}

pill.addEventListener("click", () => {
  state.on = !state.on;
  const name = document.querySelector("#attribute label.selected")?.innerText.trim();
  const now = rows.find((r) => r.name === name) ?? rows[0];
  const started = rows.some((r) => state.weights[r.attribute]);
  if (!started) state.weights[now.attribute] = 100;
  if (!started) state.unlike = state.unlike.filter((a) => a !== now.attribute);
  show();
  ask();
});
// A pill of one attribute ends the mix, also the one that is chosen already: what was mixed is there again with the next click.
document.addEventListener(
  "click",
  (event) => {
    const single = state.on && event.target.closest?.("#attribute label");
    if (!single) return;
    state.on = false;
    show();
    if (single.matches(".selected")) ask();
    else keep();
  },
  true
);
show();
