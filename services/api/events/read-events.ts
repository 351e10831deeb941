import type { z } from 'zod'
import { readLogFrom } from '#shared/bus/follow.ts'
import type { Stream } from '#shared/bus/stream.ts'
import type { eventsPageSchema } from '#shared/contracts/http/events.ts'
import type { JobEvent } from '#shared/contracts/log/events.ts'
import { unavailable } from '#shared/errors/app-error.ts'
import { eventView } from './event-view.ts'
import { eventsFilter, hasGap } from './follow-all.ts'
import { isVisible, type OwnerOf, ownershipOf, type View } from './show-events.ts'

export interface ReadEventsDeps {
  /** The log of jobs. */
  stream: Stream
  ownerOf: OwnerOf
}

/**
 * A page of the events of a view, from the current log. Those of other tenants and without the tag are left out, so it
 * may be short or empty: a reader that continues after its `last_event_id` misses nothing.
 * @throws AppError `unavailable`
 */
export async function readEvents(
  deps: ReadEventsDeps,
  view: View,
  afterSeq: number,
  limit: number,
): Promise<z.infer<typeof eventsPageSchema>> {
  try {
    const state = await deps.stream.state()
    const reset = afterSeq > 0 && (await hasGap(deps, state, afterSeq))
    const from = reset ? state.firstSeq - 1 : afterSeq
    const { events, lastSeq } = await readLogFrom(deps.stream, eventsFilter(view.type), from + 1, limit)
    const visible = await Promise.all(
      events.map(({ event }) => isVisible(deps.ownerOf, view.tenant, ownershipOf(event))),
    )
    const isWanted = (event: JobEvent) => view.tag === null || event.tags?.includes(view.tag) === true
    const items = events.flatMap(({ seq, event }, n) => (visible[n] && isWanted(event) ? [eventView(event, seq)] : []))
    return { items, last_event_id: lastSeq ?? Math.max(from, state.lastSeq), reset }
  } catch (error) {
    throw unavailable('The log cannot be read at the moment. Try again.', error)
  }
}
