/** Images that lie on the device as bytes: a step uploads only which it wants, and how they are shifted and mirrored. */

import { f32, u32, UsageError } from "../../core/mod.ts";
import type { ResidentImages } from "../../data/mod.ts";
import { gatherImages, VIEW_WORDS } from "../../ops/mod.ts";
import { type ImageInputs, partOf } from "./_halves.ts";

/** The bytes and what they stand for are written once, views in each step. */
const BYTES = "bytes", LEVELS = "levels", VIEWS = "views";

/** Images that lie on the device. */
export function residentImages(resident: ResidentImages): ImageInputs {
  const { words, levels, shape } = resident;
  return {
    filler: resident,
    record(graph, { count }) {
      const bytes = graph.input(BYTES, u32([words.length])), views = graph.input(VIEWS, u32([count, VIEW_WORDS]));
      const table = graph.input(LEVELS, f32([shape[0], levels.length / shape[0]]));
      return gatherImages.apply(graph, [bytes, table, views], { imageShape: shape })[0];
    },
    connect(program) {
      program.write(BYTES, words);
      program.write(LEVELS, levels);
      return (batch, part, parts) => {
        if (!("views" in batch)) {
          throw new UsageError("Expected a batch of views but one of images came; give the loader the inputs' filler");
        }
        program.write(VIEWS, partOf(batch.views, part, parts));
      };
    },
  };
}
