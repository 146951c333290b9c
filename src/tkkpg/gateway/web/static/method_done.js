// Inside the hidden frame: the issuer's method page came back to us, and our own page is told so.
"use strict";

window.parent.postMessage("threeds-method", window.location.origin);
