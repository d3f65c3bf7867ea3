/** What went wrong, as the page says it: with its own fields where the library names arguments. */

import { type Advice, ResiduaError } from "@residua/residua";

/** The page's words for arguments of the library. */
const FIELDS: Readonly<Record<string, string>> = {
  backend: "Device",
  batch: "Photos a batch",
  epochs: "Epochs",
  model: "Network",
  rate: "Learning rate",
  size: "Pixels a side",
};

function fieldOf({ argument, value }: Advice): string {
  if (argument === "progress") return "Go on";
  const field = FIELDS[argument] ?? argument, shown = value === "cpu" ? "CPU" : value;
  return shown === undefined ? `${field} in the settings` : `${field} ${shown} in the settings`;
}

/** What an error says. */
export function messageOf(error: unknown): string {
  if (error instanceof ResiduaError) return error.format(fieldOf);
  return error instanceof Error && error.message !== "" ? error.message : `Something failed: ${error}`;
}
