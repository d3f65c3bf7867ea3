/** Why a package does not load, in words for the one who runs a command. */

import { permissionText } from "./permission_error.ts";

/**
 * The reason, to stand after a colon.
 *
 * @param error What its import threw.
 */
export function whyNotLoaded(error: unknown): string {
  const denied = permissionText(error);
  if (denied !== undefined) return denied;
  const [first, second = ""] = (error as Error).message.split("\n").map((line) => line.trim());
  // Deno fetches all packages of the lock with the first that is needed, and names whichever fails first.
  if (/not found in cache|cached-only|error sending request|Failed (loading|caching)/.test(first + second)) {
    return "the packages for it are not in Deno's cache and the npm registry does not give them; " +
      "run the command once with a connection";
  }
  // Node, Bun, and Deno where packages are in a folder.
  const missing = /(?:Cannot|Could not) find package '((?:@[\w.-]+\/)?[\w.-]+)/.exec(first);
  if (missing !== null) {
    return `the package ${
      missing[1]
    } is not installed; install Residua with its optional packages, or this one beside it`;
  }
  // Sharp begins with the name of the machine's kind, and ends with a list of remedies for npm.
  return (first.endsWith("runtime") ? second : first).replace(/\.$/, "");
}
