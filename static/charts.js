// Draws what data-chart says, with Chart.js, which is loaded with the first chart. The table beside each has the numbers.
(() => {
  "use strict";
  const { library } = document.currentScript.dataset;
  const exact = new Intl.NumberFormat("en", { maximumFractionDigits: 6 });
  const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const DAY_MS = 86_400_000;
  const drawn = new Map(); // where: what is drawn there, and of which data

  let loading;
  const load = () => {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = library;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
    return loading;
  };

  // Colours as the style sheet has them here and now, light or dark.
  const inkOf = (place) => {
    const probe = place.appendChild(document.createElement("i"));
    const as = (name, property = "color") => {
      probe.className = name;
      return getComputedStyle(probe)[property];
    };
    const ink = {
      series: [1, 2, 3, 4, 5, 6].map((number) => as(`k${number}`, "backgroundColor")),
      surface: as("plot-surface"),
      rule: as("plot-rule"),
      text: as("mute"),
      accent: as("accent"),
      warn: as("warn"),
      bad: as("bad"),
      band: as("f-band", "fill"),
    };
    probe.remove();
    return ink;
  };

  const scale = (ink, more) => ({
    border: { display: false },
    grid: { color: ink.rule, drawTicks: false },
    ...more,
    ticks: { color: ink.text, padding: 6, maxRotation: 0, ...more.ticks },
  });
  const credits = (ink, more) => scale(ink, { beginAtZero: true, ...more, ticks: { maxTicksLimit: 6, callback: (value) => exact.format(value) } });
  const tooltip = (ink, callbacks, more) => ({
    backgroundColor: ink.surface,
    borderColor: ink.rule,
    borderWidth: 1,
    titleColor: ink.text,
    bodyColor: ink.text,
    footerColor: ink.text,
    padding: 10,
    boxPadding: 4,
    callbacks,
    ...more,
  });

  const bars = (data, ink) => ({
    type: "bar",
    data: {
      labels: data.names,
      datasets: data.series.map((one) => ({
        label: one.name,
        data: one.amounts.map(Number),
        backgroundColor: ink.series[one.colour - 1],
        hoverBackgroundColor: ink.series[one.colour - 1],
        borderColor: ink.surface,
        hoverBorderColor: ink.surface,
        borderWidth: { top: 1.5 },
        borderSkipped: false,
        categoryPercentage: 0.8,
        barPercentage: 0.9,
        maxBarThickness: 48,
      })),
    },
    options: {
      interaction: { mode: "index", intersect: false },
      scales: {
        x: scale(ink, { stacked: true, grid: { display: false }, ticks: { autoSkipPadding: 24 } }),
        y: credits(ink, { stacked: true }),
      },
      plugins: {
        tooltip: tooltip(
          ink,
          {
            label: (item) => ` ${item.dataset.label}: ${exact.format(data.series[item.datasetIndex].amounts[item.dataIndex])}`,
            footer: ([item]) => `${exact.format(data.totals[item?.dataIndex] ?? 0)} credits`,
          },
          { filter: (item) => item.raw !== 0 },
        ),
      },
    },
  });

  const MARKS = { expiry: ["triangle", "warn"], recharge: ["rectRot", "accent"], end: ["circle", "bad"] };
  const line = (data, ink) => {
    const today = Date.parse(data.today);
    const on = (days) => day.format(today + Math.floor(days) * DAY_MS);
    const points = (pairs) => pairs.map(([x, y]) => ({ x: Number(x), y: Number(y) }));
    const [past, expected, high, low] = [data.past, data.expected, data.high, data.low].map(points);
    const [first, now, last] = [past[0].x, expected[0].x, Number(data.last)];
    const path = { borderColor: ink.accent, borderWidth: 2, pointRadius: 0, pointHoverRadius: 4, pointHoverBackgroundColor: ink.accent };
    const quiet = { borderColor: ink.text, borderWidth: 1, borderDash: [6, 4], pointRadius: 0, pointHoverRadius: 0, quiet: true };
    const datasets = [
      { ...path, label: "So far", data: past },
      { ...path, label: "Expected", data: expected, borderDash: [5, 4], about: true },
      { label: "If little is used", data: high, borderWidth: 0, pointRadius: 0, pointHoverRadius: 0, fill: "+1", backgroundColor: ink.band, about: true },
      { label: "If much is used", data: low, borderWidth: 0, pointRadius: 0, pointHoverRadius: 0, about: true },
      ...(data.threshold === null ? [] : [{ ...quiet, data: [first, last].map((x) => ({ x, y: Number(data.threshold) })) }]),
      ...data.marks.map((mark) => {
        const [pointStyle, colour] = MARKS[mark.kind];
        return { label: mark.words, data: points([mark.at]), showLine: false, pointStyle, pointRadius: 6, pointHoverRadius: 7, backgroundColor: ink.surface, borderColor: ink[colour], borderWidth: 2, mark };
      }),
    ];
    return {
      type: "line",
      data: { datasets },
      options: {
        interaction: { mode: "nearest", axis: "x", intersect: false },
        scales: {
          x: scale(ink, { type: "linear", min: first, max: last, grid: { display: false }, ticks: { autoSkipPadding: 24, precision: 0, callback: (value) => (value === 0 ? "Today" : Number.isInteger(value) ? on(value) : null) } }),
          y: credits(ink, {}),
        },
        plugins: {
          tooltip: tooltip(
            ink,
            {
              title: ([item]) => (item ? on(item.parsed.x) : ""),
              label: ({ dataset, raw }) => (dataset.mark ? ` ${dataset.label}` : ` ${dataset.label}: ${dataset.about ? whole.format(raw.y) : exact.format(raw.y)}`),
            },
            { displayColors: false, filter: (item, _, items) => !item.dataset.quiet && (item.dataset.label !== "Expected" || item.parsed.x > now || items.length === 1) },
          ),
        },
      },
      plugins: [{ afterDatasetsDraw: (chart) => written(chart, data, ink, now) }],
    };
  };

  // The moment that it is now, and a word beside each mark.
  const written = ({ ctx, chartArea, scales }, data, ink, now) => {
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = ink.text;
    ctx.font = `12px ${Chart.defaults.font.family}`;
    const x = scales.x.getPixelForValue(now);
    ctx.setLineDash([2, 3]);
    ctx.beginPath();
    ctx.moveTo(x, chartArea.top);
    ctx.lineTo(x, chartArea.bottom);
    ctx.stroke();
    const write = (words, x, y) => {
      ctx.strokeText(words, x, y); // so that it can be read above a line
      ctx.fillText(words, x, y);
    };
    ctx.setLineDash([]);
    ctx.strokeStyle = ink.surface;
    ctx.lineWidth = 4;
    ctx.lineJoin = "round";
    const said = new Set(); // recharges come again and again
    for (const { at, words } of data.marks.filter(({ words }) => !said.has(words) && said.add(words))) {
      const place = scales.x.getPixelForValue(Number(at[0]));
      const fits = place + 12 + ctx.measureText(words).width < chartArea.right;
      ctx.textAlign = fits ? "left" : "right";
      write(words, place + (fits ? 12 : -12), scales.y.getPixelForValue(Number(at[1])) - 8);
    }
    if (data.threshold !== null) {
      ctx.textAlign = "left";
      write(`Recharge at ${exact.format(data.threshold)}`, chartArea.left + 4, scales.y.getPixelForValue(Number(data.threshold)) - 6);
    }
    ctx.restore();
  };

  const KINDS = { bars, line };
  const draw = (place) => {
    const data = JSON.parse(place.dataset.chart);
    const canvas = document.createElement("canvas");
    const config = KINDS[data.kind](data, inkOf(place));
    place.replaceChildren(canvas);
    config.options = {
      ...config.options,
      maintainAspectRatio: false,
      animation: still.matches ? false : { duration: 150 },
      plugins: { legend: { display: false }, ...config.options.plugins },
    };
    drawn.set(place, { chart: new Chart(canvas, config), of: place.dataset.chart });
  };
  const forget = (place) => {
    drawn.get(place).chart.destroy();
    drawn.delete(place);
  };

  // What a swap took away is forgotten, what it brought or changed is drawn.
  const look = async () => {
    for (const [place, { chart, of }] of drawn) {
      if (!chart.canvas?.isConnected || place.dataset.chart !== of) forget(place);
    }
    const waiting = () => [...document.querySelectorAll("[data-chart]")].filter((place) => !drawn.has(place));
    if (!waiting().length) return;
    await load();
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    waiting().forEach(draw);
  };
  const again = () => {
    [...drawn.keys()].forEach(forget);
    look();
  };

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  document.addEventListener("htmx:after:swap", look);
  document.addEventListener("DOMContentLoaded", look);
})();
