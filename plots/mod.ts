/**
 * What a run folder shows of a run: plots of its curves and confusions as SVG, TensorBoard's event files, and how weights and
 * gradients are distributed. All listen to `fit`; the packages that they need are loaded when a run begins.
 *
 * @example
 * ```ts
 * import { fit, modelByName, openBackend, shapesSet } from "@residua/residua";
 * import { RunFolder } from "@residua/residua/disk";
 * import { RunEvents, RunPlots } from "@residua/residua/plots";
 * using backend = await openBackend("cpu");
 * await using folder = new RunFolder("runs/plotted");
 * const model = modelByName("resnet8"), set = shapesSet({ trainCount: 40, validationCount: 10 });
 * const plots = new RunPlots(folder.store, folder, `${model.name} on ${set.name}`, set.classes);
 * const events = new RunEvents(folder.store);
 * await fit({ model, backend, set, epochs: 1, batch: 20, folder, callbacks: [plots, events] });
 * await events.flush();
 * console.log(plots.files); // [ "curves.svg", "confusion.svg" ]
 * ```
 *
 * @module
 */

export {
  type Distribution,
  type DistributionsLine,
  type ParameterDistributions,
  QUANTILES,
  readDistributions,
} from "./distributions.ts";
export { RunDistributions } from "./run_distributions.ts";
export { type EventStore, RunEvents } from "./run_events.ts";
export { loadPlots, RunPlots } from "./run_plots.ts";
export type { Drawings, EpochLine } from "./drawings.ts";
