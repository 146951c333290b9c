// Small comforts of the hosted page; everything works without them.
"use strict";

(() => {
  const digitsOf = (text) => text.replace(/\D/g, "");
  const at = (id) => document.getElementById(id);
  const pan = at("pan");
  let sent = false;

  // Card number: the scheme by its leading digits, groups as printed on the card.
  if (pan) {
    const ranges = pan.dataset.prefixes.split(" ").map((range) => range.split("-"));
    const hint = document.querySelector("[data-amex]");
    const back = hint.textContent;
    let known = digitsOf(pan.value);
    const schemeOf = (digits) =>
      (ranges.find(([first, last]) => {
        const head = digits.slice(0, first.length);
        return head.length === first.length && first <= head && head <= last;
      }) || [])[2];
    const grouped = (digits, scheme) => {
      const groups = scheme === "AmEx" ? [4, 6, 5, 4] : [4, 4, 4, 4, 3];
      let from = 0;
      return groups
        .map((size) => digits.slice(from, (from += size)))
        .filter(Boolean)
        .join(" ");
    };
    const show = (event) => {
      const deleted = ((event && event.inputType) || "").startsWith("delete");
      let before = digitsOf(pan.value.slice(0, pan.selectionStart)).length;
      let digits = digitsOf(pan.value).slice(0, 19);
      if (deleted && digits === known) {
        // Only the space between two groups went, and would come back: the digit goes in its place.
        if (event.inputType.endsWith("Backward")) before = Math.max(0, before - 1);
        digits = digits.slice(0, before) + digits.slice(before + 1);
      }
      known = digits;
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
        mark.hidden = mark.dataset.scheme !== (scheme || "");
      }
      for (const badge of document.querySelectorAll("[data-badge]")) {
        badge.classList.toggle("other", Boolean(scheme) && badge.dataset.badge !== scheme);
      }
      hint.textContent = scheme === "AmEx" ? hint.dataset.amex : back;
    };
    pan.addEventListener("input", show);
    show();
    // On the way back the browser fills in what was typed before, after this has run.
    window.addEventListener("pageshow", show);
  }

  // Expiry: the stroke between month and year comes by itself.
  const expiry = at("expiry");
  if (expiry) {
    expiry.addEventListener("input", (event) => {
      if (event.inputType && event.inputType.startsWith("delete")) return;
      const digits = digitsOf(expiry.value);
      if (/^[2-9]$/.test(digits) || /^[1-9]\/$/.test(expiry.value)) expiry.value = `0${digits}/`;
      else if (/^\d{2}$/.test(digits)) expiry.value = `${digits}/`;
      else if (/^\d{3,4}$/.test(digits) && !expiry.value.includes("/")) {
        expiry.value = `${digits.slice(0, 2)}/${digits.slice(2)}`;
      }
    });
  }

  // A full field leads on to the next, for whoever types at its end; not for the browser's own
  // filling in. Who presses Tab out of habit has arrived already.
  const full = {
    pan: (value) => {
      const { scheme } = document.querySelector("[data-scheme]:not([hidden])").dataset;
      const length = { AmEx: 15, VISA: 16, MC: 16 }[scheme] || 19;
      return digitsOf(value).length === length && !problemOf.pan(value);
    },
    expiry: (value) => value.length === 5 && !problemOf.expiry(value, expiry),
  };
  if (pan) at("moves-on").hidden = false;
  for (const [name, next] of [
    ["pan", "expiry"],
    ["expiry", "cvv2"],
  ]) {
    const field = at(name);
    if (!field) continue;
    field.addEventListener("input", (event) => {
      const typed = /^insert(Text|FromPaste)$/.test(event.inputType || "");
      const atEnd = field.selectionStart === field.value.length;
      const to = at(next);
      if (!typed || !atEnd || to.value || !full[name](field.value)) return;
      to.focus();
      const habit = (event) => {
        if (event.key === "Tab" && !event.shiftKey && !to.value) event.preventDefault();
      };
      to.addEventListener("keydown", habit, { once: true });
      to.addEventListener("blur", () => to.removeEventListener("keydown", habit), { once: true });
    });
  }

  // The printed test card of a sandbox fills the form.
  const printed = document.querySelector("[data-fill]");
  if (printed) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.fill = printed.dataset.fill;
    button.append(...printed.childNodes);
    button.querySelector("[hidden]").hidden = false;
    printed.replaceWith(button);
    button.addEventListener("click", () => {
      const values = button.dataset.fill.split("|");
      for (const [place, name] of ["pan", "expiry", "cvv2"].entries()) {
        at(name).value = values[place];
        at(name).dispatchEvent(new Event("input", { bubbles: true }));
      }
      document.querySelector("form.pay button").focus();
    });
  }

  // What is wrong is said when a field is left, by the rules and in the words of the gateway,
  // and taken back as soon as it is right. A field that nobody has typed in may wait.
  const passes = (digits) => {
    const doubled = (digit) => (digit > 4 ? 2 * digit - 9 : 2 * digit);
    const sum = [...digits].reverse().reduce((total, digit, place) => {
      return total + (place % 2 ? doubled(Number(digit)) : Number(digit));
    }, 0);
    return sum % 10 === 0;
  };
  const problemOf = {
    pan: (value) => {
      const digits = value.replace(/[\s-]/g, "");
      if (!digits) return "missing";
      if (!/^[0-9]{12,19}$/.test(digits)) return "length";
      return passes(digits) ? "" : "check_digit";
    },
    expiry: (value, field) => {
      if (!value.trim()) return "missing";
      const found = /^(0[1-9]|1[0-2]|[1-9])\/?(?:20)?([0-9]{2})$/.exec(value.replace(/[\s-]/g, ""));
      if (!found) return "format";
      const month = 200000 + 100 * Number(found[2]) + Number(found[1]);
      return month < Number(field.dataset.month || 0) ? "past" : "";
    },
    cvv2: (value) => {
      if (!value.trim()) return "missing";
      return /^[0-9]{3,4}$/.test(value.trim()) ? "" : "format";
    },
  };
  // A message moves what is below it: never while a finger is on its way down to a button.
  const later = [];
  let pressed = false;
  window.addEventListener("pointerdown", () => (pressed = true), true);
  for (const end of ["pointerup", "pointercancel"]) {
    window.addEventListener(
      end,
      () => {
        pressed = false;
        setTimeout(() => later.splice(0).forEach((check) => check()));
      },
      true,
    );
  }
  for (const [name, judge] of Object.entries(problemOf)) {
    const field = at(name);
    if (!field) continue;
    const note = at(`${name}-note`);
    let typed = false;
    const check = () => {
      if (sent || !typed) return;
      const problem = judge(field.value, field);
      const sentence = problem ? field.dataset[problem] : "";
      if (note.textContent !== sentence) note.textContent = sentence;
      note.classList.toggle("error", Boolean(problem));
      if (problem) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    };
    field.addEventListener("input", () => {
      typed = true;
      if (field.hasAttribute("aria-invalid") && !judge(field.value, field)) check();
    });
    field.addEventListener("blur", () => (pressed ? later.push(check) : check()));
  }

  // A form is sent once. Whoever stopped the loading or came back can send it again, later than the
  // slowest answer comes, which is lost when another is asked for: of several the first is taken.
  const buttons = document.querySelectorAll("[data-once] button");
  const release = () => {
    sent = false;
    for (const button of buttons) {
      button.disabled = false;
      if (button.dataset.label) button.textContent = button.dataset.label;
    }
  };
  for (const form of document.querySelectorAll("[data-once]")) {
    form.addEventListener("submit", () => {
      sent = true;
      for (const button of buttons) button.disabled = true;
      const button = form.querySelector("button");
      if (button.dataset.sending) {
        button.dataset.label = button.textContent;
        button.textContent = button.dataset.sending;
      }
      setTimeout(release, 25000);
    });
  }
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    release();
    const cvv2 = at("cvv2");
    if (cvv2) cvv2.value = "";
  });

  // The last minutes are counted; a screen reader is told of three of them. At the end the page
  // is asked for once more, unless the card is on its way: what counts is the gateway's clock.
  const timer = document.querySelector(".timer");
  if (timer) {
    const { left, lines, over, ended } = timer.dataset;
    const sentences = lines.split("|");
    const end = performance.now() + 1000 * Number(left);
    const minutesLeft = () => Math.ceil((end - performance.now()) / 60000);
    let shown = minutesLeft();
    const say = (sentence, aloud) => {
      timer.hidden = false;
      timer.querySelector("span").textContent = sentence;
      if (aloud) at("time").textContent = sentence;
    };
    const count = () => {
      const minutes = minutesLeft();
      if (minutes <= 0) {
        if (sent) return;
        say(over, true);
        const again = !new URLSearchParams(window.location.search).has("ENDED");
        if (again) setTimeout(() => sent || window.location.replace(ended), 2000);
        return;
      }
      if (minutes !== shown && minutes <= sentences.length) {
        say(sentences[minutes - 1], [5, 2, 1].includes(minutes));
      }
      shown = minutes;
      setTimeout(count, 1000);
    };
    count();
  }

  // The receipt on paper; without script the browser's own menu prints it.
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }

  // What the issuer is told of the browser; the names and the colour depths are EMV 3-D Secure's.
  const depths = [48, 32, 24, 16, 15, 8, 4, 1];
  const facts = {
    JavaEnabled: Boolean(navigator.javaEnabled && navigator.javaEnabled()),
    ColorDepth: depths.find((depth) => depth <= screen.colorDepth) || 1,
    ScreenHeight: Math.round(screen.height),
    ScreenWidth: Math.round(screen.width),
    TZ: new Date().getTimezoneOffset(),
  };
  for (const [name, fact] of Object.entries(facts)) {
    for (const field of document.querySelectorAll(`[name=browser${name}]`)) field.value = fact;
  }

  // On to the shop or to the bank by itself, unless the payer came here by the back button. An
  // outcome is counted down first; whoever touches the page reads it, and goes by the button.
  const automatic = document.querySelector("[data-automatic]");
  const [visit] = performance.getEntriesByType("navigation");
  if (automatic && !(visit && visit.type === "back_forward")) {
    const line = document.querySelector(".count");
    let left = Number(automatic.dataset.automatic);
    if (line) {
      const sentences = line.dataset.lines.split("|");
      line.hidden = false;
      const stop = () => {
        clearInterval(counting);
        line.classList.add("stopped"); // it keeps its place: nothing moves
      };
      const counting = setInterval(() => {
        left -= 1;
        if (left > 0) line.querySelector("[data-count]").textContent = sentences[left - 1];
        else {
          stop();
          automatic.submit();
        }
      }, 1000);
      for (const touch of ["click", "keydown", "wheel", "touchmove"]) {
        window.addEventListener(touch, stop, { capture: true, passive: true });
      }
    } else automatic.submit();
  }
})();
