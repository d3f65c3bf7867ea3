/** The files of a new project, as text. They are sources of this repository: its checks and tests are theirs. */

import block from "./project/block.ts" with { type: "text" };
import data from "./project/data.ts" with { type: "text" };
import network from "./project/network.ts" with { type: "text" };
// Named otherwise here, since tests are not published.
import opTest from "./project/op_checks.ts" with { type: "text" };
import op from "./project/op.ts" with { type: "text" };
import readme from "./project/README.md" with { type: "text" };
import train from "./project/train.ts" with { type: "text" };
import { VERSION } from "../../core/mod.ts";

/**
 * All files by their names.
 *
 * @param clone The folder of a clone from which the package is taken; from JSR if there is none.
 */
export function projectFiles(clone?: string): ReadonlyMap<string, string> {
  const config = {
    imports: { "@residua/residua": `jsr:@residua/residua@^${VERSION}` },
    ...(clone === undefined ? {} : { links: [clone] }),
    tasks: {
      train: "deno run --allow-read --allow-write=runs train.ts",
      test: "deno test --allow-read",
      check: "deno check *.ts",
    },
  };
  return new Map([
    ["README.md", readme],
    ["deno.json", `${JSON.stringify(config, null, 2)}\n`],
    ["train.ts", train],
    ["data.ts", data],
    ["network.ts", network],
    ["block.ts", block],
    ["op.ts", op],
    ["op_test.ts", opTest],
    [".gitignore", "runs/\n"],
  ]);
}
