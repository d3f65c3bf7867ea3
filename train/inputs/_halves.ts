/** The two halves of {@link BatchInputs}, images and targets, and how they are put together. */

import type { Graph, Program, Value } from "../../core/mod.ts";
import type { BatchInputs, Feed, PartSpec, RecordedInputs } from "./batch_inputs.ts";

/** How the images of a batch reach a step. */
export interface ImageInputs {
  /** As {@link BatchInputs.filler}. */
  readonly filler?: BatchInputs["filler"];
  /** Records the images [count, C, H, W]. */
  record(graph: Graph, part: PartSpec): Value;
  /** As {@link BatchInputs.connect}. */
  connect(program: Program, part: PartSpec): Feed;
}

/** How the targets of a batch reach a step. */
export interface TargetInputs {
  /** Records the labels, and the loss once there are logits. */
  record(graph: Graph, part: PartSpec): Omit<RecordedInputs, "images">;
  /** As {@link BatchInputs.connect}. */
  connect(program: Program, part: PartSpec): Feed;
}

/** Images of one kind with targets of another. */
export function joinInputs(images: ImageInputs, targets: TargetInputs): BatchInputs {
  return {
    filler: images.filler,
    record: (graph, part) => ({ images: images.record(graph, part), ...targets.record(graph, part) }),
    connect(program, part) {
      const feeds = [images.connect(program, part), targets.connect(program, part)];
      return (batch, index, parts) => feeds.forEach((feed) => feed(batch, index, parts));
    },
  };
}

/** The elements of a part, where those of each image are adjacent. */
export function partOf<T extends Float32Array | Uint32Array>(elements: T, part: number, parts: number): T {
  const size = elements.length / parts;
  return elements.subarray(part * size, (part + 1) * size) as T;
}
