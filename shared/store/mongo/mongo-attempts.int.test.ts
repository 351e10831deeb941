import mongoose from 'mongoose'
import { nanoid } from 'nanoid'
import { describe, test } from 'vitest'
import type { AttemptStore } from '../attempts-port.ts'
import { type OpenedAttemptStore, testAttemptStore } from '../conformance/attempts.ts'
import { openMongoAttempts } from './mongo-attempts.ts'

/** Set by `npm test`, which starts a server or says why it has none. */
const server = process.env.HASTY_TEST_MONGO_URL

async function openFresh(serverUrl: string): Promise<OpenedAttemptStore> {
  const url = new URL(serverUrl)
  url.pathname = `/hasty_test_${nanoid(10).replaceAll('-', '_')}`
  const opened: AttemptStore[] = []
  const openAgain = async () => {
    const store = await openMongoAttempts(url.href)
    opened.push(store)
    return store
  }
  return {
    store: await openAgain(),
    openAgain,
    async [Symbol.asyncDispose]() {
      for (const store of opened) await store.close()
      const connection = await mongoose.createConnection(url.href).asPromise()
      await connection.dropDatabase()
      await connection.close()
    },
  }
}

if (server === undefined) {
  const reasons = process.env.HASTY_TEST_MONGO_SKIPPED ?? 'HASTY_TEST_MONGO_URL is not set'
  describe.skip(`mongo as an AttemptStore (skipped: ${reasons})`, () => {
    test('conformance', () => {})
  })
} else {
  testAttemptStore('mongo', () => openFresh(server))
}
