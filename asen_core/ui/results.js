// The grid of garments: one click or Enter chooses, arrow keys walk; a tile's own button compares it in detail.
element.addEventListener("click", (event) => {
  const detail = event.target.closest("[data-do='detail']");
  if (detail) return trigger("in_detail", { id: detail.dataset.id });
  if (event.target.closest("[data-do='save']")) {
    const asked = element.querySelectorAll(".found b")[1]?.textContent ?? "";
    const name = prompt("Save this search, to be told when something closer appears. Its name:", asked)?.trim();
    return name ? trigger("search_saved", { name }) : undefined;
  }
  const tile = event.target.closest(".tile");
  if (!tile) return;
  for (const other of element.querySelectorAll(".tile")) other.setAttribute("aria-pressed", other === tile);
  // Without a photo it becomes the photo, for which the model has to run.
  trigger(document.querySelector("#stage img.photo") ? "tile_chosen" : "tile_begun", { id: tile.dataset.id });
});

element.addEventListener("keydown", (event) => {
  const tile = event.target.closest(".tile");
  if (!tile || !event.key.startsWith("Arrow")) return;
  const tiles = [...element.querySelectorAll(".tile")];
  const columns = tiles.filter((t) => t.getBoundingClientRect().top === tiles[0].getBoundingClientRect().top).length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  const next = tiles[tiles.indexOf(tile) + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
});
