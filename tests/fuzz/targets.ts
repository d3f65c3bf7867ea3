/** All that is fuzzed: a table for each kind of input, in a module of its own, so that a worker loads no more than it needs. */

import type { FuzzTarget } from "./_target.ts";
import { TARGETS as FILES } from "./targets/files.ts";
import { TARGETS as IMAGES } from "./targets/images.ts";
import { TARGETS as OPTIONS } from "./targets/options.ts";
import { TARGETS as TORCH } from "./targets/torch.ts";
import { TARGETS as WEIGHTS } from "./targets/weights.ts";

/** A target and where it is. */
export interface ListedTarget {
  readonly target: FuzzTarget;
  /** The module that exports it among its `TARGETS`. */
  readonly module: string;
}

const TABLES = { weights: WEIGHTS, torch: TORCH, images: IMAGES, files: FILES, options: OPTIONS };

/** The readers, whose names are all different. */
export const TARGETS: readonly ListedTarget[] = Object.entries(TABLES).flatMap(([name, targets]) =>
  targets.map((target) => ({ target, module: new URL(`./targets/${name}.ts`, import.meta.url).href }))
);
