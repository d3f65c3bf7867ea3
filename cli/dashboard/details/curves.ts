/** What the page is told of a run's curves and options. */

import { json } from "../answers.ts";
import type { RunDetail } from "../handler.ts";

/** A whole number of a query; -1 if there is none. */
export function wholeNumber(text: string | null): number {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : -1;
}

/** The details by the path at which they are asked for. */
export const CURVE_DETAILS: Readonly<Record<string, RunDetail>> = {
  /** The steps from a bucket on, where the client has those before of the same log in the same width, else all; and all epochs. */
  "/api/series": ({ series, epochs, path, generation }, query) => {
    const asked = (name: string) => wholeNumber(query.get(name)), from = asked("from");
    const goesOn = asked("width") === series.width && asked("generation") === generation && from >= 0 &&
      from <= series.length;
    return json({ path, generation, steps: series.columns(goesOn ? from : 0), epochs });
  },
  "/api/config": ({ config, path }) => json({ path, config }),
};
