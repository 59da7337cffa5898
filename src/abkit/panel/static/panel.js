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
    old.replaceWith(fresh);
    [...fresh.querySelectorAll("details")].forEach((each, place) => { if (open[place]) each.open = true; });
    const facts = page.querySelector("header");
    if (facts) document.querySelector("header")?.replaceWith(facts);
    const footer = page.querySelector("footer");
    if (footer) document.querySelector("footer")?.replaceWith(footer);
    const tabs = page.querySelector(".tabs");
    if (tabs) document.querySelector(".tabs")?.replaceWith(tabs);
    if (remember) history.replaceState(null, "", address);
    watch(fresh);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (remember) location.assign(address);
    else setTimeout(() => replace(id, address, { remember }), 5000);
  }
}

function watch(part) {
  const seconds = Number(part?.dataset.refresh);
  if (seconds) setTimeout(() => {
    if (document.contains(part)) replace(part.id, withoutAnew(), { remember: false });
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
for (const form of document.querySelectorAll("form[data-replaces]")) {
  const show = () => replace(form.dataset.replaces, addressOf(form), { remember: true });
  form.addEventListener("change", show);
  form.addEventListener("input", (event) => {
    if (event.target.type !== "search") return;
    clearTimeout(typed);
    typed = setTimeout(show, 200);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(typed); show(); });
}

document.addEventListener("keydown", (event) => {
  const search = document.querySelector("input[type=search]");
  if (event.key === "/" && search && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    search.focus();
  }
});

if (location.search.includes("anew=")) history.replaceState(null, "", withoutAnew());
for (const part of document.querySelectorAll("[data-refresh]")) watch(part);
