// What the pages do: theme, menus, tabs, the table of contents. Without it every page can still be read.
"use strict";

(() => {
  const root = document.documentElement;
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

  // Theme: the reader's choice, else the system's.
  const KEY = "preview-theme";
  const toggle = document.querySelector(".theme-toggle");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const show = (theme) => {
    root.setAttribute("data-bs-theme", theme);
    document.body.classList.toggle("quarto-dark", theme === "dark");
    document.body.classList.toggle("quarto-light", theme !== "dark");
    toggle.setAttribute("aria-pressed", String(theme === "dark"));
  };
  show(root.getAttribute("data-bs-theme"));
  system.addEventListener("change", () => { if (!stored()) show(system.matches ? "dark" : "light"); });
  toggle.addEventListener("click", () => {
    const theme = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
    show(theme);
    try { localStorage.setItem(KEY, theme); } catch { /* shown all the same */ }
  });

  // Menus of the navigation bar.
  const toggler = document.querySelector(".navbar-toggler");
  toggler.addEventListener("click", () => {
    toggler.setAttribute("aria-expanded", String(toggler.getAttribute("aria-expanded") !== "true"));
  });
  const menus = all(".navbar details");
  document.addEventListener("click", (event) => {
    for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
  });
  for (const menu of menus) {
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }

  // Tabs, as the ARIA authoring practices have them: arrows, Home and End move, one tab is in the tab order.
  const select = (tab) => {
    for (const other of tab.parentElement.children) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
    }
    // Charts that fill their container had none while they were hidden.
    window.dispatchEvent(new Event("resize"));
  };
  for (const list of all("[role=tablist]")) {
    const tabs = [...list.children];
    if (tabs.length) select(tabs[0]);
    list.parentElement.setAttribute("data-ready", "");
    list.addEventListener("click", (event) => {
      const tab = event.target.closest("[role=tab]");
      if (tab) select(tab);
    });
    list.addEventListener("keydown", (event) => {
      const at = tabs.indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      const tab = tabs[(to + tabs.length) % tabs.length];
      select(tab);
      tab.focus();
    });
  }

  // A link to something inside a closed tab or callout opens it.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) {
      if (at.matches("[role=tabpanel]")) select(document.getElementById(at.getAttribute("aria-labelledby")));
      if (at.matches("details")) at.open = true;
    }
    target.scrollIntoView();
  };
  window.addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  // A link beside each heading.
  for (const section of all("main section[id]")) {
    const heading = section.querySelector(":scope > :is(h2, h3, h4)");
    if (!heading) continue;
    const link = document.createElement("a");
    link.className = "anchor";
    link.href = `#${encodeURIComponent(section.id)}`;
    link.setAttribute("aria-label", `Link to ${heading.textContent.trim()}`);
    heading.append(link);
  }

  // What scrolls sideways must be reachable by keyboard; what does not must not be a stop.
  const stops = () => {
    for (const box of all("main .table-scroll, main pre, main figure")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  window.addEventListener("resize", stops);
  window.addEventListener("load", stops);

  // The table of contents marks the section that is being read.
  const links = new Map(all("#TOC a").map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
  if (links.size) {
    const visible = new Set();
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries) visible[entry.isIntersecting ? "add" : "delete"](entry.target.id);
      const current = [...links.keys()].filter((id) => visible.has(id)).pop();
      if (current === undefined) return;
      for (const [id, link] of links) link.classList.toggle("active", id === current);
    }, { rootMargin: "-80px 0px -65% 0px" });
    for (const id of links.keys()) {
      const section = document.getElementById(id);
      if (section) observer.observe(section);
    }
  }
})();
