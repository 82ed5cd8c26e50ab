// What a reader does on a page of either renderer: sort and filter tables, read terms, copy. No module, no request.
(function () {
  "use strict";
  var doc = document, root = doc.documentElement, body = doc.body, main = doc.querySelector("main");
  var base = doc.currentScript.src.replace(/(site_libs\/quarto-contrib\/)?[^/]*\/[^/]*$/, "");
  function all(selector, from) { return Array.prototype.slice.call((from || doc).querySelectorAll(selector)); }
  function make(tag, name, text) {
    var node = doc.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    return node;
  }
  function fold(text) { return text.normalize("NFKC").toLowerCase(); }
  window.bookReader = { all: all, fold: fold, make: make };  // for book.js, which comes after
  if (!main) return;
  // on a page in Chinese the words of the script are Chinese, too
  var chinese = main.querySelector("article[lang|=zh]");
  function say(english, other) { return chinese ? other : english; }
  window.bookReader.say = say;

  function copy(words, button) {
    var before = button.textContent;
    function done() { button.textContent = say("Copied", "已复制"); setTimeout(function () { button.textContent = before; }, 1500); }
    function byHand() {
      var area = make("textarea");
      area.value = words;
      body.appendChild(area);
      area.select();
      doc.execCommand("copy");
      area.remove();
      done();
    }
    if (navigator.clipboard && isSecureContext) navigator.clipboard.writeText(words).then(done, byHand); else byHand();
  }

  // long tables can be filtered and sorted; without a script they are whole
  function filter(place, entries, name) {
    var label = make("label", "filter", say("Filter ", "筛选 ")), field = make("input"), told = make("span");
    field.type = "search";
    field.setAttribute("aria-label", say("Filter ", "筛选 ") + name);
    told.setAttribute("role", "status");
    field.addEventListener("input", function () {
      var words = fold(field.value).split(/\s+/).filter(Boolean), shown = 0;
      entries.forEach(function (entry) {
        var text = fold(entry.textContent);
        entry.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
        shown += !entry.hidden;
      });
      told.textContent = words.length ? " " + shown + say(" of ", " / ") + entries.length : "";
    });
    label.append(field, told);
    place.parentNode.insertBefore(label, place);
  }
  // a table of sentences is read row by row on a telephone, each cell below its head
  function stack(table, rows, heads) {
    var names = heads.map(function (head) { return head.textContent.trim(); });
    var wordy = names.filter(function (name, column) {
      return rows.some(function (row) { return row.cells[column].textContent.replace(/[\u2e80-\uffef]/g, "xx").length > 50; });
    });
    if (wordy.length < 2) return;
    table.classList.add("cards");
    table.setAttribute("role", "table");
    all("thead, tbody", table).forEach(function (part) { part.setAttribute("role", "rowgroup"); });
    all("tr", table).forEach(function (row) { row.setAttribute("role", "row"); });
    heads.forEach(function (head) { head.setAttribute("role", head.tagName === "TH" ? "columnheader" : "cell"); });
    rows.forEach(function (row) {
      names.forEach(function (name, column) {
        row.cells[column].setAttribute("role", "cell");
        if (column && name) row.cells[column].dataset.label = name;
      });
    });
  }
  function key(row, column) {
    var words = row.cells[column].textContent.trim(), plain = words.replace(/[,\s%]/g, "").replace("\u2212", "-");
    return /^[-+]?\d+(\.\d+)?$/.test(plain) ? Number(plain) : fold(words);
  }
  all("table", main).forEach(function (table) {
    if (table.closest(".widget, .explorer, .scorecard")) return;
    var rows = all("tbody tr", table), heads = all("thead tr:last-child > *", table), box = table.closest(".table-box") || table;
    if (!heads.length || rows.some(function (row) { return row.cells.length !== heads.length; })) return;
    stack(table, rows, heads);
    if (rows.length < 18) return;
    filter(box, rows, (box.getAttribute("aria-label") || "table").toLowerCase());
    heads.forEach(function (head, column) {
      if (!head.textContent.trim()) return;
      var button = make("button", "sort");
      button.type = "button";
      button.append.apply(button, Array.prototype.slice.call(head.childNodes));
      head.append(button);
      button.addEventListener("click", function () {
        var down = head.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        rows.sort(function (a, b) {
          var x = key(a, column), y = key(b, column);
          if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
          return sign * (x < y ? -1 : x > y ? 1 : 0);
        }).forEach(function (row) { row.parentNode.appendChild(row); });
      });
    });
  });
  var entries = all(".csl-entry");
  if (entries.length > 20) filter(entries[0].parentNode, entries, "references");

  // a term of the glossary is linked where a page first uses it; its meaning shows on hover, focus and first touch
  var meanings = {}, tip = make("div", "tip"), closing = 0, touched = false, open = null;
  function latin(words) { return words.replace(/\s*[\u2e80-\uffef].*$/, ""); }
  function anchor(words) { return "term-" + fold(latin(words).replace(/\s*\(.+?\)/, "")).replace(/\W+/g, "-"); }
  // each entry: page of the glossary, term with its Chinese, meaning
  (window.bookTerms || []).forEach(function (row) {
    var entry = [row[0], latin(row[1]), row[1].slice(latin(row[1]).length).trim(), row[2]];
    var inner = /\((.+?)\)/.exec(entry[1]), names = [entry[1].replace(/\s*\(.+?\)/, "")];
    entry.id = anchor(row[1]);
    if (inner) names.push(/^[A-Z0-9]+$/.test(inner[1]) ? entry[1].replace(/^.*?\((.+?)\)/, "$1") : inner[1]);
    names.forEach(function (name) { if (/\W/.test(name) || /^[A-Z]+$/.test(name)) meanings[fold(name)] = entry; });
  });
  function hide() { tip.remove(); if (open) open.removeAttribute("aria-describedby"); open = null; }
  function soon() { closing = setTimeout(hide, 200); }
  function stay() { clearTimeout(closing); }
  function show(link, entry) {
    hide();
    stay();
    var chinese = make("span", "", entry[2]);
    chinese.lang = "zh";
    tip.replaceChildren(make("b", "", entry[1]), " ", chinese, make("br"), entry[3]);
    main.append(tip);
    var at = link.getClientRects()[0], left = Math.min(at.left, root.clientWidth - tip.offsetWidth - 8);
    tip.style.left = Math.max(8, left) + scrollX + "px";
    tip.style.top = (at.bottom + tip.offsetHeight + 8 < innerHeight ? at.bottom + 4 : at.top - tip.offsetHeight - 4) + scrollY + "px";
    open = link;
    link.setAttribute("aria-describedby", tip.id);
  }
  tip.id = "term-tip";
  tip.setAttribute("role", "tooltip");
  tip.addEventListener("mouseenter", stay);
  tip.addEventListener("mouseleave", soon);
  function linked(word, entry) {
    var link = make("a", "term", word);
    link.href = base + entry[0] + "#" + entry.id;
    link.addEventListener("mouseenter", function () { show(link, entry); });
    link.addEventListener("mouseleave", soon);
    link.addEventListener("focus", function () { show(link, entry); });
    link.addEventListener("blur", hide);
    link.addEventListener("pointerdown", function (event) { touched = event.pointerType === "touch" && open !== link; });
    link.addEventListener("click", function (event) {
      if (touched) { event.preventDefault(); show(link, entry); }
      touched = false;
    });
    return link;
  }
  var known = Object.keys(meanings).sort(function (a, b) { return b.length - a.length; });
  var glossary = known.length && location.pathname.endsWith("/" + meanings[known[0]][0]);
  if (glossary) {
    all("tbody tr").forEach(function (row) { row.id = anchor(row.cells[0].textContent); });
    var target = location.hash && doc.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) target.scrollIntoView();
  } else if (known.length) {
    var pattern = new RegExp("(?<![\\w-])(?:" + known.map(function (name) { return name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"); }).join("|") + ")(?=s?(?![\\w-]))", "gi");
    all("p, li", doc.querySelector("article") || main).forEach(function (block) {
      if (block.closest("nav, header, figure, .widget, .explorer, .scorecard, .doors, .csl-entry, [lang^=zh]")) return;
      var walk = doc.createTreeWalker(block, NodeFilter.SHOW_TEXT), texts = [], node;
      while ((node = walk.nextNode())) if (!node.parentElement.closest("a, code, math, button, label")) texts.push(node);
      texts.forEach(function (text) {
        var words = text.textContent, parts = [], last = 0, hit;
        pattern.lastIndex = 0;
        while ((hit = pattern.exec(words))) {
          var entry = meanings[fold(hit[0])];
          if (!entry || entry.used) continue;
          entry.used = true;
          parts.push(words.slice(last, hit.index), linked(hit[0], entry));
          last = hit.index + hit[0].length;
        }
        if (parts.length) text.replaceWith.apply(text, parts.concat(words.slice(last)));
      });
    });
  }

  // copy: code, and what a button names
  all("[data-copy]").forEach(function (button) {
    button.addEventListener("click", function () { copy(doc.querySelector(button.dataset.copy).textContent, button); });
  });
  all("div.sourceCode").forEach(function (block) {
    if (block.querySelector(".code-copy-button")) return;
    var button = make("button", "button copy", say("Copy", "复制"));
    button.type = "button";
    button.addEventListener("click", function () { copy(block.querySelector("code").textContent, button); });
    block.appendChild(button);
  });
  addEventListener("keydown", function (event) { if (event.key === "Escape" && open) hide(); });

  // Quarto gives its lists of pages no names, its toggles the role of such a list, and what scrolls no stop for the keyboard
  [["#quarto-sidebar", "Chapters"], [".quarto-secondary-nav", "This page"], ["nav#TOC", "On this page"]].forEach(function (pair) {
    all(pair[0]).forEach(function (list) { list.setAttribute("aria-label", pair[1]); });
  });
  all("#quarto-sidebar a[role=navigation]").forEach(function (toggle) { toggle.setAttribute("role", "button"); });
  all(".quarto-container thead th").forEach(function (head) { if (!head.textContent.trim()) head.setAttribute("role", "cell"); });
  addEventListener("load", function () {
    all(".quarto-container main :is(math[display=block], .cell-output, .quarto-float-tbl > div, :is(section, .callout-body) > table, div.sourceCode)").forEach(function (box) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    });
  });
})();
