/** The first items of a list, or all without a limit; no page is read after the last of them. */
export async function* firstOf<Item>(
  items: AsyncIterable<Item>,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<Item, void, undefined> {
  let left = limit
  for await (const item of items) {
    yield item
    if (--left === 0) return
  }
}
