interface Page<Item> {
  items: readonly Item[]
  next_cursor: string | null
}

/** The items of all pages, from a cursor on; a page is read when its first item is requested. */
export async function* eachItem<Item>(
  readPage: (cursor: string | undefined) => Promise<Page<Item>>,
  cursor?: string,
): AsyncGenerator<Item, void, undefined> {
  let next = cursor
  do {
    const page = await readPage(next)
    yield* page.items
    next = page.next_cursor ?? undefined
  } while (next !== undefined)
}
