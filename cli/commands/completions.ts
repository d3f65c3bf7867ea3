/** `residua completions`: prints the script by which a shell completes the command line. */

import { didYouMean, UsageError } from "../../core/mod.ts";
import { type Command, defineCommand } from "../command.ts";
import { completionScript, type Shell, SHELLS } from "../completions/scripts.ts";
import { offersOf } from "../completions/words.ts";

/** The command that is completed. Tasks and npx have completions of their own, for what they start and not for its options. */
const COMPLETED = "residua";

/**
 * `residua completions`.
 *
 * @param commands All commands, this one among them.
 */
export function completionsCommand(commands: () => readonly Command[]): Command {
  return defineCommand({
    name: "completions",
    about: "Print a script by which bash, zsh or fish completes commands, options and their values.",
    options: {},
    positionals: { value: SHELLS.join("|"), about: "the shell" },
    examples: [
      ["bash >> ~/.bashrc", "for each bash from now on"],
      ["zsh > ~/.zfunc/_residua", "for zsh, where ~/.zfunc is in its fpath"],
      ["fish > ~/.config/fish/completions/residua.fish", "for fish"],
    ],
  }, (_values, { positionals }) => {
    const [shell] = positionals;
    if (positionals.length !== 1 || !SHELLS.includes(shell as Shell)) {
      const came = positionals.length === 0 ? "nothing came" : `"${positionals.join(" ")}" came`;
      throw new UsageError(
        `completions: expected one of ${SHELLS.join(", ")} but ${came}${didYouMean(shell ?? "", SHELLS)}`,
      );
    }
    console.log(completionScript(shell as Shell, COMPLETED, offersOf(commands())).trimEnd());
    return Promise.resolve();
  });
}
