(function (root) {
  "use strict";
  var card = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  var names = card.parameters, cuts = card.thresholds.length, classes = cuts + 1;

  function expit(x) { return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)); }
  function round(x) {
    if (card.digits === null) { return x; }
    var unit = Math.pow(10, card.digits);
    return (x < 0 ? -1 : 1) * Math.floor(Math.abs(x) * unit + 0.5) / unit;
  }
  var transforms = { identity: function (x) { return x; }, log: Math.log, log1p: Math.log1p, log2: Math.log2 };

  function designOf(item, value) {
    if (item.kind === "class") { return item.rows[item.levels.indexOf(value)]; }
    if (value === "" || value === null || Number.isNaN(Number(value))) { return item.missing_row; }
    var held = Math.min(Math.max(Number(value), item.low), item.high);
    return item.parameters.map(function (p, j) { return j === 0 ? transforms[item.transform](held) : 0; });
  }
  function predictor(item, design) {
    return item.parameters.reduce(function (sum, p, j) { return sum + design[j] * card.slopes[p]; }, 0);
  }

  /* Points, probabilities with intervals and reasons of one borrower: values by characteristic. */
  function compute(values) {
    var exog = names.map(function () { return 0; }), eta = 0, points = [], lost = [], referred = false, drifted = false;
    card.characteristics.forEach(function (item) {
      var value = values[item.name], design = designOf(item, value);
      if (!design) { referred = true; return; }
      if (item.kind === "number" && value !== "" && (Number(value) < item.least || Number(value) > item.most)) { drifted = true; }
      var own = predictor(item, design);
      item.parameters.forEach(function (p, j) { exog[names.indexOf(p)] = design[j]; });
      eta += own;
      var got = round(item.neutral + card.factor * (item.centre - own));
      points.push({ name: item.name, points: got, lost: item.best - got });
    });
    if (referred) { return { referred: true }; }
    var bound = card.thresholds.map(function (theta) { return theta - eta - card.shift; });
    var below = bound.map(expit), above = bound.map(function (b) { return expit(-b); });
    var density = below.map(function (f, j) { return f * above[j]; });
    var probability = [], jacobian = [], k = names.length;
    for (var c = 0; c < classes; c += 1) {
      var p = (c < cuts ? below[c] : 1) * (c > 0 ? above[c - 1] : 1);
      if (c > 0 && c < cuts) { p *= -Math.expm1(-(card.thresholds[c] - card.thresholds[c - 1])); }
      probability.push(p);
      var up = c < cuts ? density[c] : 0, down = c > 0 ? density[c - 1] : 0, row = exog.map(function (x) { return -(up - down) * x; });
      for (var j = 0; j < cuts; j += 1) { row.push(j === c ? up : j === c - 1 ? -down : 0); }
      jacobian.push(row);
    }
    var worse = exog.map(function (x) { return density[card.cut] * x; });
    for (var t = 0; t < cuts; t += 1) { worse.push(t === card.cut ? -density[card.cut] : 0); }
    probability.push(above[card.cut]); jacobian.push(worse);
    var all = probability.map(function (estimate, i) {
      var row = jacobian[i], variance = 0;
      for (var a = 0; a < row.length; a += 1) { for (var b = 0; b < row.length; b += 1) { variance += row[a] * card.covariance[a][b] * row[b]; } }
      var half = card.z * Math.sqrt(Math.max(variance, 0)) / (estimate * (1 - estimate)), middle = Math.log(estimate / (1 - estimate));
      return { estimate: estimate, lower: expit(middle - half), upper: expit(middle + half) };
    });
    var pd = all.pop(), grade = 0;
    if (card.scale) { while (grade < card.scale.bounds.length && pd.estimate > card.scale.bounds[grade]) { grade += 1; } }
    var reasons = points.filter(function (x) { return x.lost > 0; }).sort(function (a, b) { return b.lost - a.lost; });
    return {
      referred: false, drifted: drifted, score: points.reduce(function (s, x) { return s + x.points; }, 0), points: points,
      classes: all, pd: pd, grade: card.scale ? card.scale.labels[grade] : null,
      severity: all.reduce(function (s, x, i) { return s + x.estimate * card.losses[i]; }, 0), reasons: reasons.slice(0, 3)
    };
  }

  function percent(x) { return (100 * x).toFixed(1) + " %"; }
  function labelOf(name) { return card.labels[name] || name; }
  function fill(part, text) { root.querySelector("[data-part='" + part + "']").textContent = text; }
  function values() {
    var found = {};
    root.querySelectorAll("[data-characteristic]").forEach(function (input) { found[input.dataset.characteristic] = input.value; });
    return found;
  }
  /* For each characteristic the one other answer that changes the grade most for the better, or the least for the worse. */
  function changes(now, mine) {
    var found = [], order = card.scale ? card.scale.labels : [];
    card.characteristics.forEach(function (item) {
      if (item.kind !== "class") { return; }
      var best = null;
      item.levels.forEach(function (level) {
        var other = Object.assign({}, mine); other[item.name] = level;
        var got = compute(other);
        if (got.referred || got.grade === now.grade) { return; }
        if (!best || got.pd.estimate < best.pd) { best = { name: item.name, level: level, grade: got.grade, pd: got.pd.estimate }; }
      });
      if (best && order.indexOf(best.grade) < order.indexOf(now.grade)) { found.push(best); }
    });
    return found.sort(function (a, b) { return a.pd - b.pd; });
  }
  function controls() { return Array.prototype.slice.call(root.querySelectorAll("[data-characteristic]")); }
  function called(name, level) {
    var shown = controls().filter(function (input) { return input.dataset.characteristic === name; })[0];
    var option = Array.prototype.filter.call(shown.options || [], function (each) { return each.value === level; })[0];
    return option ? option.textContent : level;
  }
  /* The address holds the answers, so that it can be shared; other places of the page keep theirs. */
  var mark = "#" + root.id + "?";
  function remember() {
    var words = new URLSearchParams(values()).toString();
    try { history.replaceState(null, "", mark + words); } catch (error) { /* a page without an address of its own */ }
  }
  function recall() {
    if (location.hash.indexOf(mark) !== 0) { return; }
    var asked = new URLSearchParams(location.hash.slice(mark.length));
    controls().forEach(function (input) {
      var before = input.value;
      if (asked.has(input.dataset.characteristic)) { input.value = asked.get(input.dataset.characteristic); }
      if (input.tagName === "SELECT" && input.selectedIndex < 0) { input.value = before; }
    });
    root.scrollIntoView();
  }
  function keep() {
    var got = compute(values()), place = root.querySelector("[data-part='kept']");
    place.hidden = false;
    place.textContent = got.referred ? "Kept borrower: a person decides." : "Kept borrower: score " + got.score +
      (got.grade === null ? "" : ", grade " + got.grade) + ", probability of default " + percent(got.pd.estimate) +
      " (" + percent(got.pd.lower) + " to " + percent(got.pd.upper) + ").";
  }
  function show() {
    var mine = values(), got = compute(mine), body = root.querySelector("tbody"), list = root.querySelector("ol");
    root.querySelectorAll("[data-points]").forEach(function (cell) { cell.textContent = "–"; });
    body.textContent = ""; list.textContent = "";
    var others = root.querySelector("[data-part='changes']");
    others.textContent = "";
    if (got.referred) {
      fill("score", "–"); fill("grade", "–"); fill("pd", "–"); fill("interval", ""); fill("observed", "");
      fill("note", "An attribute has no estimated points: a person decides."); return;
    }
    got.points.forEach(function (x) { root.querySelector("[data-points='" + x.name + "']").textContent = String(x.points); });
    fill("score", String(got.score)); fill("grade", got.grade === null ? "–" : got.grade); 
    fill("pd", percent(got.pd.estimate)); fill("interval", percent(got.pd.lower) + " to " + percent(got.pd.upper));
    fill("observed", card.observed[got.grade] || "");
    fill("note", got.drifted ? "A value lies outside the range the card was made on; it is held at the end of that range." : "");
    got.classes.forEach(function (x, i) {
      var row = document.createElement("tr"), name = document.createElement("th");
      name.scope = "row"; name.textContent = card.categories[i]; row.appendChild(name);
      var cell = document.createElement("td"), bar = document.createElement("span");
      cell.textContent = percent(x.estimate); row.appendChild(cell);
      cell = document.createElement("td"); cell.textContent = percent(x.lower) + " to " + percent(x.upper); row.appendChild(cell);
      cell = document.createElement("td"); cell.className = "scorecard-bar"; bar.style.width = Math.max(100 * x.estimate, 0.5) + "%";
      bar.setAttribute("aria-hidden", "true"); cell.appendChild(bar); row.appendChild(cell); body.appendChild(row);
    });
    got.reasons.forEach(function (x) {
      var entry = document.createElement("li");
      entry.textContent = labelOf(x.name) + ": " + x.lost + " points below its best attribute"; list.appendChild(entry);
    });
    changes(got, mine).forEach(function (x) {
      var entry = document.createElement("li");
      entry.textContent = labelOf(x.name) + ": " + called(x.name, x.level) + " → grade " + x.grade + ", " + percent(x.pd);
      others.appendChild(entry);
    });
    if (!others.children.length) { others.appendChild(document.createElement("li")).textContent = "none for the better"; }
    if (!got.reasons.length) { var none = document.createElement("li"); none.textContent = "no points lost"; list.appendChild(none); }
  }
  function moved() { show(); remember(); }
  controls().forEach(function (input) { input.addEventListener("input", moved); input.addEventListener("change", moved); });
  root.querySelector("[data-part='reset']").addEventListener("click", function () {
    root.querySelector("form").reset(); root.querySelector("[data-part='kept']").hidden = true; moved();
  });
  root.querySelector("[data-part='keep']").addEventListener("click", keep);
  root.querySelector("form").addEventListener("submit", function (event) { event.preventDefault(); });
  root.scorecard = { compute: compute, values: values };
  recall();
  show();
}(document.getElementById("SCORECARD-ID")));
