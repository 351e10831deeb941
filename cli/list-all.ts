import type { Output } from './output.ts'
import { formatTable } from './table.ts'

export interface Listing<Item> {
  heading: string[]
  row: (item: Item) => string[]
  /** Printed where there are no items. */
  none: string
}

/** Prints one record per line, or a table. */
export function listAll<Item>(out: Output, items: readonly Item[], { heading, row, none }: Listing<Item>): void {
  if (out.json) for (const item of items) out.record(item)
  else if (items.length === 0) out.note(none)
  else for (const line of formatTable(heading, items.map(row), out.columns)) out.line(line)
}
