// Two garments compared: go on from the second, or close.
const close = () => {
  document.querySelectorAll('.tile[aria-pressed="true"]').forEach((tile) => tile.setAttribute("aria-pressed", "false"));
  trigger("pair_closed", {});
};
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button?.dataset.do === "close") close();
  if (button?.dataset.do === "detail") trigger("in_detail", { id: button.dataset.id });
  if (button?.dataset.do === "continue") trigger("search_on", { id: button.dataset.id });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && element.querySelector(".pair") && !document.querySelector("dialog[open]")) close();
});
// The sheet lies over the grid: bring the chosen garment out from under it.
watch("value", () => {
  const sheet = element.querySelector(".pair");
  const tile = document.querySelector('.tile[aria-pressed="true"]');
  const hidden = sheet && tile ? tile.getBoundingClientRect().bottom + 8 - sheet.getBoundingClientRect().top : 0;
  const room = tile ? tile.getBoundingClientRect().top - 8 : 0;
  if (hidden > 0 && room > 0) window.scrollBy({ top: Math.min(hidden, room), behavior: "smooth" });
});
