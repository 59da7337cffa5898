// The page works without this: it saves the reload.
"use strict";

const busy = new Map();

async function replace(id, address, { remember }) {
  busy.get(id)?.abort();
  const controller = new AbortController();
  busy.set(id, controller);
  const old = document.getElementById(id);
  if (remember) old?.setAttribute("data-busy", "");
  try {
    const answer = await fetch(address, { signal: controller.signal, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(id);
    if (!fresh || !old) throw new Error("another page");
    const open = [...old.querySelectorAll("details")].map((each) => each.open);
    swap(old, fresh);
    [...fresh.querySelectorAll("details")].forEach((each, place) => { if (open[place]) each.open = true; });
    // The form offers more once events are read; later it is left alone, as somebody may be writing in it.
    for (const part of ["header", "footer", ".tabs", "form[data-unread]", ".asked"]) {
      const now = page.querySelector(part.replace("[data-unread]", ".controls"));
      if (now) swap(document.querySelector(part), now);
    }
    inView();
    document.dispatchEvent(new Event("abkit:replaced"));
    if (remember) {
      history.replaceState(null, "", address);
      tell(fresh.querySelector(".warning")?.textContent || fresh.dataset.told);
    }
    watch(fresh);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (remember) location.assign(address);
    else setTimeout(() => replace(id, address, { remember }), 5000);
  }
}

// Who stands on a part that is replaced stands on the same one of its successor.
function swap(old, fresh) {
  const active = document.activeElement;
  const focusable = "a, button, input:not(.walk), select, summary, textarea, [tabindex]";
  const stops = (part) => [...part.querySelectorAll(focusable)].filter((each) => each.name === active.name);
  const place = old ? stops(old).indexOf(active) : -1;
  old?.replaceWith(fresh);
  if (place >= 0) stops(fresh)[place]?.focus({ preventScroll: true });
}

function tell(what) {
  const status = document.getElementById("told");
  if (status) status.textContent = what || "";
}

function inView() {
  const tabs = document.querySelector(".tabs");
  const tab = tabs?.querySelector("[aria-current]");
  if (tab) tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.clientWidth) / 2;
}

function watch(part) {
  const seconds = Number(part?.dataset.refresh);
  if (seconds) setTimeout(() => {
    if (!document.contains(part)) return;
    const typing = document.activeElement?.matches("input, select, textarea") && part.contains(document.activeElement);
    if (typing) watch(part);
    else replace(part.id, withoutAnew(), { remember: false });
  }, seconds * 1000);
}

function withoutAnew() {
  const here = new URL(location.href);
  here.searchParams.delete("anew");
  return here.href;
}

function addressOf(form) {
  const said = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "") said.append(name, value);
  return `${form.action.split("?")[0]}${said.size ? `?${said}` : ""}`;
}

let typed;
function show(form) {
  clearTimeout(typed);
  replace(form.dataset.replaces, addressOf(form), { remember: true });
}

const formOf = (event) => event.target.closest("form[data-replaces]");
document.addEventListener("change", (event) => { if (formOf(event)) show(formOf(event)); });
document.addEventListener("input", (event) => {
  const form = formOf(event);
  if (!form || event.target.type !== "search") return;
  clearTimeout(typed);
  typed = setTimeout(() => show(form), 200);
});
document.addEventListener("submit", (event) => {
  const form = formOf(event);
  if (!form) return;
  event.preventDefault();
  show(form);
});

document.addEventListener("keydown", (event) => {
  const search = document.querySelector("input[type=search]");
  if (event.key === "/" && search && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    search.focus();
  }
});

if (location.search.includes("anew=")) history.replaceState(null, "", withoutAnew());
for (const part of document.querySelectorAll("[data-refresh]")) watch(part);
inView();
