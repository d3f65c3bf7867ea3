/** `deno task dashboard`: runs and their curves on a page, live. */

import { DataError, UsageError } from "../../core/mod.ts";
import { defineCommand, type GivenArguments } from "../command.ts";
import { RunDetails } from "../dashboard/details/all_details.ts";
import { openRoot } from "../dashboard/find_runs.ts";
import { createDashboardHandler } from "../dashboard/handler.ts";
import { PageFiles } from "../dashboard/page_files.ts";
import { RunIndex } from "../dashboard/run_index.ts";
import { createToken, runStopper } from "../dashboard/stop_run.ts";
import { RunWatcher } from "../dashboard/run_watcher.ts";
import { withoutSeparators } from "../../files/mod.ts";
import { Interrupt } from "../interrupt.ts";
import { messageOf } from "../error_message.ts";
import { inGroup, type Values } from "../options/option.ts";
import { RUNS } from "../program.ts";
import { printNotice, printText } from "../reports/layout.ts";

/** Where the index is kept, in the folder of runs. */
const INDEX = ".dashboard.sqlite";
/** The address of this machine alone, and the names under which it is asked for there. */
const HOST = "127.0.0.1", HOSTS = [HOST, "localhost"];

const OPTIONS = inGroup(
  "Server",
  {
    port: {
      kind: "integer",
      about: "the port; 0 takes one that is free",
      default: 8020,
      minimum: 0,
      maximum: 65_535,
    },
  } as const,
);

/** `deno task dashboard`. */
export const dashboardCommand = defineCommand({
  name: "dashboard",
  about: "Show runs and their curves on a page, live: compare them, look into them, stop them.",
  positionals: { value: "[RUNS_DIR]", about: `the folder that the runs are in, at any depth; defaults to ${RUNS}` },
  options: OPTIONS,
  examples: [
    ["", "the runs in runs, at http://127.0.0.1:8020"],
    ["experiments --port 9000", "those in another folder, at another port"],
  ],
}, dashboard);

async function dashboard({ port }: Values<typeof OPTIONS>, { positionals }: GivenArguments): Promise<void> {
  if (positionals.length > 1) {
    throw new UsageError(`dashboard: expected one folder of runs but ${positionals.length} came; see --help`);
  }
  const folder = withoutSeparators(positionals[0] ?? RUNS), root = await openRoot(folder);
  const stop = new AbortController(), token = createToken();
  // By the path that was given, which is what may be written to.
  using index = RunIndex.open(`${folder}/${INDEX}`);
  if (index.problem !== undefined) {
    printNotice(`note: ${folder}/${INDEX} cannot be used (${index.problem}), so all runs are read again each time`);
  }
  await using watcher = await RunWatcher.open({ root, index, onNotice: (text) => printNotice(`note: ${text}`) });
  using details = new RunDetails(root);
  const handler = createDashboardHandler({
    watcher,
    files: new PageFiles(),
    details: details.byPath,
    actions: { "/api/stop": runStopper(root, folder, token) },
    hosts: HOSTS,
    stop: stop.signal,
    onError: (error) => printNotice(`error: ${error instanceof Error ? messageOf(error) : error}`),
  });
  using interrupt = new Interrupt(() => stop.abort());
  const server = listen(port, handler, watcher.summaries().length, root);
  printText(`To stop a run from the page, give it this token: ${token}`);
  await new Promise<void>((resolve) => interrupt.signal.addEventListener("abort", () => resolve(), { once: true }));
  await server.shutdown();
  printText("Stopped.");
}

function listen(port: number, handler: Deno.ServeHandler, runs: number, root: string): Deno.HttpServer {
  try {
    return Deno.serve({
      hostname: HOST,
      port,
      onListen: ({ port }) => {
        printText(`${runs} run${runs === 1 ? "" : "s"} in ${root}`);
        printText(`Showing them at http://${HOST}:${port}/; Ctrl-C stops`);
      },
      onError: () => new Response("The dashboard failed\n", { status: 500 }),
    }, handler);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new UsageError(`--port: ${port} is in use; give another, or 0 for one that is free`);
    }
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new DataError(`The dashboard cannot listen at ${HOST}, port ${port}: ${(error as Error).message}`);
  }
}
