/** Plain tables for the terminal. */

/** Rows in columns: the first ones, of texts, to the left, the others to the right. */
export function formatTable(rows: readonly (readonly (string | number)[])[], texts = 1): string {
  const cells = rows.map((row) => row.map(String));
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row.map((cell, column) => column < texts ? cell.padEnd(widths[column]) : cell.padStart(widths[column])).join("  ")
      .trimEnd()
  ).join("\n");
}
