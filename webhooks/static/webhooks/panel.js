"use strict";
/* Draws the charts, and brings the page up to date while somebody looks at it. Without it the page reads the same. */
(() => {
  const EVERY = 15000;
  const COLOURS = ["#2f6fb3", "#d9822b", "#2e9d6b", "#9b59b6", "#c0392b", "#16798c"];
  let charts = [];

  function draw() {
    charts.forEach((chart) => chart.destroy());
    const style = getComputedStyle(document.body);
    const text = style.getPropertyValue("--soft").trim();
    const line = style.getPropertyValue("--line").trim();
    charts = [...document.querySelectorAll("[data-chart]")].map((box) => {
      const values = JSON.parse(document.getElementById(box.dataset.values).textContent);
      const stacked = "stacked" in box.dataset;
      box.hidden = false;
      const scale = { stacked, beginAtZero: true, ticks: { color: text, precision: 0 }, grid: { color: line } };
      return new Chart(box.querySelector("canvas"), {
        type: box.dataset.chart,
        data: {
          labels: values.labels,
          datasets: values.series.map((one, place) => ({ ...one, backgroundColor: COLOURS[place % COLOURS.length] })),
        },
        options: {
          animation: false,
          locale: document.documentElement.lang,
          maintainAspectRatio: false,
          indexAxis: "horizontal" in box.dataset ? "y" : "x",
          scales: { x: scale, y: { ...scale } },
          plugins: { legend: { display: values.series.length > 1, labels: { color: text } } },
        },
      });
    });
  }

  function isInUse(panel) {
    const focused = document.activeElement;
    return panel.contains(focused) && focused.matches("button, a, summary");
  }

  async function refresh() {
    const panel = document.getElementById("panel");
    if (document.hidden || isInUse(panel)) return;
    let answer;
    try {
      answer = await fetch(location.pathname, { credentials: "same-origin" });
    } catch {
      return; // the network is away; the next time may find it back
    }
    if (answer.redirected) location.reload(); // logged out meanwhile
    if (!answer.ok || answer.redirected) return;
    const text = await answer.text();
    if (isInUse(panel)) return;
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("panel");
    panel.querySelectorAll("details[id]").forEach((old) => {
      const same = fresh.querySelector("#" + old.id);
      if (same) same.open = old.open;
    });
    panel.replaceWith(fresh);
    draw();
  }

  draw();
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
