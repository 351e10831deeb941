import type mongoose from 'mongoose'
import { fromRow } from '../job-row.ts'
import { type JobDocument, type Models, toDocument } from './models.ts'

const PAGE = 500

/**
 * Documents as they were before `type`, `status`, `object_id`, `payload` and `result` had fields of their own: `record`
 * was the whole job. An older replica that still runs beside this one writes such a record over a newer document, whose
 * status then no longer fits its end: those are completed by the last replica to start.
 */
const OLD: mongoose.mongo.Filter<JobDocument> = {
  $or: [
    { status: { $exists: false } },
    { status: { $in: ['scheduled', 'processing'] }, ended_at: { $gt: '' } },
    { status: { $in: ['finished', 'cancelled', 'failed'] }, ended_at: '' },
  ],
}

/** @param perCommand see `updatesPerCommand` */
export async function completeOldDocuments(jobs: Models['jobCollection'], perCommand: number): Promise<void> {
  for (;;) {
    const found = await jobs.find(OLD, { limit: Math.min(PAGE, perCommand) }).toArray()
    if (found.length === 0) return
    await jobs.bulkWrite(
      found.map((document) => {
        const { _id, generation, seq } = document
        const { _id: _same, ...fields } = toDocument(fromRow(document))
        // Whoever has written a newer version meanwhile has written all of it.
        return { updateOne: { filter: { _id, generation, seq }, update: { $set: fields } } }
      }),
      { ordered: false },
    )
  }
}
