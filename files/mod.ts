/**
 * Reading and writing files: what the folders of runs, image files, plots and the command line share. No subpath of the
 * package; what its users need of it is exported by `disk`.
 *
 * @module
 */

export { DiskFolder } from "./data_folder.ts";
export { codeOf, explain } from "./disk_error.ts";
export { whyNotLoaded } from "./package_error.ts";
export { endsInSeparator, splitPath, withoutSeparators } from "./paths.ts";
export { permissionText } from "./permission_error.ts";
export { type FileKind, MOST_BYTES, readFile, readIfThere, readText, readTextSync } from "./read_file.ts";
export { expectContent, type JsonKind, readJson, readJsonIfThere } from "./read_json.ts";
export { type LockState, lockState } from "./run_lock.ts";
export { DiskStore } from "./run_store.ts";
export { writeFile } from "./write_file.ts";
