/** Why something on the disk could not be used. */

import { DataError, ResiduaError } from "../core/mod.ts";
import { permissionText } from "./permission_error.ts";

/** Says in a sentence why something on the disk could not be used. */
export function explain(what: string, path: string, error: unknown): ResiduaError {
  if (error instanceof ResiduaError) return error;
  const denied = permissionText(error);
  if (denied !== undefined) return new DataError(`${path}: ${what} cannot be used: ${denied}`);
  if (error instanceof Deno.errors.NotFound) return new DataError(`${path}: ${what} does not exist; check the path`);
  if (error instanceof Deno.errors.PermissionDenied) return new DataError(`${path}: no permission to use ${what}`);
  if (error instanceof Deno.errors.NotADirectory) {
    return new DataError(`${path}: expected ${what} there, but the path leads through a file that is no folder`);
  }
  if (error instanceof Deno.errors.IsADirectory) {
    return new DataError(`${path}: expected ${what} there, but this is a folder`);
  }
  if (error instanceof Deno.errors.AlreadyExists) {
    return new DataError(`${path}: expected a folder there, or nothing, but it is a file; choose another path`);
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new DataError(`${path}: the disk is full, so ${what} was not written; what was there before is whole`);
  }
  if (code === "EROFS") return new DataError(`${path}: ${what} lies on a read-only file system; choose another folder`);
  return new DataError(`${path}: ${what} cannot be used: ${(error as Error).message}`);
}
