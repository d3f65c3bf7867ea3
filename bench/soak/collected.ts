/**
 * The command line as a long run watches it: garbage is collected every ten seconds, so that the resident memory tells what
 * stays. Run it with {@link STEADY_HEAP}.
 */

import { main } from "../../cli/main.ts";

const { gc } = globalThis as { readonly gc?: () => void };
if (gc === undefined) throw new Error("Expected --v8-flags=--expose-gc");
Deno.unrefTimer(setInterval(gc, 10_000));
Deno.exit(await main(Deno.args));
