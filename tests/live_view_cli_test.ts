/** The live view on a terminal of its own, which `script` makes: what it leaves, what stops the run, what the terminal is after. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { WHOLE } from "./_all.ts";
import { withFolder, writeCifar } from "./_cli.ts";
import { Terminal } from "./_terminal.ts";

const config = fileURLToPath(new URL("../deno.offline.json", import.meta.url));
const main = fileURLToPath(new URL("../cli/main.ts", import.meta.url));
const TRAIN = "train --model resnet8 --backend cpu --threads 1 --batch 8 --epochs 30 --data";

/** Whether there is util-linux's `script`, which other systems' do not understand. */
const ignore = Deno.build.os !== "linux" ||
  !(await new Deno.Command("script", { args: ["--version"], stdout: "null", stderr: "null" }).output()
    .then(({ success }) => success, () => false));

/**
 * Runs a line of a shell on a terminal; `hear` is told what has been shown so far, and gives keys to press.
 *
 * The shell outlives the keys' signals, which dash would end by before it says what it says last.
 */
async function onTerminal(line: string, columns: number, hear: (shown: string) => string | undefined): Promise<string> {
  const child = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", `trap : INT QUIT; stty cols ${columns} rows 24; ${line}`, "/dev/null"],
    env: { deno: Deno.execPath(), config, main, SHELL: "/bin/sh", TERM: "xterm-256color" },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const keys = child.stdin.getWriter();
  let shown = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    shown += text;
    const press = hear(shown);
    if (press !== undefined) await keys.write(new TextEncoder().encode(press));
  }
  await keys.close().catch(() => {});
  await child.status;
  return shown;
}

/** What stays of what was shown. */
function leftOf(shown: string): string[] {
  const screen = new Terminal(200);
  screen.write(shown);
  return screen.lines;
}

/** Presses keys once, as soon as something is shown. */
function once(pattern: RegExp, keys: string): (shown: string) => string | undefined {
  let pressed = false;
  return (shown) => {
    if (pressed || !pattern.test(shown)) return undefined;
    pressed = true;
    return keys;
  };
}

const RUN = `"$deno" run -A --quiet --config "$config" "$main"`;

for (const [name, keys] of [["q", "q"], ["Ctrl-C", "\x03"]]) {
  Deno.test({
    name: `train is stopped by ${name} in its live view, which leaves its lines and the terminal as they were`,
    ignore,
    fn: () =>
      withFolder(async (folder) => {
        await writeCifar(folder, 200);
        const line = `stty -a; ${RUN} ${TRAIN} ${folder} --out ${folder}/run; echo "ended with $?"; stty -a`;
        const shown = await onTerminal(line, 90, once(/1\/30 .*s\r[^]*epoch 2\/30/, keys)), left = leftOf(shown);
        assertStringIncludes(shown, "q or Ctrl-C stops the run and saves it");
        const between = left.slice(left.findIndex((line) => line.startsWith("resnet8 on")));
        const end = between.indexOf("ended with 0"), [before, after] = shown.split(/resnet8 on[^]*ended with 0/);
        assertEquals(after.trim(), before.trim(), "the terminal is another");
        const printed = between.slice(0, end);
        assertMatch(printed.join("\n"), /^memory .*\nepoch {5}loss .*\n 1\/30 .*\n/m);
        assertMatch(
          printed.slice(-3).join("\n"),
          /^Finishing the step and saving.*\nStopped after \d+ steps, saved\. Go on with:\n {2}.* --resume .*$/,
        );
        // Nothing of the view is left among them.
        for (const line of printed) assert(!/[█│⠀-⣿]|left$/.test(line), line);
      }),
  });
}

Deno.test({
  name: "train gives the terminal back where it fails, and where a second Ctrl-C or SIGQUIT ends it at once",
  ignore,
  fn: () =>
    withFolder(async (folder) => {
      await writeCifar(folder, 200);
      const state = (shown: string, end: RegExp) => {
        const [before, after] = shown.split(end);
        assertEquals(after.trim(), before.trim());
      };
      const wrong = `stty -a; ${RUN} ${TRAIN} ${folder} --out ${folder}/one --lr 1e30; echo "ended with $?"; stty -a`;
      state(await onTerminal(wrong, 90, () => undefined), /resnet8 on[^]*error: [^]*ended with 1/);
      const quit = `stty -a; ${RUN} ${TRAIN} ${folder} --out ${folder}/quit; echo "ended with $?"; stty -a`;
      state(await onTerminal(quit, 90, once(/step [1-9]\d+\//, "\x1c")), /resnet8 on[^]*ended with 131/);
      // The signal comes while the program starts its first step, and again until it has ended.
      let heard = 0;
      const twice = (shown: string) => {
        if (shown.includes("ended with")) return undefined;
        return /step 1\/|starting/.test(shown) && performance.now() - heard > 300
          ? (heard = performance.now(), "\x03")
          : undefined;
      };
      const line =
        `stty -a; ${RUN} ${TRAIN} ${folder} --model resnet56 --out ${folder}/two; echo "ended with $?"; stty -a`;
      state(await onTerminal(line, 90, twice), /resnet56 on[^]*ended with (?:0|130)/);
    }),
});

Deno.test({
  name: "train draws no view with --plain, with --json or on a narrow terminal, and no colours with NO_COLOR",
  ignore: ignore || !WHOLE,
  fn: () =>
    withFolder(async (folder) => {
      await writeCifar(folder, 200);
      const short = `${TRAIN} ${folder} --steps 40`;
      const plain = await onTerminal(`${RUN} ${short} --plain --out ${folder}/plain`, 100, () => undefined);
      assert(!plain.includes("│") && plain.includes("images/s"), plain);
      const json = await onTerminal(`${RUN} ${short} --json --out ${folder}/json`, 100, () => undefined);
      const epochs = json.split(/\r?\n/).filter((line) => line.startsWith("{")).map((line) => JSON.parse(line).epoch);
      assertEquals(epochs, [0, 1]);
      assert(!/│|images\/s/.test(json), json);
      const narrow = await onTerminal(`${RUN} ${short} --out ${folder}/narrow`, 40, () => undefined);
      assert(!narrow.includes("│") && narrow.includes("epoch 1  loss"), narrow);
      const grey = await onTerminal(`NO_COLOR=1 ${RUN} ${short} --out ${folder}/grey`, 100, () => undefined);
      // deno-lint-ignore no-control-regex
      assert(grey.includes("│") && !/\x1b\[\d+m/.test(grey), grey);
      const coloured = await onTerminal(`env -u NO_COLOR ${RUN} ${short} --out ${folder}/colour`, 100, () => undefined);
      assert(coloured.includes("\x1b[94m"));
    }),
});
