import { type Connection, Mongoose } from 'mongoose'

/** A connection of its own with settings of its own: nothing global is touched. */
export async function connect(url: string): Promise<Connection> {
  const mongoose = new Mongoose({ strictQuery: 'throw', sanitizeFilter: true, bufferCommands: false })
  const connection = mongoose.createConnection(url, {
    serverSelectionTimeoutMS: 5_000,
    connectTimeoutMS: 5_000,
    // A server that is frozen, not gone, would otherwise be waited for without end.
    socketTimeoutMS: 10_000,
    // What a secondary says may be older than what a caller has already seen.
    readPreference: 'primary',
    appName: 'hasty',
  })
  try {
    return await connection.asPromise()
  } catch (error) {
    await connection.close(true)
    throw error
  }
}

/**
 * FerretDB 1.x holds one of its 100 SQLite connections for every update of a command until the command ends: with 100
 * of them it waits for itself for ever. MongoDB takes what the driver sends (100,000).
 */
export async function updatesPerCommand(connection: Connection): Promise<number> {
  const buildInfo = await connection.db?.admin().buildInfo()
  return buildInfo !== undefined && 'ferretdbVersion' in buildInfo ? 20 : Number.POSITIVE_INFINITY
}
