// The console's only script: live pages, keys, copying, and buttons that are pressed once. Every page works without it.
"use strict";

const RATES_MS = [2000, 10000, 0]; // what the button Live chooses in turn; 0: not at all
const SOON_MS = 300; // while the console still learns whose wallets a page shows
const SLOWEST_MS = 30000; // between polls of an API that does not answer
let everyMs = Number(sessionStorage.getItem("every") ?? RATES_MS[0]);
let delayMs = everyMs;
let timer = 0;

// Live: the page is asked for again, and each part that is marked data-live is replaced when it has changed.
async function refresh() {
  const answer = await fetch(location.href, { headers: { "X-Poll": "1" }, cache: "no-store", redirect: "error" });
  if (answer.status === 401) return location.reload();
  if (!answer.ok) throw new Error(String(answer.status));
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = next.getElementById(part.id);
    if (!other) continue;
    if (isInUse(part)) {
      rest(part);
      continue;
    }
    if (other.innerHTML !== part.innerHTML) replace(part, other);
    for (const mark of ["data-live", "data-soon"]) part.toggleAttribute(mark, other.hasAttribute(mark));
  }
}

// A part that is not replaced asks for no answer soon.
function rest(part) {
  for (const soon of [part, ...part.querySelectorAll("[data-soon]")]) soon.removeAttribute("data-soon");
}

// A part in which the person writes, or has opened something, stays as it is.
function isInUse(part) {
  const focused = document.activeElement;
  const writes = focused && part.contains(focused) && focused.matches("input, select, textarea");
  const selects = !getSelection().isCollapsed && part.contains(getSelection().anchorNode);
  return writes || selects || part.querySelector("details[open]") !== null;
}

function replace(part, other) {
  const focused = document.activeElement && part.contains(document.activeElement) ? document.activeElement : null;
  const href = focused && focused.getAttribute("href");
  part.replaceChildren(...other.childNodes);
  if (href) [...part.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === href)?.focus({ preventScroll: true });
}

async function poll() {
  try {
    await refresh();
    delayMs = everyMs;
    show();
  } catch {
    delayMs = Math.min(Math.max(delayMs, RATES_MS[0]) * 2, SLOWEST_MS);
    show("No answer");
  }
  plan();
}

function plan() {
  clearTimeout(timer);
  if (everyMs && !document.hidden && document.querySelector("[data-live]")) {
    timer = setTimeout(poll, delayMs === everyMs && document.querySelector("[data-soon]") ? SOON_MS : delayMs);
  }
}

function show(fault = "") {
  const button = document.getElementById("live");
  if (!button) return;
  button.querySelector(".label").textContent = everyMs ? fault || `Live, every ${everyMs / 1000} s` : "Paused";
  button.setAttribute("aria-pressed", String(everyMs > 0));
  button.classList.toggle("broken", fault !== "");
}

// Keys: / searches, j and k move through the rows, Enter opens. Links in rows do the rest.
function move(step) {
  const links = [...document.querySelectorAll("[data-row] a.row")];
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  links[at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1)].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  const act = { "/": () => document.getElementById("search")?.focus(), j: () => move(1), k: () => move(-1) }[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

async function copy(button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy || location.href);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches(".copy")) copy(button);
  if (button?.id === "live") {
    everyMs = delayMs = RATES_MS[(RATES_MS.indexOf(everyMs) + 1) % RATES_MS.length];
    sessionStorage.setItem("every", String(everyMs));
    show();
    plan();
  }
  // A click anywhere in a row opens it, unless something else in it was meant.
  const row = event.target.closest("[data-row]");
  if (row && !event.target.closest("a, button") && getSelection().isCollapsed) row.querySelector("a.row")?.click();
});

document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("[data-once]")) setTimeout(() => { button.disabled = true; });
});

// A page that is shown again from the browser's memory has its buttons back.
addEventListener("pageshow", () => document.querySelectorAll("[data-once]").forEach((button) => { button.disabled = false; }));
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !everyMs) clearTimeout(timer);
  else if (document.querySelector("[data-live]")) poll();
});
const live = document.getElementById("live");
if (live) live.hidden = false;
show();
plan();
