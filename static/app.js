// The little that HTML and htmx do not do. Every page works without it.
(() => {
  "use strict";
  const COPIED_MS = 2000;

  // A hidden tab asks for nothing; its polls go on when it is seen again.
  document.addEventListener("htmx:before:request", (event) => {
    const polls = event.detail.ctx.sourceEvent?.type === "every";
    if (polls && document.hidden) event.preventDefault();
  });

  // Copy buttons show only where a script can copy. Fragments bring new ones.
  const showCopyButtons = () => {
    if (!navigator.clipboard) return;
    for (const button of document.querySelectorAll("button[data-copy][hidden]")) button.hidden = false;
  };
  const showPrintButtons = () => {
    for (const button of document.querySelectorAll("button[data-print][hidden]")) button.hidden = false;
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest("button[data-print]")) window.print();
  });
  const says = (button, label, symbol) => {
    button.setAttribute("aria-label", label);
    const use = button.querySelector("use");
    use?.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${symbol}`));
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button || button.classList.contains("copied")) return;
    const label = button.getAttribute("aria-label");
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      return; // the person said no; the words can still be selected
    }
    button.classList.add("copied");
    says(button, "Copied", "check");
    setTimeout(() => {
      button.classList.remove("copied");
      says(button, label, "copy");
    }, COPIED_MS);
  });

  // The pressed button says that it is at work, and a second press does nothing.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || event.defaultPrevented) return;
    if (button.getAttribute("aria-busy") === "true") event.preventDefault();
    else button.setAttribute("aria-busy", "true");
  });
  // Back by the back button, the page may come from memory with its button still busy.
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button[aria-busy=true]")) button.removeAttribute("aria-busy");
  });

  document.addEventListener("htmx:after:swap", showCopyButtons);
  document.addEventListener("DOMContentLoaded", showCopyButtons);
  document.addEventListener("DOMContentLoaded", showPrintButtons);
})();
