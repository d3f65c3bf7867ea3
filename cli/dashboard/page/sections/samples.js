/** What training sees: augmented images of each class. */

import { addressOf, ask, make } from "../elements.js";

/** The samples of a run, once they are drawn. */
export function samples(run) {
  const address = addressOf("samples", run),
    picture = make("img", { className: "samples", alt: "augmented training images of each class" });
  return new Promise((resolve, reject) => {
    picture.addEventListener("load", () => resolve(make("div", { className: "scroll" }, picture)));
    picture.addEventListener("error", () => ask(address).catch(reject));
    picture.src = address;
  });
}
