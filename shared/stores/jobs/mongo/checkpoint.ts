import mongoose from 'mongoose'
import { DUPLICATE_KEY } from '../../mongo/insert-or.ts'
import type { Checkpoint } from '../job-store.ts'
import type { Models } from './models.ts'

/** There is one checkpoint per store. */
const ID = 'checkpoint'

export const readCheckpoint = async (checkpoints: Models['checkpoints']): Promise<Checkpoint | null> =>
  checkpoints.findById(ID, { _id: 0 }).lean<Checkpoint>()

export async function saveCheckpoint(
  { checkpoints, checkpointCollection }: Models,
  next: Checkpoint,
  expectedRevision: number,
): Promise<boolean> {
  if (expectedRevision === 0) return insertFirst(checkpointCollection, next)
  const { matchedCount } = await checkpoints.updateOne({ _id: ID, revision: expectedRevision }, { $set: { ...next } })
  return matchedCount === 1
}

async function insertFirst(checkpoints: Models['checkpointCollection'], next: Checkpoint): Promise<boolean> {
  try {
    await checkpoints.insertOne({ _id: ID, ...next })
    return true
  } catch (error) {
    if (error instanceof mongoose.mongo.MongoServerError && error.code === DUPLICATE_KEY) return false
    throw error
  }
}
