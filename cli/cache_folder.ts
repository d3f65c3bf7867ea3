/** Where files are kept that can be made or fetched again. */

import process from "node:process";

/** The folder of cached files: `XDG_CACHE_HOME`, `LOCALAPPDATA` or `~/.cache`, and `residua` in it. */
export function cacheFolder(): string {
  const { env } = process;
  return `${env.XDG_CACHE_HOME ?? env.LOCALAPPDATA ?? `${env.HOME ?? process.cwd()}/.cache`}/residua`;
}
