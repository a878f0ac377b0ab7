// Moves and zooms an SVG through its viewBox. Tells how many drawing units one pixel is, so that signs keep their size.

const MOST = 12;
const STEP = 1.4;

/** {fit(box), zoom(factor), reset(), resized()}; `scaled(unitsPerPixel)` is called after each change. */
export function panZoom(svg, scaled) {
  let home = { x: 0, y: 0, width: 1000, height: 640 };
  let box = { ...home };

  function apply() {
    const zoom = home.width / box.width;
    box.x = clamp(box.x, home.x - box.width / 2, home.x + home.width - box.width / 2);
    box.y = clamp(box.y, home.y - box.height / 2, home.y + home.height - box.height / 2);
    svg.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${box.height}`);
    svg.classList.toggle("zoomed", zoom > 1.01);
    scaled(unitsPerPixel());
  }

  function unitsPerPixel() {
    const { clientWidth, clientHeight } = svg;
    if (!clientWidth || !clientHeight) return 1;
    return Math.max(box.width / clientWidth, box.height / clientHeight);
  }

  function zoomAt(factor, x, y) {
    const width = clamp(box.width / factor, home.width / MOST, home.width);
    const ratio = width / box.width;
    box = { x: x - (x - box.x) * ratio, y: y - (y - box.y) * ratio, width, height: box.height * ratio };
    if (width === home.width) box = { ...home };
    apply();
  }

  function pointAt(event) {
    const matrix = svg.getScreenCTM();
    return matrix ? new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse()) : { x: 0, y: 0 };
  }

  svg.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== svg) return; // the page scrolls
      event.preventDefault();
      const at = pointAt(event);
      zoomAt(event.deltaY < 0 ? STEP : 1 / STEP, at.x, at.y);
    },
    { passive: false },
  );

  let held = null;
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || home.width / box.width <= 1.01) return;
    held = { x: event.clientX, y: event.clientY };
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!held) return;
    const k = unitsPerPixel();
    box.x -= (event.clientX - held.x) * k;
    box.y -= (event.clientY - held.y) * k;
    held = { x: event.clientX, y: event.clientY };
    apply();
  });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => (held = null));

  const centre = () => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
  return {
    fit(wanted) {
      home = wanted;
      box = { ...home };
      apply();
    },
    zoom(factor) {
      const { x, y } = centre();
      zoomAt(factor, x, y);
    },
    reset() {
      box = { ...home };
      apply();
    },
    resized: apply,
    step: STEP,
  };
}

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
