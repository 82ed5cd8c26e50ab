// The book's own script: menu, theme, copy, "on this page", search. No module, no request: works from file://.
(function () {
  "use strict";
  var doc = document, root = doc.documentElement, body = doc.body;
  function all(selector, from) { return Array.prototype.slice.call((from || doc).querySelectorAll(selector)); }
  function make(tag, name, text) {
    var node = doc.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function copy(words, button) {
    var before = button.textContent;
    function done() { button.textContent = "Copied"; setTimeout(function () { button.textContent = before; }, 1500); }
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

  // theme: the reader's choice is kept; without one the system decides
  doc.querySelector(".theme").addEventListener("click", function () {
    var dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("book-theme", root.dataset.theme); } catch (error) { /* storage may be closed */ }
  });

  // menu on narrow screens
  var menu = doc.querySelector(".menu"), contents = doc.getElementById("contents");
  function openMenu(open) {
    contents.classList.toggle("open", open);
    menu.setAttribute("aria-expanded", String(open));
    body.style.overflow = open ? "hidden" : "";
    doc.querySelector("main").inert = doc.querySelector(".skip").inert = open;
    if (open) (contents.querySelector("[aria-current]") || contents.querySelector("a")).focus();
  }
  menu.addEventListener("click", function () { openMenu(!contents.classList.contains("open")); });
  var current = contents.querySelector("[aria-current]");
  if (current && current.offsetTop > contents.clientHeight - 60) contents.scrollTop = current.offsetTop - 120;

  // on this page: folded when it stands above the text, marked while reading
  var onPage = doc.querySelector(".beside .on-page");
  if (onPage) {
    doc.querySelector("main .on-page").open = false;
    var links = all("a", onPage), marks = links.map(function (a) { return doc.getElementById(a.hash.slice(1)); });
    var mark = function () {
      var here = -1;
      marks.forEach(function (node, i) { if (node && node.getBoundingClientRect().top < 110) here = i; });
      links.forEach(function (a, i) { a.classList.toggle("here", i === here); });
    };
    addEventListener("scroll", mark, { passive: true });
    mark();
  }

  // a link into a folded callout opens it
  function reveal() {
    var target = location.hash && doc.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (var node = target; node && node !== body; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
    }
    if (target) target.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
  addEventListener("beforeprint", function () { all("details").forEach(function (d) { d.open = true; }); });

  // long tables can be filtered and sorted; without a script they are whole
  function filter(place, entries, name) {
    var label = make("label", "filter", "Filter "), field = make("input"), told = make("span");
    field.type = "search";
    field.setAttribute("aria-label", "Filter " + name);
    told.setAttribute("role", "status");
    field.addEventListener("input", function () {
      var words = fold(field.value).split(/\s+/).filter(Boolean), shown = 0;
      entries.forEach(function (entry) {
        var text = fold(entry.textContent);
        entry.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
        shown += !entry.hidden;
      });
      told.textContent = words.length ? " " + shown + " of " + entries.length : "";
    });
    label.append(field, told);
    place.parentNode.insertBefore(label, place);
  }
  function key(row, column) {
    var words = row.cells[column].textContent.trim(), plain = words.replace(/[,\s%]/g, "").replace("\u2212", "-");
    return /^[-+]?\d+(\.\d+)?$/.test(plain) ? Number(plain) : fold(words);
  }
  all(".table-box").forEach(function (box) {
    var table = box.querySelector("table"), rows = all("tbody tr", table), heads = all("thead tr:last-child > *", table);
    if (rows.length < 12) return;
    filter(box, rows, box.getAttribute("aria-label").toLowerCase());
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
    doc.querySelector("main").append(tip);
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
    link.href = body.dataset.base + entry[0] + "#" + entry.id;
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
    if (location.hash) reveal();
  } else if (known.length) {
    var pattern = new RegExp("(?<![\\w-])(?:" + known.map(function (name) { return name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"); }).join("|") + ")(?=s?(?![\\w-]))", "gi");
    all("article p, article li").forEach(function (block) {
      if (block.closest("figure, .widget, .doors, .csl-entry, [lang^=zh]")) return;
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
    var button = make("button", "button copy", "Copy");
    button.type = "button";
    button.addEventListener("click", function () { copy(block.querySelector("code").textContent, button); });
    block.appendChild(button);
  });

  // search: every word must occur, anywhere in a word, so Chinese needs no word breaks; the index loads on first use
  var dialog = doc.querySelector("dialog.search"), input = dialog.querySelector("input");
  var found = dialog.querySelector(".found"), count = dialog.querySelector(".count");
  function fold(text) { return text.normalize("NFKC").toLowerCase(); }
  function excerpt(text, words) {
    var low = fold(text), at = low.length === text.length ? low.indexOf(words[0]) : -1, node = make("small");
    var from = Math.max(0, at - 60), part = text.slice(from, from + 200), rest = fold(part), position = 0;
    if (from) node.append("… ");
    while (at >= 0 && rest.length === part.length) {
      var hit = -1, word = "";
      words.forEach(function (w) { var i = rest.indexOf(w, position); if (i >= 0 && (hit < 0 || i < hit)) { hit = i; word = w; } });
      if (hit < 0) break;
      node.append(part.slice(position, hit), make("mark", "", part.slice(hit, hit + word.length)));
      position = hit + word.length;
    }
    node.append(part.slice(position), from + 200 < text.length ? " …" : "");
    return node;
  }
  function run() {
    var words = fold(input.value).split(/\s+/).filter(Boolean), hits = [];
    found.replaceChildren();
    count.textContent = "";
    if (!words.length || !window.bookIndex) return;
    window.bookIndex.forEach(function (entry, order) {
      var title = fold(entry[1] + " " + entry[2]), text = fold(entry[3]), score = 0;
      var every = words.every(function (word) {
        var inTitle = title.indexOf(word) >= 0, times = text.split(word).length - 1;
        score += (inTitle ? 20 : 0) + Math.min(times, 5);
        return inTitle || times > 0;
      });
      if (every) hits.push([score, order, entry]);
    });
    hits.sort(function (a, b) { return b[0] - a[0] || a[1] - b[1]; });
    count.textContent = hits.length === 1 ? "1 section" : hits.length + " sections";
    hits.slice(0, 40).forEach(function (hit) {
      var entry = hit[2], item = make("li"), link = make("a");
      link.href = body.dataset.base + entry[0];
      link.append(make("b", "", entry[2] ? entry[1] + " › " + entry[2] : entry[1]), excerpt(entry[3], words));
      link.addEventListener("click", function () { dialog.close(); });
      item.appendChild(link);
      found.appendChild(item);
    });
  }
  function openSearch() {
    openMenu(false);
    if (!dialog.open) dialog.showModal();
    input.select();
    if (window.bookIndex) return;
    var script = make("script");
    script.src = body.dataset.assets + "/search-index.js";
    script.onload = run;
    doc.head.appendChild(script);
  }
  doc.querySelector(".find").addEventListener("click", openSearch);
  input.addEventListener("input", run);
  dialog.addEventListener("click", function (event) { if (event.target === dialog) dialog.close(); });
  dialog.querySelector("form").addEventListener("submit", function (event) {
    var first = found.querySelector("a");
    if (event.submitter && event.submitter.matches("button") && doc.activeElement === event.submitter) return;
    event.preventDefault();
    if (first) first.click();
  });
  addEventListener("keydown", function (event) {
    var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName || "");
    if (event.key === "Escape" && open) hide();
    if (event.key === "Escape" && contents.classList.contains("open")) { openMenu(false); menu.focus(); }
    if ((event.key === "/" && !typing) || (event.key === "k" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      openSearch();
    }
  });
})();
