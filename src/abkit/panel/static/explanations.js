// Numbers that explain themselves: each table is one stop of Tab, and the arrow keys lead through its numbers.
// Without this, each number is a stop.
"use strict";

const groupOf = (told) => told.closest("table, section") ?? document.body;

function stopOnce() {
  const groups = new Set();
  for (const told of document.querySelectorAll(".explained")) {
    const group = groupOf(told);
    told.tabIndex = groups.has(group) ? -1 : 0;
    groups.add(group);
  }
  const active = document.activeElement;
  if (active?.matches(".explained")) stopAt(active);
}

// Where somebody was last is where Tab leads back to.
function stopAt(told) {
  for (const each of groupOf(told).querySelectorAll('.explained[tabindex="0"]')) each.tabIndex = -1;
  told.tabIndex = 0;
}

// In the same column of the next row that has something to explain, or in the first of its columns.
function inRow(told, step) {
  const cell = told.closest("td, th");
  const rows = [...groupOf(told).querySelectorAll("tr")].filter((row) => row.querySelector(".explained"));
  const row = rows[rows.indexOf(cell?.parentElement) + step];
  return cell && row && (row.cells[cell.cellIndex]?.querySelector(".explained") ?? row.querySelector(".explained"));
}

function next(told, key) {
  const all = [...groupOf(told).querySelectorAll(".explained")];
  const row = [...(told.closest("tr") ?? groupOf(told)).querySelectorAll(".explained")];
  switch (key) {
    case "ArrowRight": return all[all.indexOf(told) + 1];
    case "ArrowLeft": return all[all.indexOf(told) - 1];
    case "ArrowDown": return inRow(told, 1);
    case "ArrowUp": return inRow(told, -1);
    case "Home": return row[0];
    case "End": return row.at(-1);
  }
}

document.addEventListener("keydown", (event) => {
  const told = event.target;
  if (!told.matches?.(".explained") || event.altKey || event.ctrlKey || event.metaKey) return;
  const there = next(told, event.key);
  if (!there) return;
  event.preventDefault();
  stopAt(there);
  there.focus();
});

document.addEventListener("focusin", (event) => { if (event.target.matches(".explained")) stopAt(event.target); });

// Who presses Escape sees what an explanation stands before, until they come back.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const told of document.querySelectorAll(".explained:hover, .explained:focus")) {
    const again = () => told.classList.remove("untold");
    told.classList.add("untold");
    told.addEventListener("pointerleave", again, { once: true });
    told.addEventListener("blur", again, { once: true });
  }
});

document.addEventListener("abkit:replaced", stopOnce);
stopOnce();
