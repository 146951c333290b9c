// Small comforts of the hosted page; everything works without them.
"use strict";

(() => {
  const digitsOf = (text) => text.replace(/\D/g, "");

  // Card number: the scheme by its leading digits, groups as printed on the card.
  const pan = document.getElementById("pan");
  if (pan) {
    const ranges = pan.dataset.prefixes.split(" ").map((range) => range.split("-"));
    const schemeOf = (digits) =>
      (ranges.find(([first, last]) => {
        const head = digits.slice(0, first.length);
        return head.length === first.length && first <= head && head <= last;
      }) || [])[2];
    const grouped = (digits, scheme) => {
      const groups = scheme === "AmEx" ? [4, 6, 5, 4] : [4, 4, 4, 4, 3];
      let at = 0;
      return groups
        .map((size) => digits.slice(at, (at += size)))
        .filter(Boolean)
        .join(" ");
    };
    const show = () => {
      const before = digitsOf(pan.value.slice(0, pan.selectionStart)).length;
      const digits = digitsOf(pan.value).slice(0, 19);
      const scheme = schemeOf(digits);
      const text = grouped(digits, scheme);
      if (text !== pan.value) {
        const atEnd = pan.selectionStart === pan.value.length;
        pan.value = text;
        let caret = 0;
        for (let seen = 0; caret < text.length && seen < before; caret += 1) {
          if (text[caret] !== " ") seen += 1;
        }
        if (document.activeElement === pan) {
          const to = atEnd ? text.length : caret;
          pan.setSelectionRange(to, to);
        }
      }
      for (const mark of document.querySelectorAll("[data-scheme]")) {
        mark.hidden = mark.dataset.scheme !== scheme;
      }
    };
    pan.addEventListener("input", show);
    show();
  }

  // Expiry: the stroke between month and year comes by itself.
  const expiry = document.getElementById("expiry");
  if (expiry) {
    expiry.addEventListener("input", (event) => {
      if (event.inputType && event.inputType.startsWith("delete")) return;
      const digits = digitsOf(expiry.value);
      if (/^[2-9]$/.test(digits)) expiry.value = `0${digits}/`;
      else if (/^\d{2}$/.test(digits)) expiry.value = `${digits}/`;
      else if (/^\d{3,4}$/.test(digits) && !expiry.value.includes("/")) {
        expiry.value = `${digits.slice(0, 2)}/${digits.slice(2)}`;
      }
    });
  }

  // A form is sent once. Whoever stopped the loading or came back can send it again: the gateway
  // takes an order's card once, however often it is asked.
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
      setTimeout(release, 10000);
    });
  }
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    release();
    const cvv2 = document.getElementById("cvv2");
    if (cvv2) cvv2.value = "";
  });

  // Back to the shop by itself, unless the payer came here by the back button.
  const automatic = document.querySelector("[data-automatic]");
  const [visit] = performance.getEntriesByType("navigation");
  if (automatic && !(visit && visit.type === "back_forward")) automatic.submit();
})();
