/** Images of the validation set with what the network said of them, and by what, when it is asked for. */

import { addressOf, ask, make } from "../elements.js";

/** Opens an image beside itself under the map of a class. */
function explain(run, index, label, name) {
  const picture = make("img", { className: "map", alt: `image ${index} under the map of ${name}` });
  const told = make("p", { className: "hint", role: "status" }, "Computing by what…");
  const close = make("button", { type: "button" }, "Close");
  const dialog = make(
    "dialog",
    {},
    make("h2", {}, `By what image ${index} was taken for ${name}`),
    told,
    picture,
    close,
  );
  const address = addressOf("explain", run, { index, class: label });
  picture.addEventListener("load", () => told.textContent = "By Grad-CAM: red is what spoke most for the class.");
  picture.addEventListener("error", () => ask(address).catch((error) => told.textContent = error.message));
  picture.src = address;
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/**
 * A grid of images.
 *
 * @param {string} run
 * @param {{ index: number, label: number, predicted: number, probability: number, path?: string }[]} images
 * @param {string[]} classes
 */
export function imageGrid(run, images, classes) {
  const told = make("p", { className: "hint", role: "status" }), grid = make("div", { className: "images" });
  for (const { index, label, predicted, probability, path } of images) {
    const address = addressOf("image", run, { index }), name = classes[predicted];
    const picture = make("img", { src: address, alt: `image ${index}`, loading: "lazy", width: 96, height: 96 });
    picture.addEventListener("error", () => ask(address).catch((error) => told.textContent = error.message), {
      once: true,
    });
    const button = make(
      "button",
      { type: "button", title: `${path ?? `image ${index}`}: ${classes[label]}, taken for ${name}; press for its map` },
      picture,
      make("span", {}, `${name} ${Math.round(100 * probability)} %`),
      make("span", { className: "dim" }, `is ${classes[label]}`),
    );
    button.addEventListener("click", () => explain(run, index, predicted, name));
    grid.append(button);
  }
  return make("div", {}, told, grid);
}
