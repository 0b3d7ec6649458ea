// Filters, drawn from what the server says of the gallery's labels. Their texts are set as text, never read as markup.
const OPEN = 2; // shown at once, and whatever is set
const LONG = 12; // from so many values on there is a field to find one
let drawn = "";
let all = false;

const chosen = () => props.value || {};
const wantedOf = (label) => (Object.hasOwn(chosen(), label) ? chosen()[label] : undefined); // a column may be called anything
function make(tag, given = {}, ...inside) {
  const node = Object.assign(document.createElement(tag), given);
  node.append(...inside);
  return node;
}

function put(label, wanted) {
  const next = { ...chosen() };
  if (wanted) next[label] = wanted;
  else delete next[label];
  ask(next);
}
function ask(next) {
  props.value = next;
  sign();
  document.body.classList.add("asen-busy");
  trigger("filtered", {});
}

function values(facet) {
  const list = make("div", { className: "choices" });
  if (facet.values.length >= LONG) {
    const find = make("input", { type: "search", placeholder: `Find in ${facet.values.length}`, ariaLabel: `Find a value of ${facet.name}` });
    find.addEventListener("input", () => {
      const sought = find.value.trim().toLowerCase();
      for (const row of list.querySelectorAll("label")) row.hidden = !row.textContent.toLowerCase().includes(sought);
    });
    list.append(find);
  }
  for (const [value, name] of facet.values) {
    const box = make("input", { type: "checkbox", value });
    box.addEventListener("change", () => {
      const now = [...list.querySelectorAll("input:checked")].map((b) => b.value);
      put(facet.label, now.length ? now : null);
    });
    list.append(make("label", {}, box, make("span", { textContent: name }), make("small")));
  }
  const summary = make("summary", {}, make("span", { textContent: facet.name }), make("b"));
  const node = make("details", {}, summary, list);
  node.addEventListener("toggle", () => {
    if (!node.open) return;
    for (const other of element.querySelectorAll("details[open]")) if (other !== node) other.open = false;
    list.classList.toggle("leftwards", node.getBoundingClientRect().left + list.offsetWidth > innerWidth - 12);
  });
  return node;
}

function numbers(facet) {
  const ends = ["least", "most"].map((end) => {
    const said = `${facet.name} ${end === "least" ? "from" : "to"}`;
    const field = make("input", { type: "number", step: "any", placeholder: String(facet[end]), ariaLabel: said });
    field.dataset.end = end;
    return field;
  });
  const node = make("div", { role: "group", ariaLabel: facet.name }, make("span", { textContent: facet.name }), ends[0], "–", ends[1]);
  node.addEventListener("change", () => {
    const [least, most] = ends.map((f) => (f.value === "" ? null : f.valueAsNumber));
    put(facet.label, least === null && most === null ? null : { least, most });
  });
  return node;
}

// What is set is ticked and told; counts follow the other filters.
function sign() {
  const shown = (props.facets ?? []).length > OPEN + 1 ? OPEN : OPEN + 1; // one alone is shorter than the button for it
  let hidden = 0;
  (props.facets ?? []).forEach((facet, i) => {
    const node = element.querySelector(".filters").children[i];
    const wanted = wantedOf(facet.label);
    node.toggleAttribute("data-set", Boolean(wanted));
    node.hidden = !all && i >= shown && !wanted;
    hidden += i >= shown && !wanted;
    if (!facet.values) {
      for (const field of node.querySelectorAll("input")) field.value = wanted?.[field.dataset.end] ?? "";
      return;
    }
    node.querySelector("b").textContent = wanted?.length ?? "";
    node.querySelectorAll("label").forEach((row, j) => {
      const [value, , count] = facet.values[j];
      row.firstChild.checked = Boolean(wanted?.includes(value));
      row.lastChild.textContent = count.toLocaleString("en");
      row.toggleAttribute("data-none", !count);
    });
  });
  const more = element.querySelector("[data-do=more]");
  more.hidden = !hidden;
  more.textContent = all ? "Fewer filters" : `More filters (${hidden})`;
  more.setAttribute("aria-expanded", all);
  element.querySelector("[data-do=clear]").hidden = !Object.keys(chosen()).length;
}

function draw() {
  const facets = props.facets ?? [];
  const kind = JSON.stringify(facets.map((f) => [f.label, f.least, f.most, f.values?.map((v) => v[0])]));
  if (kind !== drawn) {
    drawn = kind;
    all = false;
    const button = (what) => make("button", { type: "button", className: "plain" });
    const [more, clear] = [button(), button()];
    more.dataset.do = "more";
    clear.dataset.do = "clear";
    clear.textContent = "Clear filters";
    const nodes = facets.map((f) => Object.assign(f.values ? values(f) : numbers(f), { className: f.values ? "facet" : "facet span" }));
    nodes.forEach((node, i) => (node.dataset.label = facets[i].label));
    element.querySelector(".filters").replaceChildren(...nodes, more, clear);
  }
  sign();
}

element.addEventListener("click", (event) => {
  const what = event.target.closest("[data-do]")?.dataset.do;
  if (what === "clear") ask({});
  if (what === "more") {
    all = !all;
    sign();
  }
});
const shut = () => element.querySelectorAll("details[open]").forEach((node) => (node.open = false));
document.addEventListener("click", (event) => event.target.closest(".facet") || shut());
element.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && event.target.closest("details[open]");
  if (!open) return;
  event.stopPropagation();
  shut();
  open.querySelector("summary").focus();
});
watch(["facets", "value"], draw);
draw();
