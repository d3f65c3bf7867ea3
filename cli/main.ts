/** The command line: finds the command and runs it. */

import { didYouMean, UsageError, VERSION } from "../core/mod.ts";
import { type Command, exitCodeOf } from "./command.ts";
import { completionsCommand } from "./commands/completions.ts";
import { dataCommand } from "./commands/data.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { evalCommand } from "./commands/eval.ts";
import { exportCommand } from "./commands/export.ts";
import { newCommand } from "./commands/new.ts";
import { predictCommand } from "./commands/predict.ts";
import { serveCommand } from "./commands/serve.ts";
import { summaryCommand } from "./commands/summary.ts";
import { trainCommand } from "./commands/train.ts";
import { tuneCommand } from "./commands/tune.ts";
import { wgslCommand } from "./commands/wgsl.ts";
import { widthOf, wrapText } from "./reports/layout.ts";
import { provideRuntimeFolder } from "./runtime_folder.ts";
import { PROGRAM } from "./program.ts";

const COMMANDS: readonly Command[] = [
  trainCommand,
  evalCommand,
  predictCommand,
  serveCommand,
  dataCommand,
  exportCommand,
  summaryCommand,
  tuneCommand,
  wgslCommand,
  doctorCommand,
  newCommand,
  completionsCommand(() => COMMANDS),
];

/** The characters of the column of the commands' names. */
const NAMES = 14;

function overview(): string {
  const lines = COMMANDS.map(({ name, about }) => {
    const explained = wrapText(about, widthOf() - NAMES, "").replaceAll("\n", `\n${" ".repeat(NAMES)}`);
    return `  ${name}`.padEnd(NAMES) + explained;
  });
  return `Residua ${VERSION}: residual networks on WebGPU and on the CPU\n\n${PROGRAM} COMMAND [options]\n\n${
    lines.join("\n")
  }\n\n` +
    "Every command explains its options with --help.";
}

async function dispatch([name, ...args]: readonly string[]): Promise<void> {
  if (name === undefined || name === "--help" || name === "-h" || name === "help") return console.log(overview());
  if (name === "--version") return console.log(VERSION);
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    const names = COMMANDS.map((candidate) => candidate.name);
    throw new UsageError(`There is no command "${name}"${didYouMean(name, names)} See --help`);
  }
  await command.run(args);
}

/**
 * Runs the command line.
 *
 * @param args The arguments after the program's name.
 * @returns The exit code: 0 done, 1 failed, 2 wrong usage.
 */
export function main(args: readonly string[]): Promise<number> {
  return exitCodeOf(() => dispatch(args));
}

if (import.meta.main) {
  provideRuntimeFolder();
  Deno.exit(await main(Deno.args));
}
