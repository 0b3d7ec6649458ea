// The gallery in use and others: the server draws the tab; this sends files, asks how far a run is, and says what was clicked.
const LIMIT = 200 * 1024 * 1024;
const AT_ONCE = 3;
const one = (selector) => element.querySelector(selector);
const here = () => element.offsetParent !== null;
const busy = () => document.body.classList.add("asen-busy");
let seen = false;
let sending = false;
let again = 0;
let typed = {};

// Brought up to date whenever the tab is opened.
new ResizeObserver(() => {
  if (here() && !seen && !sending) trigger("arrived", {});
  seen = here();
}).observe(element);

async function send(files) {
  const given = [...files];
  if (!given.length || sending || !one(".own .drop")) return;
  const large = given.find((file) => file.size > LIMIT);
  if (large) {
    one(".own .problem")?.remove();
    one(".sending").textContent = `${large.name} is larger than ${LIMIT / 1024 / 1024} MB; send its photos in several zips.`;
    return;
  }
  sending = true;
  const paths = [];
  const todo = given.entries();
  const say = () => (one(".sending").textContent = `Sending: ${paths.filter(Boolean).length} of ${given.length}`);
  say();
  try {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (const [i, file] of todo) {
          paths[i] = (await upload(file)).path;
          say();
        }
      })
    );
    trigger("photos_given", { paths });
  } catch {
    one(".sending").textContent = "The files did not all reach the server; try again, perhaps with fewer at once.";
  }
  sending = false;
}

const actions = {
  choose: () => one(".own .file").click(),
  use: (gallery) => (busy(), trigger("used", { gallery })),
  remove: () => (busy(), trigger("removed", {})),
  stop: (what) => trigger("stopped", { what }),
};
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) actions[button.dataset.do]?.(button.dataset.value);
});
element.addEventListener("change", (event) => {
  if (!event.target.matches(".file")) return;
  send(event.target.files);
  event.target.value = "";
});
element.addEventListener("input", (event) => event.target.form?.matches(".bring") && (typed[event.target.name] = event.target.value));
element.addEventListener("submit", (event) => {
  event.preventDefault();
  trigger("folder_given", Object.fromEntries(new FormData(event.target)));
});
document.addEventListener("dragover", (event) => here() && event.preventDefault());
document.addEventListener("drop", (event) => {
  if (!here()) return;
  event.preventDefault();
  send(event.dataTransfer?.files ?? []);
});

// While a gallery is made its progress is asked for once a second; when that ends, the tab is drawn anew.
function poll() {
  clearTimeout(again);
  if (one("[data-running]")) again = setTimeout(() => trigger("ticked", {}), 1000);
}
document.addEventListener("gallery-sent", () => {
  const sent = document.querySelector("#gallery-sent .ticked");
  const running = [...element.querySelectorAll("[data-running]")].map((node) => node.dataset.running);
  for (const what of running) {
    const part = sent?.querySelector(`[data-of="${what}"]`);
    const place = one(`[data-running="${what}"]`).closest(".progress");
    if (!part) continue;
    if (!part.querySelector("[data-running]")) {
      document.dispatchEvent(new Event("gallery-made"));
      return trigger("arrived", {});
    }
    const held = place.contains(document.activeElement);
    place.replaceChildren(...[...part.childNodes].map((node) => node.cloneNode(true)));
    if (held) place.querySelector("button")?.focus();
  }
  poll();
});
watch("value", () => {
  for (const field of element.querySelectorAll(".bring input")) field.value = typed[field.name] ?? "";
  poll();
});
