/**
 * Residua trains and runs residual networks on WebGPU and on the CPU.
 *
 * ```ts
 * import { modelByName, openBackend, shapesSet } from "@residua/residua";
 * import { fit } from "@residua/residua/train";
 *
 * const backend = await openBackend("auto");
 * const set = shapesSet();
 * await fit({ model: modelByName("resnet20", { classes: 10 }), backend, set, epochs: 1 });
 * ```
 *
 * @module
 */

export * from "./core/mod.ts";
export * from "./ops/mod.ts";
export * from "./blocks/mod.ts";
export * from "./models/mod.ts";
export * from "./data/mod.ts";
export * from "./weights/mod.ts";
export * from "./inference/mod.ts";
export * from "./train/mod.ts";
