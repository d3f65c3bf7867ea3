/** What the command line is called where it runs. */

/** Its name before a command: a task of a clone, or what `deno install` makes of the published package. */
export const PROGRAM: string = import.meta.url.startsWith("file:") ? "deno task" : "residua";
