import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { formatHelp } from "./help.ts";
import { TRAIN_OPTIONS } from "./train_options.ts";

const TABLE = {
  top: { kind: "integer", about: "how many", default: 5, minimum: 1 },
  device: { kind: "text", group: "Device", value: "NAME", about: "where to compute, of all that there are" },
  data: { kind: "text", group: "Data", value: "DIR", about: "which images" },
  shuffle: { kind: "flag", group: "Data", about: "in a new order", default: true },
} as const;

const positionals = { value: "IMAGE…", about: "what to look at" };

Deno.test("formatHelp() names what stands beside the options, then these by heading, with their defaults", () => {
  const text = formatHelp({
    name: "predict",
    about: "Predict.",
    options: TABLE,
    positionals,
    examples: [["--top 3 --data photos --device one", "three"]],
  }, 60);
  assertEquals(
    text,
    `deno task predict [options] IMAGE…

Predict.

  IMAGE…          what to look at
  --top N         how many [default: 5]

Data:
  --data DIR      which images
  --[no-]shuffle  in a new order [default: on]

Device:
  --device NAME   where to compute, of all that there are

Examples:
  deno task predict --top 3 --data photos --device one
      three`,
  );
});

Deno.test("formatHelp() wraps between words at 40, 80 and 200 columns and leaves nothing out", () => {
  const words = (text: string) => text.split(/\s+/).filter((word) => word !== "\\").join("").replaceAll("|", "");
  const examples = [[
    "--init resnet18.pth --model resnet18 --freeze 'conv1.*,bn1.*,layer*'",
    "on given weights",
  ]] as const;
  const help = { name: "train", about: "Train.", options: TRAIN_OPTIONS, examples },
    whole = words(formatHelp(help, 1e4));
  for (const width of [40, 80, 200]) {
    const text = formatHelp(help, width);
    for (const line of text.split("\n")) assert(line.length <= width, `${width}: ${line}`);
    assertEquals(words(text), whole);
  }
  assertStringIncludes(formatHelp(help, 60), "--model resnet18 \\\n      --freeze 'conv1.*,bn1.*,layer*'");
});
