// The method page: the issuer looks at the browser in a hidden frame, then the payment goes on.
// Nothing is sent again when the payer comes back to this page; the button is there for that.
"use strict";

(() => {
  // EMV 3-D Secure gives an issuer ten seconds; after them it was not asked.
  const WAIT_MS = 10000;
  const [visit] = performance.getEntriesByType("navigation");
  if (visit && visit.type === "back_forward") return;

  const frame = document.querySelector("iframe[name=method]");
  const onward = document.querySelector('form[action="/authenticate"]');
  let gone = false;
  const go = (completed) => {
    if (gone) return;
    gone = true;
    onward.elements.completed.value = completed;
    onward.submit();
  };
  onward.addEventListener("submit", () => (gone = true));
  window.addEventListener("message", (event) => {
    const ours = event.origin === window.location.origin && event.source === frame.contentWindow;
    if (ours && event.data === "threeds-method") go("Y");
  });
  setTimeout(go, WAIT_MS, "N");
  document.querySelector("form.issuer").submit();
})();
