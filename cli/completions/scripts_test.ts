import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runCli, runInShell, unwrapped } from "../../tests/_cli.ts";
import { type Shell, SHELLS } from "./scripts.ts";

/** How each shell loads a script, and is asked what it offers for words of which the last is to be completed. */
const ASKED: Readonly<Record<Shell, (script: string, words: readonly string[]) => string>> = {
  bash: (script, words) =>
    `${script}\nCOMP_WORDS=(${words.join(" ")} ${words.at(-1) === "" ? "''" : ""}); COMP_CWORD=${words.length - 1}
_residua; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // Completion needs a line editor; its functions are asked for what they would add.
  zsh: (script, words) =>
    `autoload -Uz compinit; compinit -D -u
_describe() { local -a all=("\${(@P)2}"); print -rl -- "\${(@)all%%:*}"; }
_arguments() { for each in "$@"; do case $each in --*) print -r -- "\${each%%\\[*} \${each##*:}" ;; esac; done; }
${script}
words=(${words.map((word) => `'${word}'`).join(" ")}); CURRENT=${words.length}; _residua`,
  fish: (script, words) => `${script}\ncomplete -C '${words.join(" ")}' | string replace -r '\\t.*' ''; true`,
};

/** What a shell offers. */
async function offered(shell: Shell, words: readonly string[]): Promise<string[]> {
  const { stdout: script } = await runCli(["completions", shell]);
  const { code, stdout, stderr } = await runInShell(shell, ASKED[shell](script, words));
  assertEquals([code, stderr], [0, ""]);
  return stdout.trim().split("\n");
}

for (const shell of SHELLS) {
  const there = await runInShell(shell, "exit 0").then(({ code }) => code === 0, () => false);
  Deno.test({
    name: `completions gives ${shell} commands, options and values${there ? "" : ` [needs ${shell}]`}`,
    ignore: !there,
    fn: async () => {
      const commands = await offered(shell, ["residua", ""]);
      for (const name of ["train", "predict", "completions"]) assert(commands.includes(name), `${name}: ${commands}`);
      const options = (await offered(shell, ["residua", "train", "--"])).map((line) => line.split(" ")[0]);
      for (const name of ["--model", "--no-progress", "--help"]) assert(options.includes(name), `${name}: ${options}`);
      assert(!options.includes("--port"), "an option of another command");
      if (shell === "zsh") {
        const [models] = (await offered(shell, ["residua", "train", ""])).filter((line) => line.startsWith("--model "));
        assert(models.includes("resnet50") && models.includes("mobilenet_v2"), models);
        return;
      }
      const models = await offered(shell, ["residua", "train", "--model", "resnet1"]);
      assertEquals(models.filter((name) => name.startsWith("resnet1")).toSorted().slice(0, 2), [
        "resnet101",
        "resnet110",
      ]);
      assertEquals(await offered(shell, ["residua", "data", "ins"]), ["inspect"]);
      assertEquals(await offered(shell, ["residua", "eval", "--backend", "we"]), ["webgpu"]);
      assertEquals(await offered(shell, ["residua", "train", "--lr", "a"]), ["auto"]);
    },
  });
}

Deno.test("completions wants the name of a shell", async () => {
  for (const [args, came] of [[["bsh"], '"bsh" came; did you mean bash?'], [[], "nothing came"]] as const) {
    const { code, stderr } = await runCli(["completions", ...args]);
    assertEquals(code, 2);
    assertStringIncludes(unwrapped(stderr), `completions: expected one of bash, zsh, fish but ${came}`);
  }
});
