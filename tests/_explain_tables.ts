/** The tables of kernels that run on an H100, as `tune --explain --model` prints them. */

import { explainModel } from "../cli/tuning/explain.ts";
import { DEVICE_PROFILES } from "../core/mod.ts";
import { modelByName } from "../models/mod.ts";

/** Each network with the batches of its training and of its inference. */
const NETWORKS = [["resnet20", 128, 128], ["resnet18", 64, 1], ["resnet50", 64, 1], ["mobilenet_v2", 64, 1]] as const;

/** All tables. */
export function explainTables(): string {
  const device = DEVICE_PROFILES["nvidia-hopper"];
  return NETWORKS.flatMap(([name, training, inference]) => {
    const model = modelByName(name);
    return [explainModel(model, training, false, device), explainModel(model, inference, true, device)];
  }).map((table) => `${table}\n`).join("\n");
}
