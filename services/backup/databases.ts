import { once } from 'node:events'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import mongoose from 'mongoose'
import { connect } from '#shared/stores/mongo/connect.ts'
import type { BackupConfig } from './config.ts'

const { EJSON } = mongoose.mongo.BSON

/** A store of one service: a database of MongoDB, or a file of SQLite in DATA_DIR. */
interface Database {
  name: string
  mongoUrl: string | undefined
  file: string
}

const databasesOf = (config: BackupConfig): Database[] =>
  (
    [
      ['jobs', config.MONGO_URL],
      ['job', config.JOB_MONGO_URL],
      ['workflow', config.WORKFLOW_MONGO_URL],
    ] as const
  ).map(([name, mongoUrl]) => ({ name, mongoUrl, file: join(config.DATA_DIR, `${name}.sqlite`) }))

/** Copies those of the named stores that there are, each as it is at one moment or, of MongoDB, while it goes on. */
export async function saveDatabases(config: BackupConfig, dir: string, names: readonly string[]): Promise<string[]> {
  const saved: string[] = []
  for (const { name, mongoUrl, file } of databasesOf(config).filter((database) => names.includes(database.name))) {
    if (mongoUrl !== undefined) await saveCollections(mongoUrl, join(dir, name))
    else if (existsSync(file)) saveFile(file, join(dir, `${name}.sqlite`))
    else continue
    saved.push(name)
  }
  return saved
}

/** @throws when one of the stores has something already, before anything is written */
export async function checkDatabasesEmpty(config: BackupConfig): Promise<void> {
  for (const { name, mongoUrl, file } of databasesOf(config)) {
    if (mongoUrl === undefined) {
      if (existsSync(file)) throw new Error(`${file} exists already; restore into an empty DATA_DIR`)
    } else if (await hasDocuments(mongoUrl)) {
      throw new Error(`the database of the store "${name}" is not empty; restore into an empty one`)
    }
  }
}

export async function restoreDatabases(config: BackupConfig, dir: string): Promise<void> {
  for (const { name, mongoUrl, file } of databasesOf(config)) {
    const from = join(dir, `${name}.sqlite`)
    if (mongoUrl !== undefined && existsSync(join(dir, name))) await restoreCollections(mongoUrl, join(dir, name))
    else if (mongoUrl === undefined && existsSync(from)) await copyInto(file, from)
    else if (existsSync(from) || existsSync(join(dir, name)))
      throw new Error(`the backup of the store "${name}" is of another kind of store than this Hasty has`)
  }
}

async function copyInto(file: string, from: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await copyFile(from, file)
}

/** VACUUM INTO reads one snapshot, whatever is written meanwhile. */
function saveFile(file: string, target: string): void {
  const database = new DatabaseSync(file)
  try {
    database.prepare('VACUUM INTO ?').run(target)
  } finally {
    database.close()
  }
}

async function saveCollections(url: string, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true })
  const connection = await connect(url)
  try {
    for (const { name } of await collectionsOf(connection)) {
      const documents = connection.collection(name).find({}, { batchSize: BATCH })
      async function* lines() {
        for await (const document of documents) yield `${EJSON.stringify(document, { relaxed: false })}\n`
      }
      await pipeline(lines, createGzip(), createWriteStream(join(dir, `${name}${SUFFIX}`), { flags: 'wx' }))
    }
  } finally {
    await connection.close()
  }
}

const SUFFIX = '.ndjson.gz'
const BATCH = 500

async function restoreCollections(url: string, dir: string): Promise<void> {
  const connection = await connect(url)
  try {
    for (const file of await readdir(dir)) {
      const collection = connection.collection(file.slice(0, -SUFFIX.length))
      const source = createReadStream(join(dir, file)).pipe(createGunzip())
      let batch: mongoose.mongo.BSON.Document[] = []
      for await (const line of createInterface({ input: source })) {
        batch.push(EJSON.parse(line, { relaxed: false }) as mongoose.mongo.BSON.Document)
        if (batch.length < BATCH) continue
        await collection.insertMany(batch)
        batch = []
      }
      if (batch.length > 0) await collection.insertMany(batch)
      if (!source.closed) await once(source, 'close')
    }
  } finally {
    await connection.close()
  }
}

async function hasDocuments(url: string): Promise<boolean> {
  const connection = await connect(url)
  try {
    for (const { name } of await collectionsOf(connection))
      if ((await connection.collection(name).findOne({})) !== null) return true
    return false
  } finally {
    await connection.close()
  }
}

async function collectionsOf(connection: mongoose.Connection): Promise<{ name: string }[]> {
  return (await connection.listCollections()).filter(({ name }) => !name.startsWith('system.'))
}
