// The book's own script: menu, theme, "on this page", search. No module, no request: works from file://.
(function () {
  "use strict";
  var doc = document, root = doc.documentElement, body = doc.body;
  var all = window.bookReader.all, fold = window.bookReader.fold, make = window.bookReader.make;

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
    return target;
  }
  addEventListener("hashchange", reveal);
  // pictures that load late push the place where a link leads; until the reader moves, the page stays there
  var place = location.hash && reveal();
  if (place && window.ResizeObserver) {
    var stay = new ResizeObserver(function () { place.scrollIntoView({ behavior: "instant" }); });
    stay.observe(doc.querySelector("main"));
    ["wheel", "touchmove", "keydown", "pointerdown"].forEach(function (kind) {
      addEventListener(kind, function () { stay.disconnect(); }, { passive: true, once: true });
    });
    setTimeout(function () { stay.disconnect(); }, 4000);
  }
  addEventListener("beforeprint", function () { all("details:not(.code)").forEach(function (d) { d.open = true; }); });

  // search: every word must occur, anywhere in a word, so Chinese needs no word breaks; the index loads on first use
  var dialog = doc.querySelector("dialog.search"), input = dialog.querySelector("input");
  var found = dialog.querySelector(".found"), count = dialog.querySelector(".count");
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
    count.textContent = window.bookReader.say(hits.length === 1 ? "1 section" : hits.length + " sections", hits.length + " 处");
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
    if (event.key === "Escape" && contents.classList.contains("open")) { openMenu(false); menu.focus(); }
    if ((event.key === "/" && !typing) || (event.key === "k" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault();
      openSearch();
    }
  });
})();
