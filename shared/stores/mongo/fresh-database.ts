// For tests.
import mongoose from 'mongoose'
import { newShortId } from '#shared/ids/ids.ts'
import { type FreshStore, openFresh } from '../open-fresh.ts'

/** A new database on the server for one test. */
export function newDatabase(serverUrl: string): URL {
  const url = new URL(serverUrl)
  url.pathname = `/hasty_test_${newShortId()}`
  return url
}

/** Opens a store for one test; at its end every connection is closed and the database dropped. */
export const openFreshMongo = <T extends { close(): Promise<void> }>(
  url: URL,
  open: (url: string) => Promise<T>,
): Promise<FreshStore<T>> =>
  openFresh(
    () => open(url.href),
    () => drop(url),
  )

async function drop(url: URL): Promise<void> {
  const connection = await mongoose.createConnection(url.href).asPromise()
  await connection.dropDatabase()
  await connection.close()
}
