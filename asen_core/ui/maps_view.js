// What the canvas shows: camera, points, the nearest one to a place. Joined with maps.js, which listens to the person.
const FINEST = 65535, MARGIN = 26, CLOSEST = 60;
const canvas = element.querySelector("canvas");
const pen = canvas.getContext("2d");
const camera = { zoom: 1, x: 0.5, y: 0.5 }; // the place of the map, 0..1, that lies in the middle
let map = null; // { attribute, count, points, numbers, entries } of the attribute shown
let lit = new Set(); // entries chosen in the legend; none: all
let spot = -1; // the garment pointed at
let sprites = { of: null, images: [] };
let waiting = 0;

const scale = () => (Math.min(canvas.clientWidth, canvas.clientHeight) - 2 * MARGIN) * camera.zoom;
const shines = (i) => !lit.size || lit.has(map.numbers[i]);
const radius = () => {
  const room = Math.min(canvas.clientWidth, canvas.clientHeight) / 700;
  return Math.min(9, Math.max(2, 4.2 * Math.sqrt((1320 / Math.max(map.count, 400)) * room)) * camera.zoom ** 0.28);
};

function place(i) {
  const s = scale();
  return {
    x: canvas.clientWidth / 2 + (map.points[2 * i] / FINEST - camera.x) * s,
    y: canvas.clientHeight / 2 + (map.points[2 * i + 1] / FINEST - camera.y) * s,
  };
}

function nearest(x, y, reach) {
  let found = -1, best = reach * reach;
  for (let i = 0; map && i < map.count; i++) {
    if (!shines(i)) continue;
    const p = place(i), away = (p.x - x) ** 2 + (p.y - y) ** 2;
    if (away < best) [found, best] = [i, away];
  }
  return found;
}

function toward(from, dx, dy) {
  // The next garment that way: near, and off the straight line by less than it is ahead.
  const here = place(from);
  let found = -1, best = Infinity;
  for (let i = 0; i < map.count; i++) {
    if (i === from || !shines(i)) continue;
    const p = place(i), ahead = (p.x - here.x) * dx + (p.y - here.y) * dy;
    const aside = Math.abs((p.x - here.x) * dy) + Math.abs((p.y - here.y) * dx);
    if (ahead > 0.5 && aside <= ahead && ahead + 2 * aside < best) [found, best] = [i, ahead + 2 * aside];
  }
  return found;
}

function look(x, y, zoom) {
  // Zoomed out the whole map is in the middle; zoomed in its edge can't be pushed beyond the middle.
  camera.zoom = Math.min(CLOSEST, Math.max(1, zoom));
  const free = camera.zoom > 1 ? 0.5 : 0;
  camera.x = Math.min(0.5 + free, Math.max(0.5 - free, x));
  camera.y = Math.min(0.5 + free, Math.max(0.5 - free, y));
  canvas.style.touchAction = camera.zoom > 1 ? "none" : "pan-y";
  canvas.dataset.zoom = camera.zoom.toFixed(2);
  paint();
}

function zoomAt(x, y, factor) {
  const before = scale(), dx = x - canvas.clientWidth / 2, dy = y - canvas.clientHeight / 2;
  const zoom = Math.min(CLOSEST, Math.max(1, camera.zoom * factor));
  const after = (before / camera.zoom) * zoom;
  look(camera.x + dx / before - dx / after, camera.y + dy / before - dy / after, zoom);
}

function sprite(colour, r, dense, strong) {
  const image = document.createElement("canvas");
  image.width = image.height = Math.ceil(2 * (r + 3) * dense);
  const ink = image.getContext("2d");
  ink.scale(dense, dense);
  ink.beginPath();
  ink.arc(r + 3, r + 3, strong ? r + 1 : r, 0, 7);
  ink.fillStyle = colour;
  ink.fill();
  ink.lineWidth = strong ? 2 : 0.8;
  ink.strokeStyle = getComputedStyle(canvas).getPropertyValue(strong ? "--ink" : "--rim");
  ink.stroke();
  return image;
}

function drawn(r, dense) {
  const of = [map.attribute, r.toFixed(2), dense, document.body.classList.contains("dark")].join();
  if (sprites.of !== of) sprites = { of, images: map.entries.map((entry) => sprite(entry.colour, r, dense, false)) };
  return sprites.images;
}

function show() {
  waiting = 0;
  const dense = window.devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
  if (!w || !h) return;
  if (canvas.width !== Math.round(w * dense) || canvas.height !== Math.round(h * dense)) {
    canvas.width = Math.round(w * dense);
    canvas.height = Math.round(h * dense);
  }
  pen.setTransform(dense, 0, 0, dense, 0, 0);
  pen.clearRect(0, 0, w, h);
  if (!map) return;
  const r = radius(), images = drawn(r, dense), side = 2 * (r + 3);
  for (const bright of lit.size ? [false, true] : [true]) {
    pen.globalAlpha = bright ? 1 : 0.13;
    for (const i of map.order) {
      if (shines(i) !== bright) continue;
      const p = place(i);
      if (p.x > -side && p.y > -side && p.x < w + side && p.y < h + side) pen.drawImage(images[map.numbers[i]], p.x - r - 3, p.y - r - 3, side, side);
    }
  }
  pen.globalAlpha = 1;
  if (spot >= 0) {
    const p = place(spot), large = sprite(map.entries[map.numbers[spot]].colour, r + 1, dense, true), wide = 2 * (r + 4);
    pen.drawImage(large, p.x - r - 4, p.y - r - 4, wide, wide);
  }
  canvas.dataset.drawn = map.attribute;
}

function paint() {
  waiting ||= requestAnimationFrame(show);
}

function unpacked(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Kind(bytes.buffer);
}

function taken(sent) {
  const points = unpacked(sent.points, Uint16Array);
  const count = points.length / 2;
  // Drawn in the order of the gallery the last garments would hide the others; this order is mixed and always the same.
  const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => ((a * 2654435761) >>> 0) - ((b * 2654435761) >>> 0));
  return { ...sent, points, order, count, numbers: unpacked(sent.numbers, Uint8Array) };
}
