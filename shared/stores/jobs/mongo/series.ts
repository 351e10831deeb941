import { findByIds } from '../../mongo/find-by-ids.ts'
import { putNewer, type VersionedDocument } from '../../mongo/put-newer.ts'
import { checkTenant } from '../../tenant-filter.ts'
import {
  type LevelRow,
  type Occurrences,
  type SeriesQuery,
  type SeriesRow,
  STEPS,
  type StepS,
  type Tally,
} from '../series/series.ts'
import { rowAfter } from '../series/tally.ts'
import type { Models } from './models.ts'

/** A SeriesRow as MongoDB keeps it. The type has no space, so that the id tells them apart. */
export type SpanDocument = Pick<SeriesRow, 'generation' | 'seq' | 'tenant' | 'type'> & {
  _id: string
  step_s: number
  at_s: number
  tally: string
}

export type LevelDocument = Pick<LevelRow, 'type' | 'waiting' | 'running'> & {
  _id: string
  step_s: number
  at_s: number
}

const idOf = ({ stepS, atS, type, tenant }: Pick<SeriesRow, 'stepS' | 'atS' | 'type' | 'tenant'>): string =>
  `${stepS} ${atS} ${type} ${tenant}`

/**
 * Counts a batch. Each row is written whole where it is newer, like a job: whoever was faster has counted the same
 * events, and a batch of which only a part was written is counted by its repetition.
 */
export async function countOccurrences(
  { spanVersions, spans }: Models,
  occurrences: Occurrences,
  perCommand: number,
): Promise<void> {
  const changes = occurrences.changes.spans
  if (changes.length === 0) return
  const found = await findByIds(spans, changes.map(idOf), [
    'step_s',
    'at_s',
    'tenant',
    'type',
    'generation',
    'seq',
    'tally',
  ])
  const stored = new Map(found.map((document) => [document._id, toRow(document)]))
  const writes = changes.flatMap((change): VersionedDocument[] => {
    const next = rowAfter(change, stored.get(idOf(change)) ?? null, occurrences)
    return next === null ? [] : [toDocument(next)]
  })
  if (writes.length > 0) await putNewer(spanVersions, writes, perCommand)
}

export async function readSeries({ spans }: Models, query: SeriesQuery): Promise<SeriesRow[]> {
  const { stepS, tenant, type, fromS, belowS } = query
  checkTenant(tenant)
  const documents = await spans
    .find({
      step_s: stepS,
      tenant: tenant ?? '',
      at_s: { $gte: fromS, $lt: belowS },
      ...(type === null ? {} : { type }),
    })
    .toArray()
  return documents.map(toRow)
}

export async function firstSpan({ spans, levels }: Models, step_s: StepS): Promise<number | null> {
  const first = [
    ...(await spans.find({ step_s, tenant: '' }).sort({ at_s: 1 }).limit(1).toArray()),
    ...(await levels.find({ step_s }).sort({ at_s: 1 }).limit(1).toArray()),
  ].map(({ at_s: atS }) => atS)
  return first.length === 0 ? null : Math.min(...first)
}

export async function putLevels({ levels }: Models, rows: LevelRow[]): Promise<void> {
  if (rows.length === 0) return
  const operations = rows.map(({ stepS, atS, type, waiting, running }) => ({
    updateOne: {
      filter: { _id: idOf({ stepS, atS, type, tenant: '' }) },
      update: { $setOnInsert: { step_s: stepS, at_s: atS, type }, $max: { waiting, running } },
      upsert: true,
    },
  }))
  await levels.bulkWrite(operations, { ordered: false })
}

export async function readLevels(
  { levels }: Models,
  { stepS, fromS, belowS, type }: Omit<SeriesQuery, 'tenant'>,
): Promise<LevelRow[]> {
  const documents = await levels
    .find({ step_s: stepS, at_s: { $gte: fromS, $lt: belowS }, ...(type === null ? {} : { type }) })
    .toArray()
  return documents.map(({ step_s, at_s, type: of, waiting, running }) => ({
    stepS: step_s as LevelRow['stepS'],
    atS: at_s,
    type: of,
    waiting,
    running,
  }))
}

export async function deleteOldSpans({ spans, levels }: Models, nowMs: number): Promise<void> {
  for (const { stepS, keptS } of STEPS) {
    const old = { step_s: stepS, at_s: { $lt: Math.floor(nowMs / 1_000) - keptS } }
    await spans.deleteMany(old)
    await levels.deleteMany(old)
  }
}

function toDocument({ stepS, atS, tenant, type, generation, seq, tally }: SeriesRow): VersionedDocument {
  const _id = idOf({ stepS, atS, type, tenant })
  return { _id, step_s: stepS, at_s: atS, tenant, type, generation, seq, tally: JSON.stringify(tally) }
}

const toRow = ({ step_s, at_s, tally, ...row }: Omit<SpanDocument, '_id'>): SeriesRow => ({
  stepS: step_s as SeriesRow['stepS'],
  atS: at_s,
  tenant: row.tenant,
  type: row.type,
  generation: row.generation,
  seq: row.seq,
  tally: JSON.parse(tally) as Tally,
})
