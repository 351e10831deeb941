import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Delivery } from '#shared/bus/puller.ts'
import { ExclusiveDeliveries } from './exclusive-deliveries.ts'

const LEASE_MS = 1_000
const TYPE = 'sleep'

/** What arrives at a worker on its connection, in this order. */
type Arrival =
  | {
      kind: 'delivery'
      delivery: Pick<Delivery, 'deliveries' | 'seq' | 'asked'>
      lane: Lane
      isFirst: boolean
      isOver: boolean
    }
  | { kind: 'changing' | 'changed' | 'reconnected' }
  | { kind: 'cancelled'; seq: number }

interface Lane {
  shape: 'one' | 'three'
  /** Sequence of the last message when no lane of another shape was left; null while one is. */
  aloneSince: number | null
  /** Next sequence that was never delivered. */
  next: number
  /** Number of deliveries and end of the ack wait, of each message that is not acked. */
  pending: Map<number, { count: number; untilMs: number }>
}

/** A broker with one type's lanes, as far as deliveries go: it counts them, and forgets the count as a real one may. */
class World {
  nowMs = 0
  seq = 0
  lanes: Lane[] = [{ shape: 'one', aloneSince: 0, next: 1, pending: new Map() }]
  /** The record of the broker's last start, which the first worker writes that looks for it. */
  startedAfter: number | null = 0
  readonly workers = [new Worker(this), new Worker(this)]
  /** The messages that were delivered to anybody. */
  readonly delivered = new Set<number>()
  /** Sequences of the messages whose job was cancelled. */
  readonly cancelled = new Set<number>()
  lastCancel = 0
  /** Steps that are left of a change of shape. */
  change: (() => void)[] = []
  exclusive = 0

  tell(kind: 'changing' | 'changed'): void {
    for (const worker of this.workers) worker.hear({ kind })
  }

  /** Cancels the job of the latest message: its trigger stays where it is. */
  cancel(): void {
    this.cancelled.add(this.seq)
    this.lastCancel = ++this.seq
    for (const worker of this.workers) worker.hear({ kind: 'cancelled', seq: this.lastCancel })
  }

  deliver(lane: Lane): { seq: number; count: number } | null {
    const late = [...lane.pending].find(([, { untilMs }]) => untilMs <= this.nowMs)
    const seq = late?.[0] ?? (lane.next <= this.seq ? lane.next++ : null)
    if (seq === null) return null
    const count = (late?.[1].count ?? 0) + 1
    lane.pending.set(seq, { count, untilMs: this.nowMs + LEASE_MS })
    return { seq, count }
  }

  /** A restarted broker may not remember the last deliveries. */
  restart(): void {
    this.startedAfter = null
    for (const lane of this.lanes) {
      lane.next = Math.min(lane.next, ...lane.pending.keys())
      lane.pending.clear()
    }
    for (const worker of this.workers) worker.reconnect()
  }

  startChange(): void {
    const [old] = this.lanes
    if (this.change.length > 0 || old === undefined) return
    const shape = old.shape === 'one' ? 'three' : 'one'
    this.change = [
      () => {
        old.aloneSince = null
      },
      () => this.tell('changing'),
      () =>
        this.lanes.push({
          shape,
          aloneSince: null,
          next: Math.min(old.next, ...old.pending.keys()),
          pending: new Map(),
        }),
      () => void this.lanes.shift(),
      () => {
        for (const lane of this.lanes) lane.aloneSince = this.seq
      },
      () => this.tell('changed'),
    ]
  }
}

class Worker {
  inbox: Arrival[] = []
  readonly #world: World
  readonly #exclusive: ExclusiveDeliveries
  /** The shape of the lanes from which this worker takes; null while it has seen none. */
  #shape: Lane['shape'] | null = 'one'
  /** The second half of a look at the lanes, whose first half was answered. */
  #look: (() => void) | null = null
  #isUp = true

  constructor(world: World) {
    this.#world = world
    this.#exclusive = new ExclusiveDeliveries({ now: () => world.nowMs, monotonic: () => world.nowMs }, LEASE_MS)
    this.#exclusive.look(TYPE)(0)
  }

  reconnect(): void {
    this.#isUp = false
    this.inbox.push({ kind: 'reconnected' })
  }

  /** What is published while the connection is away is lost. */
  hear(arrival: Arrival): void {
    if (this.#isUp) this.inbox.push(arrival)
  }

  pull(askedAgoMs: number): void {
    const lane = this.#world.lanes.find(({ shape }) => shape === this.#shape)
    if (lane === undefined || !this.#isUp) return
    const taken = this.#world.deliver(lane)
    if (taken === null) return
    const askedMs = this.#world.nowMs - askedAgoMs
    const asked = { monotonicMs: askedMs, wallMs: askedMs }
    const isFirst = !this.#world.delivered.has(taken.seq)
    this.#world.delivered.add(taken.seq)
    const isOver = this.#world.cancelled.has(taken.seq)
    const delivery = { deliveries: taken.count, seq: taken.seq, asked }
    this.inbox.push({ kind: 'delivery', delivery, lane, isFirst, isOver })
  }

  /** Reads what arrived next. */
  read(): void {
    const arrival = this.inbox.shift()
    if (arrival?.kind === 'delivery') {
      if (!this.#isUp || !this.#exclusive.isExclusive(TYPE, arrival.delivery)) return
      this.#world.exclusive++
      const { seq } = arrival.delivery
      if (!arrival.isFirst) throw new Error(`${seq} was delivered before, and taken for exclusive`)
      if (arrival.isOver) throw new Error(`${seq} was cancelled before it was delivered`)
      if (arrival.lane.pending.get(seq)?.count !== 1) throw new Error(`${seq} had gone to another before it was read`)
    } else if (arrival?.kind === 'changing') {
      this.#exclusive.distrust(TYPE)
    } else if (arrival?.kind === 'cancelled') {
      this.#exclusive.cancelled(TYPE, arrival.seq)
    } else if (arrival !== undefined) {
      if (arrival.kind === 'reconnected') {
        this.#isUp = true
      }
      this.beginLook()
    }
  }

  /** Gets the answer to a look that is under way. */
  endLook(): void {
    this.#look?.()
    this.#look = null
  }

  beginLook(): void {
    const trustAfter = this.#exclusive.look(TYPE)
    const world = this.#world
    const lanes = world.lanes.map(({ shape, aloneSince }) => ({ shape, aloneSince }))
    this.#look = () => {
      this.#shape = lanes.at(-1)?.shape ?? null
      world.startedAfter ??= world.seq
      const aloneSince = lanes.map((lane) => lane.aloneSince ?? Number.POSITIVE_INFINITY)
      trustAfter(Math.max(...aloneSince, world.startedAfter, world.lastCancel))
    }
  }
}

type Step = { do: OfWorld } | { do: 'wait'; ms: number } | OfWorker
type OfWorld = 'store' | 'cancel' | 'restart' | 'startChange' | 'change'
type OfWorker = { do: 'pull' | 'read' | 'beginLook' | 'endLook'; worker: number; askedAgoMs: number }

function act(world: World, step: Step): void {
  switch (step.do) {
    case 'store':
      world.seq++
      break
    case 'cancel':
      world.cancel()
      break
    case 'restart':
      world.restart()
      break
    case 'startChange':
      world.startChange()
      break
    case 'change':
      world.change.shift()?.()
      break
    case 'wait':
      world.nowMs += step.ms
      break
    case 'pull':
    case 'read':
    case 'beginLook':
    case 'endLook':
      world.workers[step.worker]?.[step.do](step.askedAgoMs)
  }
}

const ofWorker = (what: OfWorker['do']): fc.Arbitrary<Step> =>
  fc.record({ do: fc.constant(what), worker: fc.nat({ max: 1 }), askedAgoMs: fc.nat({ max: 600 }) })
const ofWorld = (what: OfWorld): fc.Arbitrary<Step> => fc.constant({ do: what })

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: ofWorld('store') },
  { weight: 6, arbitrary: ofWorker('pull') },
  { weight: 8, arbitrary: ofWorker('read') },
  { weight: 2, arbitrary: ofWorker('beginLook') },
  { weight: 3, arbitrary: ofWorker('endLook') },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 700 }) }) },
  { weight: 1, arbitrary: ofWorld('cancel') },
  { weight: 1, arbitrary: ofWorld('restart') },
  { weight: 2, arbitrary: ofWorld('startChange') },
  { weight: 5, arbitrary: ofWorld('change') },
)

const of = (worker: number, ...what: OfWorker['do'][]): Step[] =>
  what.map((one) => ({ do: one, worker, askedAgoMs: 0 }))
const change: Step = { do: 'change' }
const store: Step = { do: 'store' }
/** The second worker takes the message from the new lane, and the first one then from the old lane. */
const takenTwice: Step[] = [...of(1, 'beginLook', 'endLook', 'pull'), ...of(0, 'pull', 'read', 'read')]
/** Runs that chance hardly ever finds. */
const examples: [Step[]][] = [
  // The first worker looks again before the new lane is there.
  [[{ do: 'startChange' }, change, change, ...of(0, 'read', 'beginLook', 'endLook'), store, change, ...takenTwice]],
  // It has not looked since.
  [[{ do: 'startChange' }, change, change, store, change, ...takenTwice]],
]

test('what is taken for exclusive was never delivered before nor cancelled, whatever becomes of broker, lanes and workers', () => {
  let exclusive = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const world = new World()
      for (const one of steps) act(world, one)
      exclusive += world.exclusive
    }),
    { numRuns: 10_000, examples },
  )
  // Not for lack of deliveries that were.
  expect(exclusive).toBeGreaterThan(1_000)
})

test('a look at the lanes that began before they were about to be replaced shows nothing', () => {
  const exclusive = new ExclusiveDeliveries({ now: () => 0, monotonic: () => 0 }, LEASE_MS)
  const first = { deliveries: 1, seq: 1, asked: { monotonicMs: 0, wallMs: 0 } }
  const endLook = exclusive.look(TYPE)
  exclusive.distrust(TYPE)
  endLook(0)
  expect(exclusive.isExclusive(TYPE, first)).toBe(false)
  exclusive.look(TYPE)(0)
  expect(exclusive.isExclusive(TYPE, first)).toBe(true)
})
