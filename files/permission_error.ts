/** A permission that Deno was not given, in a sentence. */

/** What Deno calls each kind, in words. */
const ACTIONS: Readonly<Record<string, string>> = {
  read: "read",
  write: "write",
  net: "reach",
  env: "read the environment variable",
  sys: "ask the system for",
  run: "start",
  ffi: "load native code from",
};

/**
 * Says which permission was missing and which flag grants it, if that is what the error is about.
 *
 * @param error What was thrown.
 */
export function permissionText(error: unknown): string | undefined {
  // The message of a worker's error, or of a native package's, has Deno's in it.
  const message = error instanceof Error ? error.message : "";
  const found = /Requires (\w+) access(?: to "([^"]*)")?/.exec(message);
  if (found === null) return undefined;
  const [, kind, what] = found, action = ACTIONS[kind] ?? `use (${kind})`;
  // What is the system's own, such as /proc, takes all permissions at once.
  if (kind === "all") return `this command was not given the permission to use ${what ?? "that"}; add -A to grant it`;
  // A comma ends a name there, and cannot be written otherwise.
  const flag = what === undefined || what.includes(",") ? `--allow-${kind}` : `--allow-${kind}=${what}`;
  return `this command was not given the permission to ${action}${what === undefined ? "" : ` ${what}`}; ` +
    `add ${/[\s"'$&();<>|*?[\]]/.test(flag) ? `'${flag}'` : flag} to grant it`;
}
