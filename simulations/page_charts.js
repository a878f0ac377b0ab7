const page = getComputedStyle(document.documentElement);
const colour = (name) => page.getPropertyValue("--" + name).trim();
const painted = (value) => typeof value === "string" ? (value === "inherit" ? getComputedStyle(document.body).fontFamily : value.startsWith("@") ? colour(value.slice(1)) : value)
  : Array.isArray(value) ? value.map(painted)
  : value && typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, painted(v)]))
  : value;
const draw = () => {
  for (const [id, figure] of Object.entries(charts)) {
    const {data, layout} = painted(figure);
    Plotly.react(id, data, layout, {displayModeBar: false, responsive: true});
  }
};
draw();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
