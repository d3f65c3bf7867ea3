/** What the command line is called where it runs. */

/** The folders in which package managers keep what is installed for all of a machine or a user, whose commands shells find. */
const GLOBAL = /[\\/](?:lib|npm|global(?:[\\/]\d+)?)[\\/]node_modules[\\/]/;

/**
 * Its name before a command: a task of a clone, what `deno install` makes of the published package, or the command of npm's.
 *
 * @param address The address of a module of the command line.
 */
export function programAt(address: string): string {
  if (!address.startsWith("file:")) return "residua";
  if (address.endsWith(".ts")) return "deno task";
  return GLOBAL.test(address) ? "residua" : "npx residua";
}

/** Its name here. */
export const PROGRAM: string = programAt(import.meta.url);

/** The folder that runs are put in, and looked for, unless another is named. */
export const RUNS = "runs";
