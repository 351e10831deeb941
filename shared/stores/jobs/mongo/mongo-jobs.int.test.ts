import { describe, test } from 'vitest'
import { newDatabase, openFreshMongo } from '../../mongo/fresh-database.ts'
import { testJobStore } from '../conformance.ts'
import { openMongoStore } from './mongo-jobs.ts'

/** Set by `npm test`, which starts a server or says why it has none. */
const server = process.env.HASTY_TEST_MONGO_URL
const atomicUpdates = process.env.HASTY_TEST_MONGO_KIND !== 'ferretdb'

const openFresh = (serverUrl: string) => openFreshMongo(newDatabase(serverUrl), openMongoStore)

if (server === undefined) {
  const reasons = process.env.HASTY_TEST_MONGO_SKIPPED ?? 'HASTY_TEST_MONGO_URL is not set'
  describe.skip(`mongo as a JobStore (skipped: ${reasons})`, () => {
    test('conformance', () => {})
  })
} else {
  testJobStore('mongo', () => openFresh(server), { atomicUpdates, propertyRuns: 10 })
}
