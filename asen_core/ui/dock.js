// Two garments compared: go on from the second, or close.
const close = () => {
  document.querySelectorAll('.tile[aria-pressed="true"]').forEach((tile) => tile.setAttribute("aria-pressed", "false"));
  trigger("pair_closed", {});
};
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button?.dataset.do === "close") close();
  if (button?.dataset.do === "continue") trigger("search_on", { id: button.dataset.id });
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && element.querySelector(".pair") && !document.querySelector("dialog[open]")) close();
});
