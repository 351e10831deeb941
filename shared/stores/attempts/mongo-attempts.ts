import type { Connection } from 'mongoose'
import { connect, updatesPerCommand } from '../mongo/connect.ts'
import { insertOr } from '../mongo/insert-or.ts'
import {
  type AttemptRow,
  fromAttemptRow,
  fromWorkerRow,
  toAttemptRow,
  toSummary,
  toWorkerRow,
  type WorkerRow,
} from './attempt-row.ts'
import type { AttemptStore } from './attempt-store.ts'

type WorkerDocument = Omit<WorkerRow, 'worker_id'> & { _id: string }
/** An attempt, keyed by its worker and its number, so that the one index that always exists serves the pages. */
type AttemptDocument = Pick<AttemptRow, 'ended_at' | 'record'> & { _id: string }

/**
 * Opens the database in the URL. Only operators that MongoDB 6 to 8 and FerretDB 1.24 share are used, as in
 * mongo-jobs.ts. Rejects after 5 s when no server answers.
 */
export async function openMongoAttempts(url: string): Promise<AttemptStore> {
  const connection = await connect(url)
  const workers = connection.collection<WorkerDocument>('workers')
  const attempts = connection.collection<AttemptDocument>('attempts')
  const perCommand = await setUp(connection)
  return {
    save: async (worker, ended) => {
      const documents = ended.map((attempt) => toDocument(toAttemptRow(attempt)))
      for (let start = 0; start < documents.length; start += perCommand) {
        const some = documents.slice(start, start + perCommand)
        // An ended attempt never changes: only a repeated save meets what it wrote before.
        await insertOr(attempts, some, () => attempts.bulkWrite(some.map(toUpsert), { ordered: false }))
      }
      const { worker_id, ...fields } = toWorkerRow(worker)
      await workers.replaceOne({ _id: worker_id }, fields, { upsert: true })
    },

    listWorkers: async ({ live, liveSince, limit }) => {
      const isLive = { stopped: 0, beat_at: { $gte: liveSince } }
      const isNot = { $or: [{ stopped: 1 }, { beat_at: { $lt: liveSince } }] }
      const filter = live === null ? {} : live ? isLive : isNot
      const found = workers.find(filter, { projection: { summary: 1 }, sort: BY_START, limit })
      return (await found.toArray()).map(toSummary)
    },

    getWorker: async (workerId) => {
      const document = await workers.findOne({ _id: workerId })
      return document === null ? null : fromWorkerRow(document)
    },

    listAttempts: async ({ workerId, belowSeq, limit }) => {
      const ofWorker = { $gte: keyOf(workerId, 0), $lt: keyOf(workerId, belowSeq) }
      const found = attempts.find({ _id: ofWorker }, { sort: { _id: -1 }, limit, batchSize: limit })
      return (await found.toArray()).map(fromDocument)
    },

    deleteBefore: async (time, limit) => {
      const found = await attempts
        .find({ ended_at: { $lt: time } }, { projection: { _id: 1 }, sort: { ended_at: 1 }, limit })
        .toArray()
      const dead = await workers.find({ beat_at: { $lt: time } }, { projection: { _id: 1 }, limit }).toArray()
      const inFound = { $in: found.map(({ _id }) => _id) }
      const ended = found.length === 0 ? 0 : (await attempts.deleteMany({ _id: inFound })).deletedCount
      if (dead.length === 0) return ended
      // The time is compared again: a worker that was frozen may have written in between.
      const inDead = { _id: { $in: dead.map(({ _id }) => _id) }, beat_at: { $lt: time } }
      return ended + (await workers.deleteMany(inDead)).deletedCount
    },

    close: () => connection.close(),
  }
}

const BY_START = { started_at: -1, _id: -1 } as const

/** @returns the number of updates that a command may hold */
async function setUp(connection: Connection): Promise<number> {
  try {
    await connection.collection('workers').createIndex(BY_START)
    await connection.collection('attempts').createIndex({ ended_at: 1 })
    return await updatesPerCommand(connection)
  } catch (error) {
    await connection.close(true)
    throw error
  }
}

const toUpsert = ({ _id, ...replacement }: AttemptDocument) => ({
  replaceOne: { filter: { _id }, replacement, upsert: true },
})

/** Digits of Number.MAX_SAFE_INTEGER: keys sort in the order of their numbers. No worker's id has a dot. */
const SEQ_LENGTH = 16
const keyOf = (workerId: string, seq: number): string => `${workerId}.${String(seq).padStart(SEQ_LENGTH, '0')}`

const toDocument = ({ worker_id, seq, ended_at, record }: AttemptRow): AttemptDocument => ({
  _id: keyOf(worker_id, seq),
  ended_at,
  record,
})

const fromDocument = ({ _id, record }: AttemptDocument) => {
  const [workerId = '', seq] = _id.split('.')
  return fromAttemptRow({ worker_id: workerId, seq: Number(seq), record })
}
