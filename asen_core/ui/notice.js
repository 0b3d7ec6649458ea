// Every answer of the server renews the notice, so this is also where waiting ends; only a place in line is no answer yet.
// What went well needs no click to go.
const READ = 8000;
let read = 0;
watch("value", () => {
  document.body.classList.toggle("asen-busy", props.value.includes('class="notice queued"'));
  delete element.dataset.gone;
  clearTimeout(read);
  if (props.value.includes('class="notice good"')) read = setTimeout(() => (element.dataset.gone = "yes"), READ);
});
element.addEventListener("click", (event) => {
  const again = event.target.closest('[data-do="again"]');
  if (again || event.target.closest('[data-do="dismiss"]')) element.dataset.gone = "yes";
  if (again) document.dispatchEvent(new Event("try-again"));
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
// A picture that is gone or damaged leaves a mark in its place, not the browser's torn one.
document.addEventListener("error", ({ target }) => target.matches?.(".pic img") && (target.dataset.lost = "yes"), true);
for (const img of document.querySelectorAll(".pic img")) if (img.complete && !img.naturalWidth) img.dataset.lost = "yes";
document.addEventListener("load", ({ target }) => target.matches?.(".pic img[data-lost]") && delete target.dataset.lost, true);
