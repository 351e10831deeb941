/** The broker takes this many writes of one process in well under the time that each of them may take. */
const AT_ONCE = 500

/** Does the work for each of very many items, some hundreds at a time. */
export async function someAtOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let from = 0; from < items.length; from += AT_ONCE)
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(work))))
  return results
}
