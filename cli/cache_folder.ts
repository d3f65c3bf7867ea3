/** Where files are kept that can be made or fetched again. */

/** The folder of cached files: `XDG_CACHE_HOME`, `LOCALAPPDATA` or `~/.cache`, and `residua` in it. */
export function cacheFolder(): string {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? Deno.env.get("LOCALAPPDATA") ??
    `${Deno.env.get("HOME") ?? Deno.cwd()}/.cache`;
  return `${home}/residua`;
}
