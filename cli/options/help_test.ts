import { assertStringIncludes } from "@std/assert";
import { formatHelp } from "./help.ts";

const TABLE = {
  top: { kind: "integer", about: "how many", default: 5, minimum: 1 },
  model: { kind: "text", value: "NAME", about: "which" },
} as const;

Deno.test("formatHelp() names what stands beside the options", () => {
  const positionals = { value: "IMAGE…", about: "what to look at" };
  const text = formatHelp({ name: "predict", about: "Predict.", options: TABLE, positionals, examples: [] });
  assertStringIncludes(text, "deno task predict [options] IMAGE…\n");
  assertStringIncludes(text, "  IMAGE…        what to look at\n  --top N       how many [5]");
});
