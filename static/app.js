// The little that HTML and htmx do not do. Every page works without it.
(() => {
  "use strict";
  const COPIED_MS = 2000;

  // A hidden tab asks for nothing; polls go on when it is seen again.
  document.addEventListener("htmx:before:request", (event) => {
    const polled = event.detail.ctx.sourceEvent?.type === "every";
    if (polled && document.hidden) event.preventDefault();
  });

  // Copy buttons are hidden where no script runs. Fragments bring new ones.
  const showCopyButtons = () => {
    if (!navigator.clipboard) return;
    for (const button of document.querySelectorAll("button[data-copy][hidden]")) button.hidden = false;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    const label = button.getAttribute("aria-label");
    button.setAttribute("aria-label", "Copied");
    button.classList.add("copied");
    setTimeout(() => {
      button.setAttribute("aria-label", label);
      button.classList.remove("copied");
    }, COPIED_MS);
  });

  // The pressed button says that it is at work, and a second press does nothing.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || event.defaultPrevented) return;
    if (button.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    button.setAttribute("aria-busy", "true");
    if (button.dataset.busy) button.querySelector("[data-words]").textContent = button.dataset.busy;
  });
  // Back from Polar by the back button: the page comes from memory with its button still busy.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const button of document.querySelectorAll("button[aria-busy=true]")) button.removeAttribute("aria-busy");
  });

  document.addEventListener("htmx:after:swap", showCopyButtons);
  document.addEventListener("DOMContentLoaded", showCopyButtons);
})();
