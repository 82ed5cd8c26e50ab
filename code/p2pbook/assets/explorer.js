(function (root) {
  "use strict";
  var data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  function expit(x) { return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)); }
  /* Value of a curve given by its corners, straight between them and level beyond. */
  function along(xs, ys, x) {
    if (x <= xs[0]) { return ys[0]; }
    for (var i = 1; i < xs.length; i += 1) {
      if (x <= xs[i]) { return ys[i - 1] + (ys[i] - ys[i - 1]) * (x - xs[i - 1]) / (xs[i] - xs[i - 1]); }
    }
    return ys[ys.length - 1];
  }
  /* What each kind shows: [words, value] by row. p2pbook.explorers computes the same in Python. */
  var kinds = {
    thresholds: function (got) {
      var below = data.thresholds.map(function (theta) { return expit(theta - got.eta); }).concat(1), last = 0;
      return data.classes.map(function (name, k) { var p = below[k] - last; last = below[k]; return [name, p]; });
    },
    curves: function (got) {
      return data.curves.map(function (curve) { return [curve.name, along(curve.x, curve.y, got.x)]; });
    },
    lookup: function (got) {
      var row = data.rows[data.by.map(function (name) { return got[name]; }).join(" / ")];
      return data.names.map(function (name, i) { return [name, row[i]]; });
    },
    cutoff: function (got) {
      var sums = [0, 0, 0, 0], carries = data.caps[got.cap + " / " + got.funding];
      Object.keys(data.terms).forEach(function (term) {
        var curves = data.terms[term], at = Math.min(got.cutoff, carries[term]);
        ["loans", "bad", "money", got.funding].forEach(function (name, i) { sums[i] += along(data.x, curves[name], at); });
      });
      var price = along(data.price[got.funding].x, data.price[got.funding].y, Math.min(got.cutoff, carries["36"]));
      var found = [sums[0], sums[0] ? sums[1] / sums[0] : null, sums[3], sums[2] ? sums[3] / sums[2] : null, price];
      return data.names.map(function (name, i) { return [name, found[i]]; });
    },
    run: function (got) {
      var loans = 1, owed = 1, cash = got.cash, due = Number(got.due), matched = due >= data.asset_months, rows = [];
      for (var month = 1; month <= data.months[data.months.length - 1]; month += 1) {
        var contract = loans / data.asset_months, inflow = contract * (1 - got.default_rate);
        var out = matched ? inflow : owed / due, fresh = got.reinvested * out;
        /* what comes in first pays what is due; only what is left is lent again */
        var lend = matched ? fresh : Math.max(0, Math.min(fresh, inflow + fresh - out));
        cash += inflow + fresh - out - lend;
        loans += lend - contract;
        owed += fresh - (matched ? contract : out);
        if (cash < -1e-9) { rows.push(["Month " + month + ": nothing is left", cash]); break; }
        if (data.months.indexOf(month) >= 0) { rows.push(["After month " + month, cash]); }
      }
      return rows;
    }
  };
  var controls = Array.prototype.slice.call(root.querySelectorAll("[data-control]"));
  function values() {
    var found = {};
    controls.forEach(function (input) { found[input.dataset.control] = input.type === "range" ? Number(input.value) : input.value; });
    return found;
  }
  function compute(got) { return kinds[data.kind](got); }
  function words(value) {
    return value === null ? "–" : (data.percent ? 100 * value : value).toFixed(data.digits).replace("-", "−") + data.unit;
  }
  function show() {
    var got = values(), rows = compute(got), body = root.querySelector("tbody"), most = data.most;
    controls.forEach(function (input) {
      var shown = root.querySelector("output[for='" + input.id + "']"), percent = input.dataset.percent;
      if (!shown) { return; }
      shown.textContent = (Number(input.value) * (percent ? 100 : 1)).toFixed(Number(input.dataset.digits)).replace("-", "−") + (percent ? "\u00a0%" : "");
      input.setAttribute("aria-valuetext", shown.textContent);  /* a share would be read out as a part of one */
    });
    body.textContent = "";
    rows.forEach(function (each) {
      var row = document.createElement("tr"), head = document.createElement("th"), cell = document.createElement("td");
      head.scope = "row"; head.textContent = each[0]; row.appendChild(head);
      cell.textContent = words(each[1]); row.appendChild(cell);
      cell = document.createElement("td"); cell.className = "explorer-bar"; cell.setAttribute("aria-hidden", "true");
      var bar = document.createElement("span");
      bar.style.width = Math.min(100, 100 * Math.abs(each[1] || 0) / most) + "%";
      if (each[1] < 0) { bar.className = "negative"; }
      cell.appendChild(bar); row.appendChild(cell); body.appendChild(row);
    });
  }
  controls.forEach(function (input) { input.addEventListener("input", show); input.addEventListener("change", show); });
  root.querySelector("button").addEventListener("click", function () { root.querySelector("form").reset(); show(); });
  root.querySelector("form").addEventListener("submit", function (event) { event.preventDefault(); });
  root.explorer = { compute: compute, values: values };
  show();
}(document.getElementById("EXPLORER-ID")));
