"use strict";
// Gathers what the listener ticks and saves it as answers.json; works without a server and sends nothing.
const form = document.querySelector("form");
const clips = [...document.querySelectorAll("[data-clip]")].map((card) => card.dataset.clip);
let unsaved = false;

function answers() {
  const given = new FormData(form);
  return clips.map((clip) => ({
    clip,
    told: given.get(`told-${clip}`),
    quality: Number(given.get(`quality-${clip}`)) || null,
  }));
}

function count() {
  const done = answers().filter((answer) => answer.told !== null).length;
  document.querySelector("output").textContent = `${done} of ${clips.length} answered`;
}

form.addEventListener("change", () => {
  unsaved = true;
  count();
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { test, kind } = form.dataset;
  const listener = form.elements.listener.value.trim();
  const saved = { schema: 1, test, kind, listener, saved: new Date().toISOString(), answers: answers() };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(saved, null, 2) + "\n"], { type: "application/json" }));
  link.download = "answers.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  unsaved = false;
});

// one sound at a time
document.addEventListener("play", (event) => {
  for (const sound of document.querySelectorAll("audio")) if (sound !== event.target) sound.pause();
}, true);

window.addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});

count();
