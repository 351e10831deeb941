import type { FollowedEvent } from '#shared/bus/follow.ts'
import type { JobEvent } from '#shared/contracts/log/events.ts'
import { eventView } from './event-view.ts'
import type { EventWindow, ShownEvent } from './event-window.ts'
import { blockOf } from './server-sent-events.ts'

/** The part of all events that a reader gets. Readers with the same view get the same text. */
export interface View {
  /** The only tenant whose events the reader may see; null: those of all. */
  tenant: string | null
  /** The only type wanted; null: all. */
  type: string | null
  /** The tag that a wanted event's job has; null: any job. */
  tag: string | null
}

/** Tells whose job it is: null where it is nobody's, undefined where there is no such job. */
export type OwnerOf = (jobId: string) => Promise<string | null | undefined>

/** A piece of a reader's stream. */
export interface Chunk {
  /** Whole blocks, or nothing. */
  text: Buffer
  /** The sequence up to which the reader has then seen everything. */
  seq: number
}

/** Room for a chunk. A larger event is a chunk of its own. */
const CHUNK_BYTES = 32 * 1024

/** Whose an event is, as far as it tells. */
export type Ownership = Pick<ShownEvent, 'tenant' | 'job_id' | 'isOwnerUnknown'>

export const ownershipOf = (event: JobEvent): Ownership => ({
  tenant: event.tenant ?? null,
  job_id: event.job_id,
  // The end of a job that its worker could not read names neither object nor tenant.
  isOwnerUnknown: event.object_id === '',
})

const NO_TAGS: readonly string[] = []

export const shownEvent = ({ seq, event }: FollowedEvent): ShownEvent => ({
  ...ownershipOf(event),
  seq,
  type: event.type,
  tags: event.tags ?? NO_TAGS,
  block: Buffer.from(blockOf({ id: seq, event: event.event, data: eventView(event, seq) })),
})

/** Whether a reader gets the event, unless it turns out to be another tenant's. */
const isInView = ({ tenant, type, tag }: View, event: ShownEvent): boolean =>
  (type === null || event.type === type) &&
  (tag === null || event.tags.includes(tag)) &&
  (tenant === null || event.tenant === tenant || event.isOwnerUnknown)

export async function isVisible(ownerOf: OwnerOf, tenant: string | null, event: Ownership): Promise<boolean> {
  if (tenant === null || event.tenant === tenant) return true
  return event.isOwnerUnknown && (await ownerOf(event.job_id)) === tenant
}

/** The next piece of a view. The window must have what comes after the sequence: it is looked at before any pause. */
export async function chunkOf(ownerOf: OwnerOf, view: View, window: EventWindow, afterSeq: number): Promise<Chunk> {
  const { events, seq } = window.after(afterSeq, (event) => isInView(view, event), CHUNK_BYTES)
  const blocks: Buffer[] = []
  for (const event of events) {
    if (view.tenant === null || (await isVisible(ownerOf, view.tenant, event))) blocks.push(event.block)
  }
  return { text: blocks.length === 1 ? (blocks[0] as Buffer) : Buffer.concat(blocks), seq }
}
