import { describe, test } from 'vitest'
import { newDatabase, openFreshMongo } from '../mongo/fresh-database.ts'
import { testRequestStore } from './conformance.ts'
import { openMongoRequests } from './mongo-requests.ts'

/** Set by `npm test`, which starts a server or says why it has none. */
const server = process.env.HASTY_TEST_MONGO_URL
const atomicUpdates = process.env.HASTY_TEST_MONGO_KIND !== 'ferretdb'

if (server === undefined) {
  const reasons = process.env.HASTY_TEST_MONGO_SKIPPED ?? 'HASTY_TEST_MONGO_URL is not set'
  describe.skip(`mongo as a RequestStore (skipped: ${reasons})`, () => {
    test('conformance', () => {})
  })
} else {
  testRequestStore('mongo', () => openFreshMongo(newDatabase(server), openMongoRequests), { atomicUpdates })
}
