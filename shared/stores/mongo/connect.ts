import { type Connection, Mongoose } from 'mongoose'

/** A connection with its own settings: nothing global is touched. */
export async function connect(url: string): Promise<Connection> {
  const mongoose = new Mongoose({ strictQuery: 'throw', sanitizeFilter: true, bufferCommands: false })
  const connection = mongoose.createConnection(url, {
    serverSelectionTimeoutMS: 5_000,
    connectTimeoutMS: 5_000,
    // Without it, a frozen server would be waited for forever.
    socketTimeoutMS: 10_000,
    // A secondary's data may be older than what a caller has already seen.
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
 * The number of updates that a command may hold. FerretDB 1.x holds one of its 100 SQLite connections for every update
 * until the command ends: with 100 of them it deadlocks. MongoDB takes what the driver sends (100,000).
 */
export async function updatesPerCommand(connection: Connection): Promise<number> {
  const buildInfo = await connection.db?.admin().buildInfo()
  return buildInfo !== undefined && 'ferretdbVersion' in buildInfo ? 20 : Number.POSITIVE_INFINITY
}
