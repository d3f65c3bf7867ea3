/** What the command line is called where it runs. */

/** The folders in which package managers keep what is installed for all of a machine or a user, whose commands shells find. */
const GLOBAL = /[\\/](?:lib|npm|global(?:[\\/]\d+)?)[\\/]node_modules[\\/]/;

/**
 * Its name before a command: a task of a clone, what `deno install` makes of the published package, or the command of npm's.
 *
 * @param address The address of a module of the command line.
 * @param npmCommand What npm was doing when it started this. Defaults to nothing.
 */
export function programAt(address: string, npmCommand?: string): string {
  if (!address.startsWith("file:")) return "residua";
  // Where npx has fetched Deno for this once, there may be no other.
  if (address.endsWith(".ts")) return npmCommand === "exec" ? `npx -y deno@${Deno.version.deno} task` : "deno task";
  return GLOBAL.test(address) ? "residua" : "npx residua";
}

/** What npm says of itself to what it starts; nothing where that may not be asked. */
function npmCommand(): string | undefined {
  const variable = "npm_command", { state } = Deno.permissions.querySync({ name: "env", variable });
  return state === "granted" ? Deno.env.get(variable) : undefined;
}

/** Its name here. */
export const PROGRAM: string = programAt(import.meta.url, npmCommand());

/** The folder that runs are put in, and looked for, unless another is named. */
export const RUNS = "runs";
