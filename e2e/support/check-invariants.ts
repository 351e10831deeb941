import { isDeepStrictEqual } from 'node:util'
import type { LaneInfo } from '#shared/bus/lanes/lanes.ts'
import { type JobView, jobView } from '#shared/contracts/http/jobs.ts'
import { applyEvent } from '#shared/contracts/log/apply-event.ts'
import type { Job } from '#shared/contracts/log/job.ts'
import { isTerminalEvent } from '#shared/contracts/log/subjects.ts'
import type { ReceivedEffect } from './effect-sink.ts'
import type { Post } from './load.ts'
import type { Reading } from './poller.ts'
import { type HistoryEntry, historiesOf, type LogEntry } from './read-log.ts'

/** Everything that a run showed, from outside and at the broker and the store themselves. */
export interface Evidence {
  cooldownMs: number
  posts: readonly Post[]
  readings: readonly Reading[]
  log: readonly LogEntry[]
  /** The final answer of each replica about each job of the log. */
  answers: readonly { replica: string; job_id: string; httpStatus: number; view: JobView | null }[]
  /** The documents themselves. */
  stored: ReadonlyMap<string, Job>
  effects: readonly ReceivedEffect[]
  lanes: readonly Pick<LaneInfo, 'name' | 'pending' | 'ackPending'>[]
  /** Messages of timers that have not fired, by subject. */
  timers: readonly string[]
  processes: readonly { name: string; rssBytes: number }[]
  /** Lines of the services' logs that no run may have. */
  complaints: readonly string[]
}

export interface Violation {
  /** A letter of DESIGN section 8. */
  invariant: 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J'
  what: string
}

const MAX_RSS_BYTES = 400 * 1024 * 1024

/** Judges a run that has come to rest. */
export function checkInvariants(evidence: Evidence): Violation[] {
  const histories = historiesOf(evidence.log)
  const acceptedIds = new Set(evidence.posts.filter(isAccepted).map(({ job_id }) => job_id ?? ''))
  const found: [Violation['invariant'], string[]][] = [
    ['A', lostJobs(acceptedIds, histories)],
    ['B', badEndings(histories)],
    ['C', backwardReadings(evidence.readings)],
    ['D', brokenCooldowns(histories, evidence.cooldownMs)],
    ['E', repeatedEffects(evidence.effects, histories)],
    ['F', jobsFromNowhere(evidence.posts, histories)],
    ['G', leftovers(evidence)],
    ['H', wrongDocuments(evidence, histories)],
    ['I', dishonestAnswers(evidence.posts, histories)],
    ['J', unbounded(evidence)],
  ]
  return found.flatMap(([invariant, list]) => list.map((what) => ({ invariant, what })))
}

type Histories = ReadonlyMap<string, HistoryEntry[]>

const isAccepted = (post: Post): boolean => post.outcome === 'accepted'
const isEnd = ({ event }: HistoryEntry): boolean => isTerminalEvent(event.event)
/** Whether the event is an operator's retry of an ended job. */
const startsRound = ({ event }: HistoryEntry): boolean => event.event === 'job:created' && event.round > 1
const story = (history: readonly HistoryEntry[]): string =>
  history.map(({ seq, event }) => `${seq} ${event.event}`).join(', ')

function lostJobs(acceptedIds: ReadonlySet<string>, histories: Histories): string[] {
  return [...acceptedIds]
    .filter((id) => !(histories.get(id) ?? []).some(isEnd))
    .map((id) => `${id} was accepted and has no end: ${story(histories.get(id) ?? [])}`)
}

/** Faults of the ends: each round has one end, nothing follows it, and every event compared with the one before it. */
function badEndings(histories: Histories): string[] {
  const problems: string[] = []
  for (const [id, history] of histories) {
    const rounds = history.filter(startsRound).length + 1
    const ends = history.filter(isEnd).length
    if (ends !== rounds) problems.push(`${id} has ${ends} ends in ${rounds} rounds: ${story(history)}`)
    for (const [i, entry] of history.entries()) {
      const before = history[i - 1]
      if (before !== undefined && isEnd(before) && !startsRound(entry)) problems.push(`${id} goes on after its end`)
      if (before !== undefined && entry.expectedSeq !== before.seq) {
        problems.push(`${id}: event ${entry.seq} was compared with ${entry.expectedSeq}, not ${before.seq}`)
      }
    }
  }
  return problems
}

/** Readings that went back: a version that one caller saw must not be undone for one that looks later. */
function backwardReadings(readings: readonly Reading[]): string[] {
  const problems: string[] = []
  for (const [id, ofJob] of Map.groupBy(readings, ({ job_id }) => job_id)) {
    const byEnd = ofJob.toSorted((a, b) => a.endedMs - b.endedMs)
    let newest: Reading | undefined
    let next = 0
    for (const reading of ofJob.toSorted((a, b) => a.startedMs - b.startedMs)) {
      for (let ended = byEnd[next]; ended !== undefined && ended.endedMs <= reading.startedMs; ended = byEnd[++next]) {
        if (ended.seen !== null && ended.seen.seq > (newest?.seen?.seq ?? 0)) newest = ended
      }
      if (reading.httpStatus === 404) problems.push(`${id} was answered 404 after its 201`)
      if (reading.seen !== null && newest?.seen && reading.seen.seq < newest.seen.seq) {
        problems.push(
          `${id} went back from ${newest.seen.status} (${newest.seen.seq}) to ${reading.seen.status} (${reading.seen.seq})`,
        )
      }
    }
  }
  return problems
}

/** Broken cooldowns, by the broker's own time. */
function brokenCooldowns(histories: Histories, cooldownMs: number): string[] {
  const firsts = [...histories.values()].flatMap(([first]) => (first?.event.event === 'job:created' ? [first] : []))
  const problems: string[] = []
  for (const [objectId, list] of Map.groupBy(firsts, ({ event }) => `${event.type}/${event.object_id}`)) {
    for (const [i, entry] of list.entries()) {
      const before = list[i - 1]
      if (before === undefined || entry.timeMs - before.timeMs >= cooldownMs) continue
      problems.push(`${objectId} was accepted again after ${entry.timeMs - before.timeMs} ms`)
    }
  }
  return problems
}

/**
 * Repeated effects: a token belongs to one start, its effect happens once, and a result belongs to the job's last
 * token.
 */
function repeatedEffects(effects: readonly ReceivedEffect[], histories: Histories): string[] {
  const problems: string[] = []
  const seen = new Set<string>()
  for (const { job_id, fencing_token } of effects) {
    const key = `${job_id}/${fencing_token}`
    if (seen.has(key)) problems.push(`${job_id} had an effect twice under token ${fencing_token}`)
    seen.add(key)
    const start = histories.get(job_id)?.find(({ seq }) => seq === fencing_token)
    if (start === undefined || !isStart(start))
      problems.push(`${job_id} had an effect under ${fencing_token}, no start`)
  }
  for (const [id, history] of histories) {
    const end = history.findLast(isEnd)
    if (end?.event.event !== 'job:finished') continue
    const token = tokenOf(end.event.result)
    const last = lastToken(history)
    if (token !== undefined && token !== last) {
      problems.push(`${id} finished with the result of token ${token}, that of its last start was ${last}`)
    }
    if (token !== undefined && !effects.some((effect) => effect.accepted && effect.fencing_token === token)) {
      problems.push(`${id} finished under token ${token} without its effect`)
    }
  }
  return problems
}

/** Whether an attempt may have this event's sequence as its token; a short one has that of the job's creation. */
const isStart = ({ event }: HistoryEntry): boolean =>
  event.event === 'job:created' || (event.event === 'job:started' && event.fencing_token === undefined)

/** The token of a history's last start, which may stand in the end itself. */
function lastToken(history: readonly HistoryEntry[]): number | undefined {
  const end = history.at(-1)
  if (end?.event.event === 'job:finished' && end.event.started_at !== undefined) return history.at(-2)?.seq
  const start = history.findLast(({ event }) => event.event === 'job:started')
  return start?.event.event === 'job:started' ? (start.event.fencing_token ?? start.seq) : undefined
}

const tokenOf = (result: unknown): number | undefined =>
  typeof result === 'object' && result !== null && 'fencing_token' in result ? Number(result.fencing_token) : undefined

function jobsFromNowhere(posts: readonly Post[], histories: Histories): string[] {
  const known = new Set(posts.filter(isAccepted).map(({ job_id }) => job_id))
  const maybe = Map.groupBy(
    posts.filter(({ outcome }) => outcome === 'unknown'),
    (post) => `${post.type}/${post.object_id}`,
  )
  const problems: string[] = []
  for (const [id, [first]] of histories) {
    if (known.has(id) || first === undefined) continue
    // Each unanswered post may have created one job.
    if (maybe.get(`${first.event.type}/${first.event.object_id}`)?.pop() !== undefined) continue
    problems.push(`${id} (${first.event.object_id}) was never asked for`)
  }
  return problems
}

function leftovers(evidence: Evidence): string[] {
  const lanes = evidence.lanes
    .filter(({ pending, ackPending }) => pending > 0 || ackPending > 0)
    .map(({ name, pending, ackPending }) => `${name} has ${pending} pending and ${ackPending} unacked`)
  return [...lanes, ...evidence.timers.map((subject) => `a timer is left: ${subject}`)]
}

function wrongDocuments(evidence: Evidence, histories: Histories): string[] {
  const folds = new Map([...histories].map(([id, history]) => [id, fold(history)]))
  const problems: string[] = []
  for (const [id, job] of folds) {
    const stored = evidence.stored.get(id)
    if (!isDeepStrictEqual(plain(stored ?? null), plain(job))) {
      problems.push(`${id} is stored as ${JSON.stringify(stored)}, its log says ${JSON.stringify(job)}`)
    }
  }
  for (const { replica, job_id, httpStatus, view } of evidence.answers) {
    const job = folds.get(job_id)
    if (httpStatus === 200 && job && isDeepStrictEqual(plain(view), plain(jobView(job)))) continue
    problems.push(`${replica} answers ${httpStatus} ${JSON.stringify(view)} about ${job_id}: ${JSON.stringify(job)}`)
  }
  return problems
}

const fold = (history: readonly HistoryEntry[]): Job | null =>
  history.reduce<Job | null>((job, { event, seq }) => applyEvent(job, event, seq), null)

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

function dishonestAnswers(posts: readonly Post[], histories: Histories): string[] {
  return posts.flatMap(({ outcome, status, job_id, object_id }) => {
    if (outcome === 'unexpected') return [`${object_id} was answered ${status}`]
    if (outcome !== 'accepted') return []
    const first = histories.get(job_id ?? '')?.[0]
    if (first === undefined) return [`${object_id} was answered 201 with ${job_id}, which is not in the log`]
    return first.event.object_id === object_id ? [] : [`${job_id} was answered for ${object_id}, it is another's`]
  })
}

function unbounded({ processes, complaints }: Evidence): string[] {
  const large = processes
    .filter(({ rssBytes }) => rssBytes > MAX_RSS_BYTES)
    .map(({ name, rssBytes }) => `${name} uses ${Math.round(rssBytes / 1024 / 1024)} MB`)
  return [...large, ...complaints]
}
