// Every answer of the server renews the notice, so this is also where waiting ends. What went well needs no click to go.
const READ = 8000;
let read = 0;
watch("value", () => {
  document.body.classList.remove("asen-busy");
  delete element.dataset.gone;
  clearTimeout(read);
  if (props.value.includes('class="notice good"')) read = setTimeout(() => (element.dataset.gone = "yes"), READ);
});
element.addEventListener("click", (event) => {
  if (event.target.closest('[data-do="dismiss"]')) element.dataset.gone = "yes";
});
// Gradio gives each pill a radio group of its own, so the arrow keys that walk along a row have to be added.
document.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  const row = event.target.matches?.("input[type=radio]") && event.target.closest("fieldset");
  if (!step || !row) return;
  event.preventDefault();
  const pills = [...row.querySelectorAll("input[type=radio]")];
  const next = pills[(pills.indexOf(event.target) + step + pills.length) % pills.length];
  next.focus();
  next.click();
});
// The waiting line starts only where an answer will follow, and gives up by itself should one get lost.
const asks = {
  click: ".tile, .sample, [data-do='continue'], [data-do='detail'], [data-do='reset']",
  input: "#attribute input, #count input, #first input, #options input[type='range']",
};
let lost = 0;
for (const [kind, places] of Object.entries(asks)) {
  document.addEventListener(kind, (event) => {
    if (!event.target.closest?.(places)) return;
    document.body.classList.add("asen-busy");
    clearTimeout(lost);
    lost = setTimeout(() => document.body.classList.remove("asen-busy"), 15000);
  });
}
