import { assert, assertEquals } from "@std/assert";
import { argument, sentence, UsageError } from "../core/mod.ts";
import { importsOf, LAYERS } from "../tests/_imports.ts";
import { flagOf, messageOf } from "./error_message.ts";
import { TRAIN_OPTIONS } from "./options/train_options.ts";

const root = new URL("..", import.meta.url);
/** The flags of `train`, and those of `predict`, `eval` and `lr-find` that it has no use for. */
const FLAGS = new Set([...Object.keys(TRAIN_OPTIONS), "mean", "std", "from", "to"]);
/** The sources below the command line. */
const library = await Promise.all(
  (await Promise.all(LAYERS.filter((layer) => layer !== "cli").map(importsOf))).flatMap((files) => [...files.keys()])
    .map(async (path) => ({ path, text: await Deno.readTextFile(new URL(path, root)) })),
);

Deno.test("messageOf() writes arguments as flags, with their values", () => {
  const error = new UsageError(
    sentence`Use ${argument("batch", 8)} or ${argument("recompute", true)}, else a lower ${argument("rate")}`,
  );
  assertEquals(error.message, "Use `batch: 8` or `recompute: true`, else a lower `rate`");
  assertEquals(messageOf(error), "Use --batch 8 or --recompute, else a lower --lr");
  assertEquals(error.advice.map(({ argument }) => argument), ["batch", "recompute", "rate"]);
  assertEquals(messageOf(new UsageError("plain")), "plain");
  assertEquals(messageOf(new Error("any")), "any");
});

Deno.test("every argument that the library's messages name is a flag of the command line", () => {
  const named = new Set(
    library.flatMap(({ text }) =>
      [...text.replace(/^ \*.*$/gm, "").matchAll(/\bargument\(\s*"(\w+)"/g)].map(([, name]) => name)
    ),
  );
  assert(named.size > 9, `only ${[...named]}`);
  const flags = [...named].flatMap((name) => flagOf(argument(name)).split(" and ")).map((flag) => flag.slice(2));
  assertEquals(flags.filter((flag) => !FLAGS.has(flag)), []);
});

Deno.test("the library names no flag of the command line", () => {
  const flag = /(?<![\w-])--([a-z][a-z-]+)\b/g;
  const found = library.flatMap(({ path, text }) =>
    [...text.matchAll(flag)].filter(([, name]) => FLAGS.has(name)).map(([written]) => `${path}: ${written}`)
  );
  assertEquals(found, []);
});
