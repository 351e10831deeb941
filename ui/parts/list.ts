import type { VNode } from 'preact'
import { type Content, html } from '../html.ts'

export interface Column<Row> {
  /** Its name, which a phone shows before each value. */
  head: string
  /** Stands in the head of the table instead of the name. */
  top?: Content
  cell: (row: Row) => Content
  /** `num`, `tight`; `first` and `wide` say how it lies in a phone's card. */
  look?: string
}

interface ListOptions<Row> {
  /** What the rows are, for those who hear the page. */
  caption: string
  columns: Column<Row>[]
  rows: readonly Row[]
  keyOf: (row: Row) => string
  lookOf?: (row: Row) => string
}

/** Rows in columns; on a phone each row is a card. Keys move along the rows' main links. */
export const list = <Row>({ caption, columns, rows, keyOf, lookOf }: ListOptions<Row>): VNode =>
  html`<table class="list cards">
    <caption class="visually-hidden">${caption}</caption>
    <thead><tr>${columns.map(
      ({ head, top, look = '' }) => html`<th key=${head} scope="col"
      class=${look}>${top ?? head}</th>`,
    )}</tr></thead>
    <tbody>
      ${rows.map(
        (row) => html`<tr key=${keyOf(row)} class=${lookOf?.(row) ?? ''}>
          ${columns.map(
            ({ head, cell, look = '' }) => html`<td key=${head} class=${look}
            data-label=${head}>${cell(row)}</td>`,
          )}
        </tr>`,
      )}
    </tbody>
  </table>`
