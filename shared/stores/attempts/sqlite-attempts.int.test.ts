import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import type { AttemptStore } from './attempt-store.ts'
import { type OpenedAttemptStore, testAttemptStore } from './conformance.ts'
import { openSqliteAttempts } from './sqlite-attempts.ts'

async function openFresh(): Promise<OpenedAttemptStore & { path: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-store-'))
  const path = join(dir, 'made', 'when-missing', 'job.sqlite')
  const opened: AttemptStore[] = []
  const openAgain = async () => {
    const store = await openSqliteAttempts(path)
    opened.push(store)
    return store
  }
  return {
    path,
    store: await openAgain(),
    openAgain,
    async [Symbol.asyncDispose]() {
      for (const store of opened) await store.close()
      await rm(dir, { recursive: true })
    },
  }
}

testAttemptStore('sqlite', openFresh)

test('a page, and what retention deletes, are found by an index', async () => {
  await using opened = await openFresh()
  using database = new DatabaseSync(opened.path)
  const planOf = (statement: string) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${statement}`)
      .all()
      .map((row) => String(row['detail']))
      .join('; ')
  const page = planOf("SELECT record FROM attempts WHERE worker_id = 'a' AND seq < 9 ORDER BY seq DESC LIMIT 9")
  expect(page).toMatch(/^SEARCH attempts USING PRIMARY KEY/)
  expect(page).not.toContain('TEMP B-TREE')
  expect(planOf("SELECT worker_id, seq FROM attempts WHERE ended_at < 'z' ORDER BY ended_at LIMIT 9")).toMatch(
    /^SEARCH attempts USING COVERING INDEX attempts_by_end/,
  )
})
