/**
 * The disk: folders of images, run folders, checkpoints, tables of images. It needs Deno, and no package but for tables.
 *
 * @example Train into a folder, or go on where a run there was stopped
 * ```ts
 * import { fit, modelByName, openBackend, shapesSet } from "@residua/residua";
 * import { RunFolder } from "@residua/residua/disk";
 * using backend = await openBackend("auto");
 * await using folder = new RunFolder("runs/first");
 * const saved = await folder.resume(), progress = saved?.info.progress;
 * await fit({ model: modelByName("resnet20"), backend, set: shapesSet(), epochs: 6, folder, initial: saved, progress });
 * ```
 *
 * @module
 */

export { DiskFolder, DiskStore, writeFile } from "../files/mod.ts";
export { pathsIn, readListFile } from "./list_file.ts";
export { type ReadCheckpoint, readCheckpoint, type ReadOptions } from "./read_checkpoint.ts";
export { RunFolder } from "./run_folder.ts";
export { writeCheckpoint } from "./write_checkpoint.ts";
