// Saved searches: the server draws them; this asks for the list when it comes into sight, and says what was clicked.
const busy = () => document.body.classList.add("asen-busy");
let seen = false;

new ResizeObserver(() => {
  const here = element.offsetParent !== null;
  if (here && !seen) trigger("arrived", {});
  seen = here;
}).observe(element);

document.addEventListener("gallery-made", () => seen && trigger("arrived", {})); // what is new was looked for then

element.addEventListener("click", (event) => {
  const tile = event.target.closest(".tile");
  const button = event.target.closest("[data-do]");
  if (tile) {
    busy();
    scrollTo({ top: 0 });
    trigger("garment_chosen", { id: tile.dataset.id, attribute: tile.dataset.attribute });
  } else if (button?.dataset.do === "check") {
    busy();
    trigger("checked", {});
  } else if (button?.dataset.do === "remove" && confirm(`Forget the saved search “${button.dataset.name}”?`)) {
    busy();
    trigger("removed", { name: button.dataset.name });
  }
});
