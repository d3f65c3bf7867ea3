/** Options that several commands share, and what they open. */

import { type Backend, openBackend, UsageError } from "../core/mod.ts";
import { type ImageSet, openImageSet, shapesSet } from "../data/mod.ts";
import { DiskFolder } from "./disk.ts";

/** The option --backend. */
export const BACKEND_OPTION = {
  kind: "text",
  about: "where to compute; auto takes a hardware GPU if there is one",
  default: "auto",
  choices: ["auto", "webgpu", "cpu"],
} as const;

/** The option --data. */
export const DATA_OPTION = {
  kind: "text",
  value: "shapes|DIR",
  about: "the built-in set of drawn shapes, or a folder in CIFAR-10's binary layout",
  default: "shapes",
} as const;

/** The option --model. */
export const MODEL_OPTION = {
  kind: "text",
  value: "NAME",
  about: "resnet20, 32, 44, 56, 110 or any resnet of depth 6n+2",
} as const;

/** Opens the backend that was asked for. */
export function openChosenBackend(choice: string): Promise<Backend> {
  return openBackend(choice as "auto" | "webgpu" | "cpu");
}

/** Opens the data that was asked for. */
export async function openData(data: string): Promise<ImageSet> {
  if (data === "") throw new UsageError("--data: expected shapes or a folder");
  return data === "shapes" ? shapesSet() : await openImageSet(new DiskFolder(data));
}
