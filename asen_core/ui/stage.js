// Runs once for the left side. `element`, `trigger`, `upload` and `watch` come from Gradio; the HTML inside changes, `element` stays.
const LIMIT = 20 * 1024 * 1024;
const clamp = (v) => Math.min(1, Math.max(0, v));
const find = (selector) => element.querySelector(selector);
let drag = null;
let pending = 0;
let stream = null;
let last = null; // the photo that was sent, for which the server may have been too busy

async function send(file) {
  if (!file) return;
  if (file.size > LIMIT) return trigger("photo_refused", { reason: "size" });
  document.body.classList.add("asen-busy");
  try {
    const sent = await upload(file);
    last = { path: sent.path };
    trigger("photo_sent", last);
  } catch {
    trigger("photo_refused", { reason: "upload" });
  }
}

function readFrame() {
  const style = find(".frame").style;
  const [l, t, w, h] = ["left", "top", "width", "height"].map((k) => parseFloat(style[k]) / 100);
  return { x0: l, y0: t, x1: l + w, y1: t + h };
}

function lay(node, box) {
  node.style.left = box.x0 * 100 + "%";
  node.style.top = box.y0 * 100 + "%";
  node.style.width = (box.x1 - box.x0) * 100 + "%";
  node.style.height = (box.y1 - box.y0) * 100 + "%";
}

function commit(box) {
  delete element.dataset.mode;
  document.body.classList.add("asen-busy");
  trigger("box_drawn", box);
}

function moved(box, dx, dy) {
  dx = Math.min(1 - box.x1, Math.max(-box.x0, dx));
  dy = Math.min(1 - box.y1, Math.max(-box.y0, dy));
  return { x0: box.x0 + dx, y0: box.y0 + dy, x1: box.x1 + dx, y1: box.y1 + dy };
}

function spanned(a, b) {
  return { x0: Math.min(a.x, b.x), y0: Math.min(a.y, b.y), x1: Math.max(a.x, b.x), y1: Math.max(a.y, b.y) };
}

function at(event) {
  const area = find(".canvas").getBoundingClientRect();
  return { x: clamp((event.clientX - area.left) / area.width), y: clamp((event.clientY - area.top) / area.height) };
}

element.addEventListener("pointerdown", (event) => {
  if (!event.target.closest(".canvas") || event.button !== 0) return;
  const handle = event.target.closest(".handle")?.dataset.handle;
  const drawing = element.dataset.mode === "draw";
  if (!handle && !drawing && event.pointerType !== "mouse") return;
  const box = readFrame();
  const start = at(event);
  if (handle) {
    const corner = { x: handle.includes("w") ? box.x1 : box.x0, y: handle.includes("n") ? box.y1 : box.y0 };
    drag = { next: (p) => spanned(corner, p), node: find(".frame") };
  } else if (!drawing && event.target.closest(".frame")) {
    drag = { next: (p) => moved(box, p.x - start.x, p.y - start.y), node: find(".frame") };
  } else {
    drag = { next: (p) => spanned(start, p), node: find(".draft") };
  }
  Object.assign(drag, { before: box, box: null });
  find(".canvas").setPointerCapture(event.pointerId);
  event.preventDefault();
});

element.addEventListener("pointermove", (event) => {
  if (!drag) return;
  drag.box = drag.next(at(event));
  lay(drag.node, drag.box);
  drag.node.classList.add("live");
});

function drop(keep) {
  if (!drag) return;
  const { box, before, node } = drag;
  drag = null;
  node.classList.remove("live");
  const large = box && box.x1 - box.x0 >= 0.02 && box.y1 - box.y0 >= 0.02;
  if (keep && large) {
    lay(find(".frame"), box);
    commit(box);
  } else {
    lay(find(".frame"), before);
  }
}
element.addEventListener("pointerup", () => drop(true));
element.addEventListener("pointercancel", () => drop(false));

element.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!step || !event.target.closest(".frame")) return;
  event.preventDefault();
  const [dx, dy] = step.map((v) => v * 0.01);
  const box = readFrame();
  const next = event.shiftKey
    ? { ...box, x1: clamp(Math.max(box.x0 + 0.02, box.x1 + dx)), y1: clamp(Math.max(box.y0 + 0.02, box.y1 + dy)) }
    : moved(box, dx, dy);
  lay(find(".frame"), next);
  clearTimeout(pending);
  pending = setTimeout(() => commit(next), 350);
});

element.addEventListener("input", (event) => {
  if (event.target.type === "range") element.style.setProperty("--heat", event.target.value / 100);
});

element.addEventListener("change", (event) => {
  if (event.target.matches(".file")) {
    send(event.target.files[0]);
    event.target.value = "";
  } else if (event.target.matches(".corner")) {
    const box = {};
    for (const field of element.querySelectorAll(".corner")) box[field.dataset.corner] = field.valueAsNumber / 100;
    commit(box);
  }
});

async function camera() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } });
  } catch {
    return trigger("photo_refused", { reason: "camera" });
  }
  find("video").srcObject = stream;
  find("dialog").showModal();
}

function leave() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  find("dialog").close();
}

function shoot() {
  const video = find("video");
  const still = document.createElement("canvas");
  still.width = video.videoWidth;
  still.height = video.videoHeight;
  still.getContext("2d").drawImage(video, 0, 0);
  leave();
  still.toBlob((blob) => blob && send(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.95);
}

async function paste() {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((t) => t.startsWith("image/"));
      if (type) return send(new File([await item.getType(type)], "pasted.png", { type }));
    }
  } catch {}
  trigger("photo_refused", { reason: "paste" });
}

const actions = {
  choose: () => find(".file").click(),
  camera,
  shoot,
  leave,
  paste,
  reset: () => trigger("box_reset", {}),
  draw: (button) => {
    if (element.dataset.mode) delete element.dataset.mode;
    else element.dataset.mode = "draw";
  },
  numbers: (button) => {
    element.dataset.numbers = element.dataset.numbers === "open" ? "" : "open";
    button.setAttribute("aria-expanded", element.dataset.numbers === "open");
  },
};
element.addEventListener("click", (event) => {
  const sample = event.target.closest("[data-sample]");
  if (sample) return trigger("sample_chosen", { index: Number(sample.dataset.sample) });
  const button = event.target.closest("[data-do]");
  if (button) actions[button.dataset.do]?.(button);
});
element.addEventListener("cancel", leave, true);

document.addEventListener("try-again", () => {
  if (!last) return;
  document.body.classList.add("asen-busy");
  trigger("photo_sent", last);
});

const here = () => element.offsetParent !== null; // not while another tab is shown
document.addEventListener("paste", (event) => {
  if (!here()) return;
  const file = [...(event.clipboardData?.files ?? [])].find((f) => f.type.startsWith("image/"));
  if (file) {
    event.preventDefault();
    send(file);
  }
});
document.addEventListener("dragover", (event) => {
  event.preventDefault(); // in any tab: a photo that is dropped beside shall not replace the page
  if (!here()) return;
  element.dataset.over = "yes";
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) delete element.dataset.over;
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  delete element.dataset.over;
  if (here()) send(event.dataTransfer?.files?.[0]);
});
