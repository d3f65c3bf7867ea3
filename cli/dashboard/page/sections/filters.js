/** The filters of the first convolution as small pictures. */

import { addressOf, ask, make } from "../elements.js";

/** Pixels of the shorter side of a filter, at least. */
const SIDE = 44;

/** The filters of a run's best network. */
export async function filters(run) {
  const { name, shape: [count, channels, height, width], values } = await ask(addressOf("filters", run));
  const size = channels * height * width, plane = height * width;
  const pictures = Array.from({ length: count }, (_, filter) => {
    const picture = make("canvas", { width, height, role: "img", "aria-label": `filter ${filter + 1} of ${count}` });
    picture.style.width = `${Math.max(SIDE, width * 4)}px`;
    const context = picture.getContext("2d"), image = context.createImageData(width, height);
    for (let i = 0; i < plane; i++) {
      for (let c = 0; c < 3; c++) {
        image.data[4 * i + c] = values[filter * size + Math.min(c, channels - 1) * plane + i];
      }
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return picture;
  });
  const about = `${name}: ${count} filters of ${height}x${width} over ${channels} channel${channels > 1 ? "s" : ""}. ` +
    "Grey is a weight of 0; each filter is drawn up to its largest.";
  return make("div", {}, make("p", { className: "hint" }, about), make("div", { className: "filters" }, ...pictures));
}
