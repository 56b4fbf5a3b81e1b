"use strict";
// Tables sort on a click, by leading numbers where a column has nothing else, dashes and blanks always last.
const NUMBER = /^[×<>≤≥~±]?\s*([-+−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?|[-−]?∞)(?![\w.])/i;
const NOTHING = /^(?:[-–—]|nan|none)?$/i;
const words = new Intl.Collator("en", { numeric: true });

function number(text) {
  const found = NUMBER.exec(text);
  return found ? Number(found[1].replaceAll(",", "").replace("−", "-").replace("∞", "Infinity")) : NaN;
}

// The places of cells in their new order; equal ones keep theirs.
function order(texts, direction) {
  const nothing = (at) => NOTHING.test(texts[at]);
  const some = [...texts.keys()].filter((at) => !nothing(at));
  const values = texts.map(number);
  const numeric = some.every((at) => !Number.isNaN(values[at]));
  const compare = numeric
    ? (a, b) => (values[a] > values[b]) - (values[a] < values[b])
    : (a, b) => words.compare(texts[a], texts[b]);
  return [...some.sort((a, b) => direction * compare(a, b)), ...[...texts.keys()].filter(nothing)];
}

for (const table of document.querySelectorAll("main table")) {
  const body = table.tBodies[0];
  if (!body || body.rows.length < 3) continue;
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (!head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const was = head.getAttribute("aria-sort");
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      if (was === "descending") return body.append(...rows);
      head.setAttribute("aria-sort", was ? "descending" : "ascending");
      const texts = rows.map((row) => row.cells[column].textContent.trim());
      body.append(...order(texts, was ? -1 : 1).map((at) => rows[at]));
    });
  });
}

// A link into a fold opens it; contents stand open where there is room beside the text.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
  if (target) target.scrollIntoView();
}
const contents = document.querySelector("nav details");
const beside = matchMedia("(min-width: 70rem)");
const arrange = () => { contents.open = beside.matches; };
beside.addEventListener("change", arrange);
contents.addEventListener("click", (event) => { if (event.target.closest("a")) arrange(); });
arrange();
addEventListener("hashchange", unfold);
addEventListener("beforeprint", () => document.querySelectorAll("main details").forEach((each) => { each.open = true; }));
if (location.hash) unfold();
