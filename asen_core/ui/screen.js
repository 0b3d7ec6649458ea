// Screening: the server draws the tab; this listens, keeps the reviewer's name and the open case, and asks for the progress.
const one = (selector) => element.querySelector(selector);
const LIMIT = 20 * 1024 * 1024;
const KEY = "alike-screen";
const here = () => element.offsetParent !== null;
const busy = () => document.body.classList.add("asen-busy");
let asked = false;
let again = 0;
let focused = "";

const memory = (() => {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
})();
function remember(more) {
  Object.assign(memory, more);
  try {
    localStorage.setItem(KEY, JSON.stringify(memory));
  } catch {}
}

function ask(event, data = {}) {
  const held = document.activeElement;
  focused = element.contains(held) ? (["decide", "suspect", "do"].map((k) => held.dataset[k] && k !== "suspect" && `[data-${k}="${held.dataset[k]}"]`).find(Boolean) ?? "") : "";
  busy();
  trigger(event, data);
}

// Reopens what was open before, once the tab is looked at.
new ResizeObserver(() => {
  if (asked || !here()) return;
  asked = true;
  ask("arrived", { case: memory.case ?? "", token: memory.token ?? "" });
}).observe(element);

async function send(files) {
  const given = [...files];
  if (!given.length || !one(".casehead")) return;
  busy();
  const paths = [];
  try {
    for (const file of given) {
      if (file.size > LIMIT) throw new Error();
      paths.push((await upload(file)).path);
    }
  } catch {}
  trigger("suspects_sent", { paths: paths.length === given.length ? paths : [] });
}

const pairing = () => one(".pairing")?.dataset;
function decide(decision) {
  const shown = pairing();
  if (!shown) return;
  const name = one("[name=reviewer]");
  if (!name.value.trim()) {
    name.focus();
    name.setCustomValidity("Give your name first, so that others know whom to ask.");
    return name.reportValidity();
  }
  ask("decided", { decision, reviewer: name.value, suspect: Number(shown.suspect), item: shown.item });
}

function sift() {
  const least = one("[name=least]:checked");
  ask("filtered", { percentile: Number(least.value), attribute: one("[name=attribute]").value, undecided: one("[name=undecided]").checked });
}

const actions = {
  choose: () => one(".file").click(),
  export: () => (busy(), trigger("exported", {})),
  rename: () => {
    const name = prompt("New name of this case", element.querySelector(".screen").dataset.case);
    if (name?.trim()) ask("case_renamed", { name });
  },
  shut: () => ask("case_closed"),
  continue: () => ask("continued"),
  stop: () => ask("stopped"),
  detail: () => ask("in_detail"),
};
element.addEventListener("click", (event) => {
  const open = event.target.closest("[data-open]");
  const verdict = event.target.closest("[data-decide]");
  const suspect = event.target.closest("button[data-suspect]");
  const button = event.target.closest("[data-do]");
  if (open) ask("case_opened", { name: open.dataset.open });
  else if (verdict) decide(Number(verdict.dataset.decide));
  else if (suspect) ask("shown", { suspect: Number(suspect.dataset.suspect) });
  else if (button) actions[button.dataset.do]?.();
});
element.addEventListener("submit", (event) => {
  event.preventDefault();
  ask("case_made", { name: event.target.elements.name.value });
});
element.addEventListener("change", (event) => {
  if (event.target.matches(".file")) {
    send(event.target.files);
    event.target.value = "";
  } else if (event.target.matches("[name=reviewer]")) remember({ reviewer: event.target.value });
  else if (event.target.closest(".sift")) sift();
});
element.addEventListener("input", (event) => event.target.matches("[name=reviewer]") && event.target.setCustomValidity(""));

const steps = {
  ArrowDown: { suspects: 1 },
  ArrowUp: { suspects: -1 },
  ArrowRight: { items: 1 },
  ArrowLeft: { items: -1 },
};
document.addEventListener("keydown", (event) => {
  if (!here() || !pairing() || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches?.("input, select, textarea, [role=tab]")) return;
  if (!steps[event.key] && !"1234".includes(event.key)) return;
  event.preventDefault();
  if (event.repeat && !steps[event.key]) return;
  if (steps[event.key]) ask("moved", steps[event.key]);
  else decide(Number(event.key));
});

document.addEventListener("dragover", (event) => here() && event.preventDefault());
document.addEventListener("drop", (event) => {
  if (!here()) return;
  event.preventDefault();
  send(event.dataTransfer?.files ?? []);
});

// While a screening runs its progress is asked for once a second; when it ends, the queue is drawn anew.
function poll() {
  clearTimeout(again);
  if (one("[data-running]")) again = setTimeout(() => trigger("ticked", {}), 1000);
}
document.addEventListener("screen-sent", () => {
  const file = document.querySelector("#screen-sent .file a");
  if (file) {
    document.body.classList.remove("asen-busy");
    return file.click();
  }
  const sent = document.querySelector("#screen-sent .ticked");
  if (!sent || !one(".progress")) return;
  if (one("[data-running]") && !sent.querySelector("[data-running]")) return trigger("moved", {});
  one(".progress").replaceChildren(...[...sent.childNodes].map((n) => n.cloneNode(true)));
  poll();
});
watch("value", () => {
  const screen = one(".screen");
  if (screen.dataset.turn) remember({ case: screen.dataset.case, token: screen.dataset.token });
  const name = one("[name=reviewer]");
  if (name) name.value = memory.reviewer ?? "";
  one('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
  if (focused) one(focused)?.focus();
  poll();
});
