const STATES = ['here', 'missing', 'left', 'dead'] as const

/** What a worker tells the others, so that they can hand its jobs back when it dies. */
export interface HeldList {
  worker_id: string
  /**
   * `left`: it has ended in order. `missing`, `dead`: another worker tells that it is not connected, and that its jobs
   * were handed back.
   */
  state: (typeof STATES)[number]
  /** The server of the broker that the worker is connected to. */
  server_id: string
  /** Ack subjects of the deliveries that it holds. */
  held: string[]
}

/** Checked by hand: the lease thread is small, and a schema would double its modules. @returns null for another body */
export function readHeldList(body: string): HeldList | null {
  let list: Partial<Record<keyof HeldList, unknown>> | null
  try {
    list = JSON.parse(body) as typeof list
  } catch {
    return null
  }
  const { worker_id, server_id, held } = list ?? {}
  const state = STATES.find((known) => known === list?.state)
  if (typeof worker_id !== 'string' || typeof server_id !== 'string' || state === undefined) return null
  if (!Array.isArray(held) || !held.every(isAckSubject)) return null
  return { worker_id, state, server_id, held }
}

const isAckSubject = (subject: unknown): subject is string =>
  typeof subject === 'string' && subject.startsWith('$JS.ACK.')
