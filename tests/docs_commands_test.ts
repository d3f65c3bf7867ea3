/** The commands and the options that the documentation names are there. */

import { assert, assertEquals } from "@std/assert";
import type { Command } from "../cli/command.ts";
import { parseArguments } from "../cli/options/parse_options.ts";
import { RECIPES } from "../cli/options/recipes.ts";
import { modelByName, UsageError } from "../mod.ts";
import { offersOf } from "../cli/completions/words.ts";
import { codeSpans, indentedLines, PAGES } from "./_docs_blocks.ts";
import { root } from "./_launcher.ts";

/** Every command; that of completions is made of the others. */
const COMMANDS: Command[] = [];
for (const { name } of Deno.readDirSync(`${root}cli/commands`)) {
  if (name.endsWith("_test.ts")) continue;
  for (const [key, made] of Object.entries(await import(`../cli/commands/${name}`))) {
    if (key.endsWith("Command")) COMMANDS.push(typeof made === "function" ? made(() => []) : made as Command);
  }
}

const offers = new Map(
  offersOf(COMMANDS).map(({ name, options, subcommands }) => [
    name,
    { subcommands, options: new Map(options.flatMap((option) => forms(option.name).map((name) => [name, option]))) },
  ]),
);
const { tasks } = JSON.parse(await Deno.readTextFile(`${root}deno.json`)) as { tasks: Record<string, string> };

/** A flag that is on by default is offered with `no-`, and taken without it too. */
function forms(name: string): string[] {
  return name.startsWith("--no-") ? [name, `--${name.slice(5)}`] : [name];
}

/** Deno's own flags of permissions, which the launcher hands on. */
const PERMISSION = /^--allow-(?:all|read|write|net|env|sys|run|ffi)$/;

/** The words of a command, without quotes; what stands after two spaces, or after `#`, explains it. */
function wordsOf(line: string): string[] {
  const [command] = line.replace(/^\$ /, "").split(/\s{2,}|\s+#\s/);
  return [...command.matchAll(/'[^']*'|"[^"]*"|\S+/g)].map(([word]) => word.replace(/^(['"])(.*)\1$/, "$2"));
}

/** Whether a value is one of those that an option has, where these are known. */
function takes(command: string, option: string, value: string): boolean {
  if (option === "--model" && command !== "new") return hasModel(value);
  if (option === "--recipe") return value.endsWith(".json") || RECIPES.some(({ recipe }) => recipe === value);
  const choices = COMMANDS.find(({ name }) => name === command)!.options?.[option.slice(2)]?.choices;
  return choices === undefined || choices.includes(value);
}

function hasModel(name: string): boolean {
  try {
    return modelByName(name).name !== "";
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** What a command says to its options, if they have all their values: words in capitals and `…` stand for what is left out. */
function refusalsOf(name: string, args: readonly string[]): string[] {
  if (
    args.some((argument) =>
      argument === "--help" || PERMISSION.test(argument.split("=")[0]) || /[A-Z]{2}|…/.test(argument)
    )
  ) return [];
  try {
    parseArguments(name, COMMANDS.find((command) => command.name === name)!.options ?? {}, args);
    return [];
  } catch (error) {
    if (error instanceof UsageError) return [error.message];
    throw error;
  }
}

/**
 * What is wrong with the commands of Residua's in a line of a page.
 *
 * @param named Whether it stands in a sentence, which may name an option without its value. Defaults to false.
 */
function faultsOf(line: string, named = false): string[] {
  const words = wordsOf(line);
  const start = words.findIndex((word, k) => word === "task" && /^deno(?:@|$)/.test(words[k - 1] ?? ""));
  const npm = words.findIndex((word, k) => word === "residua" && (k === 0 || words[k - 1] === "npx"));
  const at = start >= 0 ? start : npm;
  if (at < 0 || at + 1 >= words.length) return [];
  // A pipe or another command ends it.
  const rest = words.slice(at + 1), end = rest.findIndex((word) => /^(?:[|>&]|\|\||&&|;|2?>)/.test(word));
  const [name, ...args] = end < 0 ? rest : rest.slice(0, end);
  const command = offers.get(name);
  if (command === undefined) {
    return /^[A-Z-]/.test(name) || (start >= 0 && name.replace(/[,.;:)]$/, "") in tasks) ? [] : [`no task ${name}`];
  }
  const faults: string[] = [];
  for (const [k, argument] of args.entries()) {
    if (!/^--\w/.test(argument)) continue;
    const [option] = argument.split("="), found = command.options.get(option);
    if (found === undefined) {
      if (!PERMISSION.test(option)) faults.push(`${name} has no ${option}`);
      continue;
    }
    const value = argument.includes("=") ? argument.slice(option.length + 1) : args[k + 1];
    if (found.value !== undefined && value === undefined) {
      if (named) return faults;
      faults.push(`${name} ${option} has no value`);
    }
    // Words in capitals stand for a value.
    if (value !== undefined && !/[A-Z]/.test(value) && !takes(name, option, value)) {
      faults.push(`${name} ${option} does not take ${value}`);
    }
  }
  if (faults.length === 0) faults.push(...refusalsOf(name, args));
  if (command.subcommands.length > 0 && /^[a-z]/.test(args[0] ?? "") && !command.subcommands.includes(args[0])) {
    faults.push(`${name} has no ${args[0]}`);
  }
  return faults;
}

const pages = new Map(
  await Promise.all(PAGES.map(async (page) => [page, await Deno.readTextFile(root + page)] as const)),
);

for (const [page, text] of pages) {
  Deno.test(`${page} names commands and options that exist`, () => {
    assertEquals(indentedLines(text).flatMap((line) => faultsOf(line)), []);
    assertEquals(codeSpans(text).flatMap((code) => faultsOf(code, true)), []);
  });
}

/** Options that pages name alone and that are no command's: of `fuzz`, Deno, esbuild and Chromium, then of what starts ranks. */
const FOREIGN = [
  ...["--minutes", "--corpus", "--lock", "--target", "--enable-unsafe-webgpu", "--v8-flags"],
  ...["--bind-to", "--map-by", "--mca", "--gpus-per-task", "--kill-on-bad-exit", "--gpus"],
];

Deno.test("options that stand alone in the documentation are those of some command", () => {
  const all = new Set([...offers.values()].flatMap(({ options }) => [...options.keys()]));
  const unknown = new Map<string, string>();
  for (const [page, text] of pages) {
    for (const code of codeSpans(text)) {
      const [option] = /^--[\w-]+/.exec(code) ?? [];
      if (option === undefined || all.has(option) || PERMISSION.test(option)) continue;
      if (!FOREIGN.includes(option)) unknown.set(option, page);
    }
  }
  assertEquals(Object.fromEntries(unknown), {});
});

Deno.test("faultsOf() finds commands and options that there are not", () => {
  assertEquals(faultsOf("$ deno task train --data photos --size 32   about a --size"), []);
  assertEquals(faultsOf("npx -y deno@2.9.6 task trane"), ["no task trane"]);
  assertEquals(faultsOf("npx residua train --dat x --epochs=3 --lr"), [
    "train has no --dat",
    "train --lr has no value",
  ]);
  assertEquals(faultsOf("deno task data inspct photos --sheet x.png | head --lines 3"), ["data has no inspct"]);
  assertEquals(faultsOf("deno task train --model mobilenetv2 --backend gpu --recipe x"), [
    ...[
      "train --model does not take mobilenetv2",
      "train --backend does not take gpu",
      "train --recipe does not take x",
    ],
  ]);
  assertEquals(faultsOf("deno task train --lr 0x1").length, 1);
  assertEquals(faultsOf("deno task train --lr", true), []);
  assertEquals(faultsOf("deno run --allow-read x.ts --nothing"), []);
  assert(COMMANDS.length >= 12, `${COMMANDS.length} commands`);
  assert([...pages.values()].flatMap(indentedLines).filter((line) => line.includes("deno task train")).length > 10);
});
