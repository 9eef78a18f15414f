// The map component: the view is the viewBox of the drawing, so that lines and letters stay sharp at any scale.
"use strict";
(() => {
  const stage = document.querySelector(".map-view");
  const svg = stage.querySelector("svg");
  const whole = svg.viewBox.baseVal;
  const full = { x: whole.x, y: whole.y, width: whole.width, height: whole.height };
  let view = { ...full };
  let held = null;

  const show = () => svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
  const scale = () => Math.max(view.width / stage.clientWidth, view.height / stage.clientHeight);

  const point = (event) => {
    const at = svg.createSVGPoint();
    at.x = event.clientX;
    at.y = event.clientY;
    return at.matrixTransform(svg.getScreenCTM().inverse());
  };

  const zoom = (factor, center) => {
    const width = Math.min(Math.max(view.width * factor, full.width / 20), full.width * 3);
    const real = width / view.width;
    view = {
      x: center.x - (center.x - view.x) * real,
      y: center.y - (center.y - view.y) * real,
      width,
      height: view.height * real,
    };
    show();
  };

  const middle = () => ({ x: view.x + view.width / 2, y: view.y + view.height / 2 });
  const acts = {
    in: () => zoom(0.8, middle()),
    out: () => zoom(1.25, middle()),
    fit: () => { view = { ...full }; show(); },
  };

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(Math.sign(event.deltaY) * 0.15), point(event));
  }, { passive: false });

  stage.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, y: event.clientY };
    stage.setPointerCapture(event.pointerId);
    stage.classList.add("moving");
  });
  stage.addEventListener("pointermove", (event) => {
    if (!held) return;
    view.x -= (event.clientX - held.x) * scale();
    view.y -= (event.clientY - held.y) * scale();
    held = { x: event.clientX, y: event.clientY };
    show();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, () => { held = null; stage.classList.remove("moving"); });
  }

  stage.addEventListener("keydown", (event) => {
    const step = view.width / 12;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const keys = { "+": "in", "=": "in", "-": "out", 0: "fit" };
    if (moves[event.key]) {
      view.x += moves[event.key][0];
      view.y += moves[event.key][1];
      show();
    } else if (keys[event.key]) {
      acts[keys[event.key]]();
    } else {
      return;
    }
    event.preventDefault();
  });

  for (const button of document.querySelectorAll("[data-act]")) {
    button.addEventListener("click", () => acts[button.dataset.act]());
  }

  const boxes = [...svg.querySelectorAll(".mk-activity")];
  const paths = [...svg.querySelectorAll(".mk-path")];
  const light = (name) => {
    const near = new Set([name]);
    for (const path of paths) {
      const touches = path.dataset.source === name || path.dataset.target === name;
      path.classList.toggle("near", touches);
      if (touches) near.add(path.dataset.source).add(path.dataset.target);
    }
    for (const box of boxes) box.classList.toggle("near", near.has(box.dataset.name));
    svg.classList.add("lit");
  };
  for (const box of boxes) {
    box.addEventListener("pointerenter", () => { if (!held) light(box.dataset.name); });
    box.addEventListener("pointerleave", () => svg.classList.remove("lit"));
  }
})();
