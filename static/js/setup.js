// The first setup: propose the time zone of the browser.
(() => {
  "use strict";

  const field = document.querySelector("select[name=time_zone][data-propose]");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (field && [...field.options].some((option) => option.value === zone)) field.value = zone;
})();
