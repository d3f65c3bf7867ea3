/** Writes which kernels run on an H100 in training the four networks, with their occupancy: estimates, no measurement. */

import { explainTables } from "../tests/_explain_tables.ts";

await Deno.writeTextFile(new URL("../bench/results/kernels_nvidia_hopper.txt", import.meta.url), explainTables());
