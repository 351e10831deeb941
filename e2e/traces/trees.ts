import { randomBytes } from 'node:crypto'
import { expect, vi } from 'vitest'
import type { SeenSpan, startReceiver } from './receiver.ts'

export type Receiver = Awaited<ReturnType<typeof startReceiver>>

/** A call of a client that traces: its trace, and its span. */
export interface ClientTrace {
  traceId: string
  spanId: string
  traceparent: string
}

export function newTrace(): ClientTrace {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` }
}

/** The spans of a trace by their names; those of the same name and parent count as one. */
export type Tree = { [name: string]: Tree }

export function treeOf(spans: SeenSpan[], parentId: string): Tree {
  const tree: Tree = {}
  for (const { name, spanId } of spans.filter((span) => span.parentId === parentId))
    tree[name] = { ...tree[name], ...treeOf(spans, spanId) }
  return tree
}

/** A job that was sent and ran: its sending, its wait, and an attempt with what is under that. */
export const sent = (type: string, inAttempt: Tree = {}): Tree => ({
  [`send ${type}`]: { [`wait ${type}`]: {}, [`process ${type}`]: inAttempt },
})

/** Waits until a trace looks like this. @param under the span that all of it is under; empty: it has none */
export const untilTree = (
  receiver: Receiver,
  { traceId, spanId }: Pick<ClientTrace, 'traceId' | 'spanId'>,
  tree: Tree,
): Promise<SeenSpan[]> =>
  vi.waitFor(
    () => {
      const spans = receiver.spans().filter((span) => span.traceId === traceId)
      expect(treeOf(spans, spanId)).toEqual(tree)
      return spans
    },
    { timeout: 20_000, interval: 50 },
  )
