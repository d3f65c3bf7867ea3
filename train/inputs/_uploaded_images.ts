/** Images that each step uploads. */

import { f32, UsageError } from "../../core/mod.ts";
import { type ImageInputs, partOf } from "./_halves.ts";

const IMAGE = "image";

/** Images that each step uploads. */
export const uploadedImages: ImageInputs = {
  record: (graph, { count, imageShape }) => graph.input(IMAGE, f32([count, ...imageShape])),
  connect: (program) => (batch, part, parts) => {
    if (!("images" in batch)) {
      throw new UsageError("Expected a batch of images but one of views came; they are for residentInputs");
    }
    program.write(IMAGE, partOf(batch.images, part, parts));
  },
};
