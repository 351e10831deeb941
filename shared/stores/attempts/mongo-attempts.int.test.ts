import { describe, test } from 'vitest'
import { newDatabase, openFreshMongo } from '../mongo/fresh-database.ts'
import { testAttemptStore } from './conformance.ts'
import { openMongoAttempts } from './mongo-attempts.ts'

/** Set by `npm test`, which starts a server or says why it has none. */
const server = process.env.HASTY_TEST_MONGO_URL

if (server === undefined) {
  const reasons = process.env.HASTY_TEST_MONGO_SKIPPED ?? 'HASTY_TEST_MONGO_URL is not set'
  describe.skip(`mongo as an AttemptStore (skipped: ${reasons})`, () => {
    test('conformance', () => {})
  })
} else {
  testAttemptStore('mongo', () => openFreshMongo(newDatabase(server), openMongoAttempts))
}
