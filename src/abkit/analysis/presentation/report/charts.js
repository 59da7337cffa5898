// Who points at a chart, or walks through it by the arrow keys, reads the numbers of that day: those of the table
// beneath it. The page works without this.
"use strict";

(() => {
  const made = (name, text = "", kind = "") => {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    element.textContent = text;
    return element;
  };
  const texts = (cells) => [...cells].map((cell) => cell.textContent.trim());

  // Lines of texts: of each variant its name and its numbers, beneath the names of these.
  function numbersOf(table, place) {
    const headers = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies[place].rows];
    const day = rows[0].cells[0].textContent.trim();
    if (table.classList.contains("of-looks")) {
      const values = texts(rows[0].cells).slice(1);
      return { day, columns: [], lines: texts(headers).slice(1).map((variant, n) => [variant, values[n]]) };
    }
    const told = headers.slice(2).flatMap((header, n) => ("told" in header.dataset ? [n] : []));
    const columns = told.map((n) => ({ name: headers[n + 2].textContent.trim(), wide: headers[n + 2].dataset.told }));
    const lines = rows.map((row, n) => {
      const [variant, ...values] = texts(row.cells).slice(n ? 0 : 1);
      return [variant, ...told.map((of) => values[of])];
    });
    return { day: /^\d+$/.test(day) ? `${headers[0].textContent} ${day}` : day, columns, lines };
  }

  // A name that may be broken after its separators.
  function named(variant, colour) {
    const cell = made("th");
    const swatch = made("i");
    swatch.style.background = colour;
    cell.append(swatch, ...variant.split(/(?<=[_./:-])(?=[^_./:-])/).flatMap((part) => [part, made("wbr")]));
    return cell;
  }

  function readout({ day, columns, lines }, first) {
    const box = made("div", "", "readout");
    box.setAttribute("aria-hidden", "true"); // The slider says the same.
    const table = made("table");
    const kind = (n) => columns[n]?.wide ?? "";
    const head = table.createTHead().insertRow();
    head.append(made("th", day), ...columns.map((column, n) => made("th", column.name, kind(n))));
    const body = table.createTBody();
    lines.forEach(([variant, ...values], n) => {
      body.insertRow().append(named(variant, `var(--series-${first + n})`), ...values.map((value, of) => made("td", value, kind(of))));
    });
    box.append(table);
    return box;
  }

  const inWords = ({ day, columns, lines }) =>
    `${day}: ` +
    lines.map(([variant, ...values]) =>
      `${variant}, ${values.map((value, n) => `${columns[n]?.name ?? ""} ${value}`.trim()).join(", ")}`).join("; ");

  function clear({ of = document, but } = {}) {
    for (const each of of.querySelectorAll(".readout, svg .marker")) if (!but?.contains(each)) each.remove();
  }

  function equip(drawing) {
    const svg = drawing.querySelector("svg[data-stops]");
    const table = drawing.closest("figure")?.querySelector("table.looks");
    if (!svg || !table || drawing.querySelector("input")) return;
    const stops = svg.dataset.stops.split(" ").map(Number);
    if (table.tBodies.length < stops.length) return;
    const [top, bottom] = svg.dataset.band.split(" ");
    let shown = -1;

    const slider = made("input", "", "walk");
    Object.assign(slider, { type: "range", min: 0, max: stops.length - 1, step: 1, value: stops.length - 1 });
    slider.setAttribute("aria-label", `Read day by day: ${svg.getAttribute("aria-label").split(". ")[0]}`);
    const say = () => slider.setAttribute("aria-valuetext", inWords(numbersOf(table, slider.valueAsNumber)));

    function show(place) {
      const there = drawing.querySelector(".readout");
      if (there && place === shown) return;
      clear();
      shown = place;
      const box = readout(numbersOf(table, place), Number(svg.dataset.first));
      box.classList.add(stops[place] < svg.viewBox.baseVal.width / 2 ? "on-the-right" : "on-the-left");
      const marker = document.createElementNS(svg.namespaceURI, "path");
      marker.setAttribute("class", "marker");
      marker.setAttribute("d", `M${stops[place]} ${top}V${bottom}`);
      svg.append(marker);
      drawing.append(box);
      // On a phone it stands beneath the chart, if there is room.
      box.classList.toggle("above", box.getBoundingClientRect().bottom > innerHeight);
    }

    const nearest = (x) => stops.reduce((best, stop, n) => (Math.abs(stop - x) < Math.abs(stops[best] - x) ? n : best), 0);
    function point(event) {
      const box = svg.getBoundingClientRect();
      show(nearest(((event.clientX - box.left) * svg.viewBox.baseVal.width) / box.width));
    }
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "mouse") return; // A finger that is lifted leaves what it found.
      if (document.activeElement === slider) show(slider.valueAsNumber);
      else clear({ of: drawing });
    });
    slider.addEventListener("focus", () => show(slider.valueAsNumber));
    slider.addEventListener("blur", () => clear({ of: drawing }));
    slider.addEventListener("input", () => { say(); show(slider.valueAsNumber); });
    say();
    for (const title of svg.querySelectorAll("title")) title.remove(); // Else there were two tooltips.
    drawing.append(slider);
  }

  const equipAll = () => document.querySelectorAll(".drawing").forEach(equip);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") clear(); });
  document.addEventListener("pointerdown", (event) => clear({ but: event.target.closest?.(".drawing") }));
  document.addEventListener("abkit:replaced", equipAll);
  equipAll();
})();
