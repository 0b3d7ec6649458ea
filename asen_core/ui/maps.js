// What the person does with the map: attribute, legend, pointing, zooming, searching. Drawing is in maps_view.js.
const part = (selector) => element.querySelector(selector);
const card = part(".spot"), problem = part(".problem"), key = part(".key");
let pictures = JSON.parse(part(".atlas").dataset.pictures);
const kept = new Map(); // attribute -> map, so that each travels once
const fingers = new Map();
let wanted = "";
let press = null; // the pointer that went down: where, whether it has moved, and the spread of two fingers

const picture = (i) =>
  pictures.folder + "/" + pictures.files[i].split("/").map(encodeURIComponent).join("/");

function point(i, touch) {
  spot = i;
  canvas.style.cursor = i >= 0 ? "pointer" : "";
  card.hidden = i < 0;
  paint();
  if (i < 0) return void delete card.dataset.index;
  if (card.dataset.index !== String(i) || card.dataset.of !== map.attribute) {
    const entry = map.entries[map.numbers[i]];
    const img = Object.assign(new Image(), { src: picture(i), alt: `Garment ${i + 1}, ${entry.name}`, draggable: false });
    const name = Object.assign(document.createElement("b"), { textContent: entry.name });
    const go = Object.assign(document.createElement("button"), { type: "button", className: "plain strong", textContent: "Search from it" });
    go.dataset.do = "search";
    const hint = Object.assign(document.createElement("small"), { textContent: "Click to search from it" });
    card.replaceChildren(img, name, hint, go);
    Object.assign(card.dataset, { index: i, of: map.attribute });
  }
  card.dataset.touch = touch ? "yes" : "";
  settle();
}

function settle() {
  // Beside the point, on the side where there is room.
  if (spot < 0) return;
  const p = place(spot), w = canvas.clientWidth, h = canvas.clientHeight, wide = card.offsetWidth, high = card.offsetHeight;
  const left = p.x + 16 + wide < w ? p.x + 16 : p.x - 16 - wide;
  card.style.left = Math.min(w - wide - 4, Math.max(4, left)) + "px";
  card.style.top = Math.min(h - high - 4, Math.max(4, p.y - high / 2)) + "px";
}

function want(attribute) {
  wanted = attribute;
  part(".what").textContent = part(`input[value="${CSS.escape(attribute)}"]`).nextElementSibling.textContent.toLowerCase();
  point(-1);
  if (kept.has(attribute)) return turnTo(kept.get(attribute));
  document.body.classList.add("asen-busy");
  trigger("map_wanted", { attribute });
}

function turnTo(next) {
  map = next.problem ? null : next;
  lit = new Set();
  problem.hidden = !next.problem;
  problem.textContent = next.problem ?? "";
  key.replaceChildren(...(next.entries ?? []).map(line));
  look(0.5, 0.5, 1);
}

function line(entry, number) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "value" });
  button.dataset.number = number;
  button.setAttribute("aria-pressed", "false");
  const dot = document.createElement("i");
  dot.style.background = entry.colour;
  const name = Object.assign(document.createElement("span"), { textContent: entry.name });
  button.append(dot, name, Object.assign(document.createElement("small"), { textContent: entry.count.toLocaleString("en") }));
  return button;
}

function dim(button) {
  const number = Number(button.dataset.number);
  if (!lit.delete(number)) lit.add(number);
  if (lit.size === map.entries.length) lit.clear();
  for (const other of key.children) other.setAttribute("aria-pressed", String(lit.has(Number(other.dataset.number))));
  key.dataset.some = lit.size ? "yes" : "";
  if (spot >= 0 && !shines(spot)) point(-1);
  paint();
}

function search(i) {
  if (i < 0 || !map) return;
  document.body.classList.add("asen-busy");
  trigger("garment_chosen", { index: i, attribute: map.attribute });
}

const at = (event) => ({ x: event.clientX - canvas.getBoundingClientRect().left, y: event.clientY - canvas.getBoundingClientRect().top });

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !map) return;
  fingers.set(event.pointerId, at(event));
  canvas.setPointerCapture(event.pointerId);
  press = { ...at(event), camera: { ...camera }, moved: fingers.size > 1, spread: 0 };
});
canvas.addEventListener("pointermove", (event) => {
  const here = at(event);
  if (!map) return;
  if (!fingers.has(event.pointerId)) {
    if (event.pointerType === "mouse") point(nearest(here.x, here.y, Math.max(10, radius() + 3)));
    return;
  }
  fingers.set(event.pointerId, here);
  if (fingers.size === 2) return pinch([...fingers.values()]);
  if (!press.moved && Math.hypot(here.x - press.x, here.y - press.y) < 5) return;
  press.moved = true;
  point(-1);
  look(press.camera.x - (here.x - press.x) / scale(), press.camera.y - (here.y - press.y) / scale(), camera.zoom);
});

function pinch([a, b]) {
  const spread = Math.hypot(a.x - b.x, a.y - b.y);
  press.moved = true;
  if (press.spread) zoomAt((a.x + b.x) / 2, (a.y + b.y) / 2, spread / press.spread);
  press.spread = spread;
  point(-1);
}

function lift(event, counts) {
  if (!fingers.delete(event.pointerId)) return;
  const here = at(event);
  const tapped = counts && !press.moved && !fingers.size;
  // The finger that stays on after a pinch drags on from where it is.
  for (const left of fingers.values()) press = { ...left, camera: { ...camera }, moved: true, spread: 0 };
  if (!tapped) return;
  if (event.pointerType === "mouse") return search(nearest(here.x, here.y, Math.max(10, radius() + 3)));
  const found = nearest(here.x, here.y, 24);
  if (found >= 0 && found === spot) search(found);
  else point(found, true);
}
canvas.addEventListener("pointerup", (event) => lift(event, true));
canvas.addEventListener("pointercancel", (event) => lift(event, false));
canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && !fingers.size && point(-1));

canvas.addEventListener(
  "wheel",
  (event) => {
    if (!map || (camera.zoom === 1 && event.deltaY > 0)) return; // nothing left to zoom out of: the page scrolls
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 30 : 1);
    zoomAt(at(event).x, at(event).y, Math.exp(Math.min(240, Math.max(-240, -pixels)) * 0.0022));
    settle();
  },
  { passive: false },
);

function walk(dx, dy) {
  const start = spot < 0 ? nearest(canvas.clientWidth / 2, canvas.clientHeight / 2, Infinity) : toward(spot, dx, dy);
  if (start < 0) return;
  const p = place(start);
  const off = p.x < 20 || p.y < 20 || p.x > canvas.clientWidth - 20 || p.y > canvas.clientHeight - 20;
  if (off) look(map.points[2 * start] / FINEST, map.points[2 * start + 1] / FINEST, camera.zoom);
  point(start);
}

const centred = (factor) => {
  const p = spot >= 0 ? place(spot) : { x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 };
  zoomAt(p.x, p.y, factor);
  settle();
};
const keys = {
  ArrowLeft: () => walk(-1, 0),
  ArrowRight: () => walk(1, 0),
  ArrowUp: () => walk(0, -1),
  ArrowDown: () => walk(0, 1),
  "+": () => centred(1.5),
  "=": () => centred(1.5),
  "-": () => centred(1 / 1.5),
  0: () => look(0.5, 0.5, 1),
  Enter: () => search(spot),
  Escape: () => point(-1),
};
canvas.addEventListener("keydown", (event) => {
  if (!map || !keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  keys[event.key]();
});

const actions = {
  in: () => centred(1.6),
  out: () => centred(1 / 1.6),
  all: () => (point(-1), look(0.5, 0.5, 1)),
  search: () => search(spot),
};
element.addEventListener("click", (event) => {
  const value = event.target.closest(".value");
  if (value) return dim(value);
  const button = event.target.closest("[data-do]");
  if (button && map) actions[button.dataset.do]?.();
});
element.addEventListener("change", (event) => event.target.name === "map-attribute" && want(event.target.value));

// Another gallery is searched from now on: its maps take the place of those that are here.
function another(gallery) {
  pictures = JSON.parse(gallery.pictures);
  canvas.setAttribute("aria-label", gallery.spoken);
  kept.clear();
  point(-1);
  [map, wanted] = [null, ""];
  key.replaceChildren();
  paint();
  if (canvas.clientWidth) open();
}

document.addEventListener("map-sent", () => {
  const gallery = document.querySelector("#map-sent [data-pictures]");
  if (gallery) return another(gallery.dataset);
  const sent = document.querySelector("#map-sent [data-map]")?.dataset.map;
  if (!sent) return;
  document.body.classList.remove("asen-busy");
  const content = JSON.parse(sent);
  const next = content.problem ? content : taken(content);
  kept.set(content.attribute, next);
  if (content.attribute === wanted) turnTo(next);
});

// The canvas has no size while its tab is hidden; the first time that it has one, its first map is fetched.
function open() {
  const order = [...document.querySelectorAll("#attribute label")].findIndex((label) => label.classList.contains("selected"));
  const pill = element.querySelectorAll("input[type=radio]")[Math.max(0, order)];
  pill.checked = true;
  want(pill.value);
}
new ResizeObserver(() => {
  if (!canvas.clientWidth) return;
  if (!wanted) open();
  point(-1);
  show();
}).observe(canvas);
new MutationObserver(paint).observe(document.body, { attributes: true, attributeFilter: ["class"] });
