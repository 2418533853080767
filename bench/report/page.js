"use strict";
/* Columns that sort, a filter over the long tables, files to save. Without this the page is complete, and still. */
(() => {
  const valueOf = (cell) => {
    const text = cell.dataset.value ?? cell.textContent.trim();
    return cell.classList.contains("n") ? (text === "\u2013" ? NaN : parseFloat(text)) : text;
  };
  /* What is not known stands last in either order. */
  const compare = (a, b, sign) => {
    if (typeof a === "string") return sign * a.localeCompare(b, "en", { numeric: true });
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return sign * (a - b);
  };
  const sortBy = (table, column) => {
    const head = table.tHead.rows[0].cells, body = table.tBodies[0];
    const descending = head[column].ariaSort === "ascending" ||
      (head[column].ariaSort !== "descending" && head[column].classList.contains("n"));
    const rows = [...body.rows].map((row) => ({ row, value: valueOf(row.cells[column]) }));
    rows.sort((a, b) => compare(a.value, b.value, descending ? -1 : 1));
    body.append(...rows.map((one) => one.row));
    for (const cell of head) cell.removeAttribute("aria-sort");
    head[column].setAttribute("aria-sort", descending ? "descending" : "ascending");
  };
  for (const table of document.querySelectorAll("table")) {
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = cell.textContent;
      button.addEventListener("click", () => sortBy(table, column));
      cell.replaceChildren(button);
    });
  }

  for (const place of document.querySelectorAll(".filter")) {
    const rows = [...document.getElementById(place.dataset.for).tBodies[0].rows];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const label = document.createElement("label"), input = document.createElement("input");
    const taken = document.createElement("label"), box = document.createElement("input");
    const count = document.createElement("output");
    const show = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word)) || (box.checked && !row.matches(".chosen"));
        shown += !row.hidden;
      });
      count.textContent = `${shown} of ${rows.length}`;
    };
    input.type = "search";
    input.placeholder = "mnist avx512 forward";
    box.type = "checkbox";
    label.append("Rows with ", input);
    taken.append(box, " taken by dispatch only");
    place.append(label, taken, count);
    input.addEventListener("input", show);
    box.addEventListener("change", show);
    show();
  }

  for (const item of document.querySelectorAll("[data-raw]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Save";
    button.setAttribute("aria-label", `Save ${item.dataset.name}`);
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      const url = URL.createObjectURL(new Blob([document.getElementById(item.dataset.raw).textContent]));
      link.href = url;
      link.download = item.dataset.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    });
    item.append(button);
  }
})();
