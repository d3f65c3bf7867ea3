/** The orders of the list of runs: what was written to last first, or by a column. */

/** What columns are ordered by, and whether their greatest value comes first at first. */
const COLUMNS = {
  run: [({ path }) => path, false],
  status: [({ status }) => status, false],
  model: [({ model }) => model, false],
  data: [({ data }) => data, false],
  epochs: [({ epochsDone }) => epochsDone, true],
  best: [({ best }) => best?.top1, true],
  loss: [({ valLoss }) => valLoss, false],
  rate: [({ imagesPerSecond }) => imagesPerSecond, true],
  changed: [({ changed }) => changed, true],
};

/** Those that go on, then what was written to last. */
function byTime(a, b) {
  return (b.status === "running") - (a.status === "running") || b.changed - a.changed || (a.path < b.path ? -1 : 1);
}

/**
 * Compares runs. What has no value of a column comes last, whichever way round.
 *
 * @param {{ column: string, descending: boolean } | undefined} order
 */
export function compareRuns(order) {
  if (order === undefined) return byTime;
  const [valueOf] = COLUMNS[order.column], sign = order.descending ? -1 : 1;
  return (a, b) => {
    const [one, other] = [valueOf(a) ?? undefined, valueOf(b) ?? undefined];
    if (one === other) return byTime(a, b);
    if (one === undefined || other === undefined) return one === undefined ? 1 : -1;
    const before = typeof one === "string" ? one.localeCompare(other, undefined, { numeric: true }) : one - other;
    return sign * before || byTime(a, b);
  };
}

/** The order after a column was pressed: its first way, then the other, then none. */
export function nextOrder(order, column) {
  const [, first] = COLUMNS[column];
  if (order?.column !== column) return { column, descending: first };
  return order.descending === first ? { column, descending: !first } : undefined;
}
