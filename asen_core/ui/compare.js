// Two designs side by side. The server sends all heat maps and places at once: choosing an attribute or a view needs no server.
const LIMIT = 20 * 1024 * 1024;
const all = (selector, within = element) => [...within.querySelectorAll(selector)];
const one = (selector) => element.querySelector(selector);
let chosen = ""; // the attribute that the person picked
let views = [null, null]; // the view of each side that the person picked for it
let unfolded = false;
let later = 0;

const busy = () => document.body.classList.add("asen-busy");

function paint() {
  const rows = all("tr[data-attribute]");
  const row = rows.find((r) => r.dataset.attribute === chosen) ?? rows.find((r) => r.classList.contains("chosen"));
  for (const other of rows) {
    other.classList.toggle("chosen", other === row);
    other.querySelector("button").setAttribute("aria-pressed", other === row);
  }
  const shots = row?.dataset.shots.split(",").map(Number) ?? [0, 0];
  for (const side of all(".side")) show(side, row, shots[side.dataset.side]);
  const range = one(".verdict .opacity input");
  if (range) range.value = parseFloat(element.style.getPropertyValue("--heat") || "0.7") * 100;
  const folded = one(".weights");
  if (folded) folded.open = unfolded;
}

function show(side, row, closest) {
  const photos = JSON.parse(side.dataset.photos);
  if (!photos.length) return;
  const number = Math.min(views[side.dataset.side] ?? closest, photos.length - 1);
  const photo = photos[number];
  const attribute = row?.dataset.attribute ?? Object.keys(photo.heats)[0];
  const canvas = side.querySelector(".canvas");
  canvas.style.setProperty("--ratio", photo.ratio);
  Object.assign(canvas.querySelector(".photo"), { src: photo.src, alt: photo.name });
  const name = row?.querySelector("button").textContent.toLowerCase();
  Object.assign(canvas.querySelector(".heat"), { src: photo.heats[attribute], ...(name && { alt: `Heat map: where the model looks for ${name}` }) });
  canvas.querySelector(".frame").style.cssText = photo.places[attribute];
  side.querySelector(".whose").textContent = photos.length > 1 ? `View ${number + 1} of ${photos.length}: ${photo.name}` : photo.name;
  for (const thumb of all("[data-view]", side)) thumb.setAttribute("aria-pressed", Number(thumb.dataset.view) === number);
}

async function send(side, files) {
  const given = [...files];
  if (!given.length) return;
  if (given.some((file) => file.size > LIMIT)) return trigger("photo_refused", { reason: "size" });
  busy();
  try {
    const sent = await Promise.all(given.map((file) => upload(file)));
    trigger("photos_sent", { side, paths: sent.map((s) => s.path) });
  } catch {
    trigger("photo_refused", { reason: "upload" });
  }
}

function weigh() {
  const weights = {};
  for (const slider of all("[data-weight]")) weights[slider.dataset.weight] = slider.valueAsNumber;
  clearTimeout(later);
  later = setTimeout(() => trigger("weighed", { weights }), 120);
}

element.addEventListener("input", (event) => {
  if (event.target.matches(".opacity input")) element.style.setProperty("--heat", event.target.value / 100);
  if (!event.target.matches("[data-weight]")) return;
  event.target.nextElementSibling.value = event.target.value;
  weigh();
});

element.addEventListener("change", (event) => {
  if (!event.target.matches(".file")) return;
  send(Number(event.target.closest(".side").dataset.side), event.target.files);
  event.target.value = "";
});

element.addEventListener("toggle", (event) => event.target.matches(".weights") && (unfolded = event.target.open), true);

const actions = {
  choose: (side) => side.querySelector(".file").click(),
  clear: (side) => {
    views[side.dataset.side] = null;
    busy();
    trigger("side_cleared", { side: Number(side.dataset.side) });
  },
  explain: (_, button) => {
    const row = one("tr.chosen");
    busy();
    Object.assign(button, { disabled: true, textContent: "Explaining…" });
    trigger("why_wanted", { attribute: row.dataset.attribute });
  },
  pack: (_, button) => {
    busy();
    Object.assign(button, { disabled: true, textContent: "Packing…" });
    trigger("pack_wanted", {});
  },
  even: () => {
    for (const slider of all("[data-weight]")) slider.nextElementSibling.value = slider.value = 1;
    weigh();
  },
};
element.addEventListener("click", (event) => {
  const side = event.target.closest(".side");
  const number = side && Number(side.dataset.side);
  const row = event.target.closest("tr[data-attribute]");
  const view = event.target.closest("[data-view]");
  const away = event.target.closest("[data-remove]");
  const sample = event.target.closest("[data-sample]");
  const button = event.target.closest("[data-do]");
  if (row) {
    chosen = row.dataset.attribute;
    views = [null, null];
    return paint();
  }
  if (view) {
    views[number] = Number(view.dataset.view);
    return paint();
  }
  if (away) {
    views[number] = null;
    busy();
    return trigger("photo_removed", { side: number, index: Number(away.dataset.remove) });
  }
  if (sample) return trigger("sample_chosen", { side: number, index: Number(sample.dataset.sample) });
  if (button) actions[button.dataset.do]?.(side, button);
});

// Arrow keys walk along the attributes.
element.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const row = step && event.target.closest("tr[data-attribute]");
  if (!row) return;
  event.preventDefault();
  const rows = all("tr[data-attribute]");
  const next = rows[rows.indexOf(row) + step]?.querySelector("button");
  next?.focus();
  next?.click();
});

// Photos may be dropped or pasted anywhere: onto a side, else they go to the first empty one.
const target = (event) => event.target.closest?.("#compare .side") ?? one('.side[data-count="0"]') ?? one(".side");
const here = () => element.offsetParent !== null;
document.addEventListener("dragover", (event) => {
  if (!here()) return;
  event.preventDefault();
  for (const side of all(".side")) side.toggleAttribute("data-over", side === target(event));
});
const calm = () => all("[data-over]").forEach((side) => side.removeAttribute("data-over"));
document.addEventListener("dragleave", (event) => event.relatedTarget || calm());
document.addEventListener("drop", (event) => {
  if (!here()) return;
  event.preventDefault();
  calm();
  send(Number(target(event).dataset.side), event.dataTransfer?.files ?? []);
});
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])].filter((f) => f.type.startsWith("image/"));
  if (!here() || !files.length) return;
  event.preventDefault();
  send(Number((one('.side[data-count="0"]') ?? one(".side")).dataset.side), files);
});

// Parts that come one by one, so that nothing else moves.
function taken(name) {
  const sent = document.querySelector(`#overall-sent > * > [data-part="${name}"], #overall-sent [data-part="${name}"]`);
  return sent ? [...sent.childNodes].map((node) => node.cloneNode(true)) : null;
}
function ready(action, text) {
  const button = one(`[data-do="${action}"]`);
  if (button) Object.assign(button, { disabled: false, textContent: text });
}
document.addEventListener("overall-sent", () => {
  for (const [name, place] of [["mean", ".mean"], ["why", ".why"]]) {
    const part = taken(name);
    if (part && one(place)) one(place).replaceChildren(...part);
  }
  const file = taken("pack")?.[0];
  if (file) file.click();
  ready("explain", "Explain");
  ready("pack", "Evidence pack");
});
watch("value", paint);
