import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openFreshFile } from '../sqlite/open-fresh.ts'
import { testAttemptStore } from './conformance.ts'
import { openSqliteAttempts } from './sqlite-attempts.ts'

const openFile = () => openFreshFile('job.sqlite', openSqliteAttempts)

testAttemptStore('sqlite', openFile)

test('a page, and what retention deletes, are found by an index', async () => {
  await using opened = await openFile()
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
