import type { BatchHandler } from 'hasty/handler'

interface Page {
  customer: string
  text: string
}

export const handler = {
  type: 'index-pages',
  batch: { size: 100, max_wait_ms: 500, key: '/customer' },
  async run(items, { signal }) {
    const stored = await store(
      items.map(({ payload }) => payload),
      signal,
    )
    return stored.map((words) => (words > 0 ? { result: { words } } : { retry: 'nothing was found', delay_ms: 500 }))
  },
} satisfies BatchHandler<Page>

/** Stands for a call of a search engine, which takes many pages at once. */
async function store(pages: Page[], signal: AbortSignal): Promise<number[]> {
  signal.throwIfAborted()
  return pages.map(({ text }) => text.split(/\s+/).length)
}
