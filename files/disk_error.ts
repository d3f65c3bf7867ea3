/** Why something on the disk could not be used. */

import { DataError, ResiduaError } from "../core/mod.ts";
import { permissionText } from "./permission_error.ts";

/** The code that the system gives an error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Says in a sentence why something on the disk could not be used. */
export function explain(what: string, path: string, error: unknown): ResiduaError {
  if (error instanceof ResiduaError) return error;
  const denied = permissionText(error);
  if (denied !== undefined) return new DataError(`${path}: ${what} cannot be used: ${denied}`);
  return new DataError(
    `${path}: ${SENTENCES[codeOf(error) ?? ""]?.(what) ?? `${what} cannot be used: ${(error as Error).message}`}`,
  );
}

/** What each code means, after the path. */
const SENTENCES: Readonly<Record<string, (what: string) => string>> = {
  ENOENT: (what) => `${what} does not exist; check the path`,
  EACCES: (what) => `no permission to use ${what}`,
  EPERM: (what) => `no permission to use ${what}`,
  ENOTDIR: (what) => `expected ${what} there, but the path leads through a file that is no folder`,
  EISDIR: (what) => `expected ${what} there, but this is a folder`,
  EEXIST: () => "expected a folder there, or nothing, but it is a file; choose another path",
  ENOSPC: (what) => `the disk is full, so ${what} was not written; what was there before is whole`,
  EDQUOT: (what) => `the disk is full, so ${what} was not written; what was there before is whole`,
  EROFS: (what) => `${what} lies on a read-only file system; choose another folder`,
};
