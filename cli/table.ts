const CELL_MAX = 60

/** Lines of a table with a heading. Long cells are cut, but for those of the last column, which ends with the line. */
export function formatTable(heading: string[], rows: string[][], columns: number): string[] {
  const all = [heading, ...rows].map((row) => row.map((cell, n) => (n < heading.length - 1 ? shorten(cell) : cell)))
  const widths = heading.map((_, n) => Math.max(...all.map((row) => (row[n] ?? '').length)))
  return all.map((row) =>
    row
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join('  ')
      .trimEnd()
      .slice(0, columns),
  )
}

/** Names and their values, one below the other. */
export function formatFields(fields: [string, string | null | undefined][]): string[] {
  const given = fields.filter((field): field is [string, string] => field[1] !== null && field[1] !== undefined)
  const width = Math.max(...given.map(([name]) => name.length))
  return given.map(([name, value]) => `${name.padEnd(width)}  ${value}`)
}

const shorten = (cell: string): string => (cell.length > CELL_MAX ? `${cell.slice(0, CELL_MAX - 1)}…` : cell)
