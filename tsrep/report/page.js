"use strict";
// Makes every table sortable by its columns; long ones get a field that filters their rows.
const LONG = 10; // rows
const text = (row, column) => row.cells[column].textContent.trim();
const number = (shown) => {
  const digits = shown.replace(/[,\u00a0 ]/g, "");
  return /^[+-]?(\d|\.\d)/.test(digits) ? parseFloat(digits) : NaN;
};
const is_empty = (shown) => shown === "" || shown === "\u2013";

function compare(a, b) {
  if (is_empty(a) || is_empty(b)) return is_empty(a) - is_empty(b); // empty cells stay last
  const [x, y] = [number(a), number(b)];
  if (!Number.isNaN(x) && !Number.isNaN(y) && x !== y) return x - y;
  return a.localeCompare(b, undefined, { numeric: true });
}

function sort(table, column, head) {
  const ascending = head.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const rows = [...table.tBodies[0].rows];
  rows.sort((p, q) => {
    const [a, b] = [text(p, column), text(q, column)];
    return ascending || is_empty(a) || is_empty(b) ? compare(a, b) : compare(b, a);
  });
  table.tBodies[0].append(...rows);
}

function add_filter(table) {
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "Filter rows";
  field.setAttribute("aria-label", "Filter rows");
  const count = document.createElement("span");
  count.className = "count";
  count.setAttribute("aria-live", "polite");
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...table.tBodies[0].rows];
    for (const row of rows) {
      const shown = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => shown.includes(word));
    }
    count.textContent = words.length ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
  });
  table.closest(".wide").before(field, count);
}

function align(table) { // columns of words to the left
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const shown = [...table.tBodies[0].rows].map((row) => text(row, column)).filter((each) => !is_empty(each));
    if (!shown.length || shown.some((each) => !Number.isNaN(number(each)))) return;
    head.classList.add("text");
    for (const row of table.tBodies[0].rows) row.cells[column].classList.add("text");
  });
}

for (const table of document.querySelectorAll("table")) {
  align(table);
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, column, head));
    head.append(button);
  });
  if (table.tBodies[0].rows.length > LONG) add_filter(table);
}
