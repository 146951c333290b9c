// Small comforts of the challenge; everything works without them.
"use strict";

(() => {
  // A form is sent once; whoever stopped the loading or came back can send it again, and a form
  // that was sent before does nothing again.
  const buttons = document.querySelectorAll("[data-once] button");
  const release = () => {
    for (const button of buttons) {
      button.disabled = false;
      if (button.dataset.label) button.textContent = button.dataset.label;
    }
  };
  for (const form of document.querySelectorAll("[data-once]")) {
    form.addEventListener("submit", () => {
      for (const button of buttons) button.disabled = true;
      const button = form.querySelector("button");
      if (button.dataset.sending) {
        button.dataset.label = button.textContent;
        button.textContent = button.dataset.sending;
      }
      setTimeout(release, 15000);
    });
  }
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) release();
  });

  // On by itself, unless the cardholder came here by the back button.
  const automatic = document.querySelector("[data-automatic]");
  const [visit] = performance.getEntriesByType("navigation");
  if (automatic && !(visit && visit.type === "back_forward")) automatic.submit();
})();
